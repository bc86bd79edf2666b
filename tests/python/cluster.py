"""A private cluster by scripts/stack, a second planner that a test may stop, and a destination that it may hold."""
import http.server
import importlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["PENSTOCK_BIN"])
PATIENCE = 30


def make_stubs(folder):
    """Generates the Python of proto/ into `folder`, as docs/api.md says."""
    protos = sorted((ROOT / "proto/penstock/v1").glob("*.proto")) + sorted((ROOT / "proto/google/rpc").glob("*.proto"))
    subprocess.run(["protoc", "-I", ROOT / "proto", f"--python_out={folder}", f"--grpc_python_out={folder}",
                    f"--plugin=protoc-gen-grpc_python={shutil.which('grpc_python_plugin')}", *protos], check=True)
    sys.path.insert(0, str(folder))
    # protobuf's own package "google" is to find google.rpc, too.
    importlib.import_module("google").__path__.append(str(pathlib.Path(folder) / "google"))


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Receiver:
    """Takes POST /records {"records": [{"id": …, "name": …}]}; holds requests while `closed`."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()
        self.names = {}
        self.refused = set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.waiting.set()
                receiver.open.wait(PATIENCE)
                receiver.waiting.clear()
                status = 422 if any(str(r["id"]) in receiver.refused for r in body["records"]) else 200
                if status == 200:
                    receiver.names.update({str(r["id"]): r["name"] for r in body["records"]})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


class Cluster:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-python-"))
        self.environment = dict(os.environ, PENSTOCK_RUN_DIR=str(self.folder / "run"), PENSTOCK_BIN=str(BIN))
        self.planners = {}
        try:
            self.stack("up")
            env = (self.folder / "run/env").read_text()
            self.values = dict(line.removeprefix("export ").split("=", 1) for line in env.splitlines())
            self.server = self.values["PENSTOCK_SERVER"]
            self.ports = dict(line.split("=") for line in (self.folder / "run/ports").read_text().splitlines())
        except BaseException:
            self.stop()
            raise

    def stack(self, verb):
        subprocess.run([ROOT / "scripts/stack", verb], env=self.environment, check=True, stdin=subprocess.DEVNULL)

    def sql(self, statement):
        return subprocess.run(["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", statement,
                               self.values["PENSTOCK_WAREHOUSE"].strip('"')],
                              check=True, capture_output=True, text=True).stdout.strip()

    def start_planner(self):
        """One more planner; its address."""
        port, admin = free_port(), free_port()
        address = f"127.0.0.1:{port}"
        replicas = {kind: ",".join(f"127.0.0.1:{self.ports[f'port_{kind}{i}']}" for i in (1, 2))
                    for kind in ("extractor", "loader")}
        with open(self.folder / "planner.log", "ab") as log:
            self.planners[address] = subprocess.Popen(
                [BIN / "penstock-planner", f"--listen={address}", f"--admin-listen=127.0.0.1:{admin}",
                 f"--state=127.0.0.1:{self.ports['port_state']}",
                 f"--redis-url=redis://127.0.0.1:{self.ports['port_redis']}",
                 f"--extractors={replicas['extractor']}", f"--loaders={replicas['loader']}"], stdout=log, stderr=log)
        return address

    def signal_planner(self, address, number):
        self.planners[address].send_signal(number)
        if number in (signal.SIGTERM, signal.SIGKILL):
            self.planners.pop(address).wait(PATIENCE)

    def stop(self):
        for planner in self.planners.values():
            planner.kill()
            planner.wait()
        self.stack("down")
        shutil.rmtree(self.folder, ignore_errors=True)
