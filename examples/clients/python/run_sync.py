#!/usr/bin/env python3
"""Runs a Sync and waits for its end: run_sync.py SYNC [REQUEST_ID]

Needs grpcio, protobuf and the stubs of proto/ (docs/api.md says how they are made).
"""
import os
import sys
import time
import uuid

import grpc
from penstock.v1 import run_pb2, run_service_pb2, run_service_pb2_grpc

ENDED = {run_pb2.RUN_STATE_SUCCEEDED, run_pb2.RUN_STATE_PARTIAL, run_pb2.RUN_STATE_FAILED, run_pb2.RUN_STATE_CANCELLED,
         run_pb2.RUN_STATE_SKIPPED}


def connect():
    server = os.environ.get("PENSTOCK_SERVER", "127.0.0.1:7070")
    ca = os.environ.get("PENSTOCK_TLS_CA")
    if ca:
        with open(ca, "rb") as file:
            return grpc.secure_channel(server, grpc.ssl_channel_credentials(file.read()))
    return grpc.insecure_channel(server)


def metadata():
    token = os.environ.get("PENSTOCK_TOKEN_FILE")
    if not token:
        return []
    with open(token) as file:
        return [("authorization", "Bearer " + file.read().strip())]


def trigger(runs, sync, request_id):
    """The same request id gets the same run, so a call whose answer was lost is just made again."""
    request = run_service_pb2.TriggerRunRequest(sync=sync, request_id=request_id)
    while True:
        try:
            return runs.TriggerRun(request, timeout=10, metadata=metadata()).run
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise
            time.sleep(1)


def wait(runs, run):
    """Follows the run; a stream that a stopping planner ended is just opened again."""
    while run.state not in ENDED:
        try:
            request = run_service_pb2.WatchRunRequest(run_id=run.id)
            for response in runs.WatchRun(request, metadata=metadata()):
                run = response.run
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(1)
    return run


def main(sync, request_id=None):
    with connect() as channel:
        runs = run_service_pb2_grpc.RunServiceStub(channel)
        run = wait(runs, trigger(runs, sync, request_id or str(uuid.uuid4())))
    delivered = sum(operation.delivered for operation in run.operations)
    print(run.id, run_pb2.RunState.Name(run.state), f"{delivered} delivered", run.error.message)
    return 0 if run.state == run_pb2.RUN_STATE_SUCCEEDED else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
