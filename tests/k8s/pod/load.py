"""Calls and watches the planner as docs/api.md tells a client to, until /tmp/stop is there; then prints what it saw.

load.py SYNC   PENSTOCK_SERVER, PENSTOCK_TLS_CA and PENSTOCK_TOKEN_FILE say where, as for the command
"""
import importlib
import json
import os
import pathlib
import sys
import threading
import time
import uuid

sys.path.insert(0, "/opt/client/stubs")

import grpc  # noqa: E402

importlib.import_module("google").__path__.append("/opt/client/stubs/google")
from penstock.v1 import resource_service_pb2, resource_service_pb2_grpc  # noqa: E402
from penstock.v1 import run_pb2, run_service_pb2, run_service_pb2_grpc  # noqa: E402

ENDED = {run_pb2.RUN_STATE_SUCCEEDED, run_pb2.RUN_STATE_PARTIAL, run_pb2.RUN_STATE_FAILED, run_pb2.RUN_STATE_CANCELLED,
         run_pb2.RUN_STATE_SKIPPED}
AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
PATIENCE = 60
STOP = pathlib.Path("/tmp/stop")
sync = sys.argv[1]
lock = threading.Lock()
seen = {"calls": 0, "calls_retried": 0, "calls_failed": 0, "slowest_call_s": 0.0, "watches": 0, "watches_reopened": 0,
        "watches_lost": 0, "runs": {}, "problems": []}


def add(name, amount=1):
    with lock:
        seen[name] += amount


def problem(text):
    with lock:
        seen["problems"] = (seen["problems"] + [text])[-20:]


def metadata():
    return [("authorization", "Bearer " + pathlib.Path(os.environ["PENSTOCK_TOKEN_FILE"]).read_text().strip())]


def call(method, request):
    """A unary call with a client's retries. None when they did not help."""
    begun = time.monotonic()
    add("calls")
    while True:
        try:
            answer = method(request, timeout=10, metadata=metadata())
            with lock:
                seen["slowest_call_s"] = max(seen["slowest_call_s"], round(time.monotonic() - begun, 3))
            return answer
        except grpc.RpcError as error:
            if error.code() not in AGAIN or time.monotonic() - begun > PATIENCE:
                add("calls_failed")
                problem(f"{type(request).__name__}: {error.code().name}: {error.details()}")
                return None
            add("calls_retried")
            problem(f"{type(request).__name__}: tried again after {error.code().name}: {error.details()}")
            time.sleep(0.5)


def ask(runs, resources):
    while not STOP.exists():
        call(runs.ListRuns, run_service_pb2.ListRunsRequest(sync=sync, page_size=10))
        call(resources.ListResources, resource_service_pb2.ListResourcesRequest())
        time.sleep(0.05)


def watch(runs):
    """Runs of the Sync, one after the other, each followed from its trigger to its end."""
    while not STOP.exists():
        answer = call(runs.TriggerRun, run_service_pb2.TriggerRunRequest(sync=sync, request_id=str(uuid.uuid4())))
        if answer is None:
            continue
        run, begun = answer.run, time.monotonic()
        add("watches")
        while run.state not in ENDED and time.monotonic() - begun < 600:
            try:
                for response in runs.WatchRun(run_service_pb2.WatchRunRequest(run_id=run.id), metadata=metadata()):
                    if response.run.revision < run.revision:
                        add("watches_lost")
                        problem(f"{run.id}: revision {response.run.revision} after {run.revision}")
                    run = response.run
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    add("watches_lost")
                    problem(f"watch {run.id}: {error.code().name}: {error.details()}")
                add("watches_reopened")
                time.sleep(0.5)
        with lock:
            name = run_pb2.RunState.Name(run.state)
            seen["runs"][name] = seen["runs"].get(name, 0) + 1
        now = call(runs.GetRun, run_service_pb2.GetRunRequest(run_id=run.id))
        if now is not None and (now.run.state != run.state or now.run.revision != run.revision):
            add("watches_lost")
            problem(f"{run.id}: the watch ended at revision {run.revision}, the run is at {now.run.revision}")
        time.sleep(0.2)


def main():
    credentials = grpc.ssl_channel_credentials(pathlib.Path(os.environ["PENSTOCK_TLS_CA"]).read_bytes())
    threads = []
    for work in (ask, ask, watch, watch):
        channel = grpc.secure_channel(os.environ["PENSTOCK_SERVER"], credentials, [("grpc.use_local_subchannel_pool", 1)])
        runs = run_service_pb2_grpc.RunServiceStub(channel)
        more = (runs, resource_service_pb2_grpc.ResourceServiceStub(channel)) if work is ask else (runs,)
        threads.append(threading.Thread(target=work, args=more, daemon=True))
    for thread in threads:
        thread.start()
    print("started", flush=True)
    for thread in threads:
        thread.join()
    print(json.dumps(seen), flush=True)


main()
