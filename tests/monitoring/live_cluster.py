"""A whole cluster with a part that speaks TLS, destinations that misbehave, and a Prometheus that reads it all."""
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import sources

sys.path.insert(0, str(sources.ROOT / "tests/python"))
import cluster as harness  # noqa: E402

NAMESPACE = "penstock"
# Short times, so that leases are lost and runs are parked within the test, and little room, so that a spool is full.
SETTINGS = {"PENSTOCK_LEASE": "3s", "PENSTOCK_GRANT_SLACK": "1s", "PENSTOCK_HEARTBEAT": "1s", "PENSTOCK_PARK_AFTER_FAILING": "2s",
            "PENSTOCK_PARK_FOR": "60s", "PENSTOCK_RETRY_CAP": "1s", "PENSTOCK_METRIC_LABELS": "team",
            "PENSTOCK_GRACE_PERIOD": "3s", "PENSTOCK_SPOOL": "1MB",
            "PENSTOCK_DESTINATION_BACKLOG_BYTES": "256kB"}


class Store:
    """Destinations at /NAME/records, each with its own way to answer."""

    def __init__(self):
        self.behaviour = {"slow": self.slow, "bulky": self.slow, "down": lambda ids: (500, {}), "unauthorised": lambda ids: (401, {}),
                          "rejecting": lambda ids: (422 if any(i % 40 == 0 for i in ids) else 200, {}), "flaky": self.flaky}
        self.calls = 0
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = store.behaviour.get(self.path.split("/")[1], lambda ids: (200, {}))
                status, headers = answer([int(record["id"]) for record in body["records"]])
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def slow(ids):
        time.sleep(0.4)
        return 200, {}

    def flaky(self, ids):
        self.calls += 1
        return ((429, {"Retry-After": "1"}), (503, {}), (200, {}))[self.calls % 3]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Certificates:
    """An authority, certificates of services by it, and one by another authority."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for authority in ("ca", "other-ca"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                         f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.pem")
        for name, authority in (("state", "ca"), ("planner", "ca"), ("stranger", "other-ca")):
            self.make(name, authority)

    def make(self, name, authority):
        (self.folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                     f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                     "-CAcreateserial", "-days", "20", "-extfile", "san", "-out", f"{name}.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def path(self, name):
        return str(self.folder / name)


class Live:
    def __init__(self):
        os.environ.update(SETTINGS)
        self.store = Store()
        self.processes = {}
        self.cluster = harness.Cluster()
        self.folder = self.cluster.folder
        self.environment = dict(os.environ, PENSTOCK_SERVER=self.cluster.server)
        self.admin = {name.removeprefix("port_").removesuffix("_admin"): int(port)
                      for name, port in self.cluster.ports.items() if name.endswith("_admin")}

    # --- the part that speaks TLS ---

    def start_secured(self):
        """One more replica of state, on the same database, with mutual TLS, and one more planner that calls it."""
        self.certificates = Certificates(self.folder / "tls")
        file = self.certificates.path
        ports = {name: harness.free_port() for name in ("state", "state_admin", "planner", "planner_admin")}
        postgres = (self.folder / "run/postgres_dir").read_text().strip()
        shown = lambda who: [f"--tls-cert-file={file(who + '.pem')}", f"--tls-key-file={file(who + '.key')}"]
        self.start("secured-state", "penstock-state", f"--listen=127.0.0.1:{ports['state']}",
                   f"--admin-listen=127.0.0.1:{ports['state_admin']}", *shown("state"),
                   f"--tls-client-ca-file={file('ca.pem')}",
                   f"--database=host={postgres} port={self.cluster.ports['port_postgres']} user=penstock dbname=penstock")
        self.start("secured-planner", "penstock-planner", f"--listen=127.0.0.1:{ports['planner']}",
                   f"--admin-listen=127.0.0.1:{ports['planner_admin']}", *shown("planner"),
                   f"--state=127.0.0.1:{ports['state']}", "--state-tls-name=localhost", f"--peer-tls-ca-file={file('ca.pem')}",
                   f"--peer-tls-cert-file={file('planner.pem')}", f"--peer-tls-key-file={file('planner.key')}",
                   f"--redis-url=redis://127.0.0.1:{self.cluster.ports['port_redis']}", "--insecure=true")
        self.admin |= {"secured-state": ports["state_admin"], "secured-planner": ports["planner_admin"]}
        self.secured_state = ports["state"]
        for name in ("secured-state", "secured-planner"):
            harness.wait_until(lambda: self.is_ready(name), f"{name} is ready; its log: {self.folder / (name + '.log')}")

    def start(self, name, program, *options):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([harness.BIN / program, *options], stdout=log, stderr=log)

    def is_ready(self, name):
        if self.processes[name].poll() is not None:
            raise AssertionError(f"{name} ended: {(self.folder / (name + '.log')).read_text()[-2000:]}")
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.admin[name]}/readyz", timeout=2).status == 200
        except OSError:
            return False

    def call_as_stranger(self):
        """A handshake with a certificate of another authority, which state refuses."""
        context = ssl.create_default_context(cafile=self.certificates.path("ca.pem"))
        context.load_cert_chain(self.certificates.path("stranger.pem"), self.certificates.path("stranger.key"))
        context.set_alpn_protocols(["h2"])
        try:
            with socket.create_connection(("127.0.0.1", self.secured_state), timeout=5) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as channel:
                    channel.recv(1)
        except OSError:
            pass

    def spoil_certificate(self):
        """A renewal that went wrong: the new key belongs to another certificate."""
        source = pathlib.Path(self.certificates.path("stranger.key"))
        pathlib.Path(self.certificates.path("state.key")).write_bytes(source.read_bytes())

    # --- processes of the stack ---

    def signal(self, name, number):
        pid = int((self.folder / f"run/pid/{name}").read_text().split()[0])
        os.kill(pid, number)

    def reads(self):
        """The extractors that work on a task."""
        return [name for name in ("extractor1", "extractor2")
                if any(float(line.split()[1]) > 0 for line in self.metrics(name).splitlines()
                       if line.startswith("penstock_extractor_tasks_active"))]

    def metrics(self, name):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.admin[name]}/metrics", timeout=5).read().decode()
        except OSError:
            return ""

    # --- the command ---

    def penstock(self, *words):
        done = subprocess.run([harness.BIN / "penstock", *words], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"penstock {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def try_source(self, seconds):
        """Calls for a test of the source, and gives up."""
        with subprocess.Popen([harness.BIN / "penstock", "test", "source", "warehouse"], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as call:
            time.sleep(seconds)
            call.kill()

    # --- Prometheus ---

    def start_prometheus(self):
        """With the configuration for Kubernetes: it is told of the processes as if they were pods, beside pods that it has to
        leave alone. A second job reads them as the Prometheus Operator would by the ServiceMonitor, as another namespace."""
        pods, endpoints = [], []
        for name, port in self.admin.items():
            service = name.removeprefix("secured-").rstrip("12")
            target = {"targets": [f"127.0.0.1:{port}"]}
            meta = {"__meta_kubernetes_namespace": NAMESPACE, "__meta_kubernetes_pod_name": f"penstock-{name}-0",
                    "__meta_kubernetes_pod_phase": "Running", "__meta_kubernetes_pod_container_port_number": "9090",
                    "__meta_kubernetes_pod_label_app_kubernetes_io_name": "penstock",
                    "__meta_kubernetes_pod_label_app_kubernetes_io_component": service}
            pods += [target | {"labels": meta},
                     target | {"labels": meta | {"__meta_kubernetes_pod_container_port_number": "7070"}},
                     target | {"labels": meta | {"__meta_kubernetes_pod_label_app_kubernetes_io_name": "postgres"}},
                     target | {"labels": meta | {"__meta_kubernetes_pod_phase": "Succeeded"}}]
            # What the operator itself puts on a target before its relabelings.
            endpoints.append(target | {"labels": meta | {
                "namespace": "operator", "service": f"penstock-{service}", "pod": f"penstock-{name}-0", "container": service,
                "endpoint": "9090", "job": f"penstock-{service}",
                "__meta_kubernetes_service_label_app_kubernetes_io_component": service}})
        (self.folder / "pods.json").write_text(json.dumps(pods))
        (self.folder / "endpoints.json").write_text(json.dumps(endpoints))
        config = sources.with_file_discovery(str(self.folder / "pods.json"))
        config = config.replace("interval: 30s", "interval: 1s").replace("rules/", f"{sources.MONITORING}/rules/")
        config += "  - job_name: operator\n" + self.operator_job()
        path = self.folder / "prometheus.yaml"
        path.write_text(config)
        self.prometheus_port = harness.free_port()
        with open(self.folder / "prometheus.log", "ab") as log:
            self.processes["prometheus"] = subprocess.Popen(
                ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.folder / 'tsdb'}",
                 f"--web.listen-address=127.0.0.1:{self.prometheus_port}", "--log.level=warn"], stdout=log, stderr=log)
        harness.wait_until(self.prometheus_is_ready, "Prometheus is ready")

    def operator_job(self):
        """The ServiceMonitor's endpoint in Prometheus' own words."""
        endpoint, = sources.read_yaml(sources.MONITORING / "operator/servicemonitor.yaml")["spec"]["endpoints"]
        snake = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
        relabelings = [{snake.get(key, key): value for key, value in rule.items()} for rule in endpoint["relabelings"]]
        return (f"    metrics_path: {endpoint['path']}\n    relabel_configs: {json.dumps(relabelings)}\n"
                f"    file_sd_configs: [{{files: ['{self.folder}/endpoints.json']}}]\n")

    def prometheus_is_ready(self):
        if self.processes["prometheus"].poll() is not None:
            raise AssertionError(f"Prometheus ended: {(self.folder / 'prometheus.log').read_text()[-2000:]}")
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus_port}/-/ready", timeout=2).status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.prometheus_port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            answer = json.load(urllib.request.urlopen(url, timeout=30))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None
        except (OSError, http.client.HTTPException) as error:
            raise AssertionError(f"Prometheus does not answer: {error}") from None
        return answer["data"]

    def query(self, expression):
        """Samples of the instant, those that are no number left out."""
        return [sample for sample in self.ask("query", query=expression)["result"] if sample["value"][1] != "NaN"]

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        for name in ("extractor1", "extractor2"):
            try:
                self.signal(name, signal.SIGCONT)   # a stopped process can't end by SIGTERM
            except (OSError, FileNotFoundError):
                pass
        self.cluster.stop()
        self.store.stop()
