"""The cluster of KUBECONFIG, by kubectl, and what the tests do in its namespace "penstock"."""
import json
import os
import pathlib
import re
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "build/images"
NAMESPACE = "penstock"
SERVICES = ("state", "planner", "extractor", "loader")
# What an older server calls what the manifests use.
OLD_APIS = {"policy/v1": "policy/v1beta1", "autoscaling/v2": "autoscaling/v2beta2"}


def run(*command, text=None, check=True, timeout=300):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))[:300]}: {done.stderr.strip()[-2000:] or done.stdout[-2000:]}")
    return done


def kubectl(*arguments, text=None, check=True, timeout=300):
    return run("kubectl", "-n", NAMESPACE, *arguments, text=text, check=check, timeout=timeout).stdout


def get(kind, *arguments):
    return json.loads(kubectl("get", kind, *arguments, "-o", "json"))


def raw(path, check=True):
    """An HTTP answer of a pod or Service, by way of the API server."""
    return kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/{path}", check=check)


def for_this_server(text):
    known = kubectl("api-versions").split()
    for new, old in OLD_APIS.items():
        if new not in known:
            text = re.sub(rf"^apiVersion: {new}$", f"apiVersion: {old}", text, flags=re.M)
    return text


def render(folder):
    return for_this_server(run("kubectl", "kustomize", str(ROOT / folder)).stdout)


def apply(text):
    kubectl("apply", "-f", "-", text=text)


def wait_until(condition, what, seconds=120, every=0.5):
    """Gives how long it took."""
    begun = time.monotonic()
    while True:
        found = condition()
        if found:
            return time.monotonic() - begun
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def is_ready(pod):
    return ("deletionTimestamp" not in pod["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", [])))


def pods(component, ready=True):
    """Names of the component's pods."""
    found = get("pods", "-l", f"app.kubernetes.io/component={component}")["items"]
    return sorted(p["metadata"]["name"] for p in found if is_ready(p) or not ready)


def is_rolled_out():
    """All Deployments and StatefulSets have what their newest version wants, and nothing else."""
    for kind in ("deployments", "statefulsets"):
        for o in get(kind)["items"]:
            status, wanted = o["status"], o["spec"]["replicas"]
            if status.get("observedGeneration", 0) < o["metadata"]["generation"]:
                return False
            updated = status.get("updatedReplicas", 0)
            if kind == "statefulsets" and status.get("currentRevision") == status.get("updateRevision"):
                updated = wanted
            if not (updated == wanted == status.get("readyReplicas", 0) == status.get("replicas", 0)):
                return False
    return True


def metrics(pod):
    """Series of the pod's /metrics: {(name, frozenset of label pairs): value}."""
    found = {}
    for line in raw(f"pods/{pod}:9090/proxy/metrics").splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match:
            labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            found[match[1], labels] = float(match[3])
    return found


def total(series, name, **labels):
    return sum(v for (n, l), v in series.items() if n == name and set(labels.items()) <= l)


# --- the demo's world --------------------------------------------------------------------------


def client():
    return pods_of_app("client")[0]


def pods_of_app(app):
    return sorted(p["metadata"]["name"] for p in get("pods", "-l", f"app={app}")["items"] if is_ready(p))


def penstock(*arguments, check=True, text=None, timeout=300):
    """The command, in the client's pod; files go by standard input, as `-f /dev/stdin`."""
    command = ("kubectl", "-n", NAMESPACE, "exec", "-i", client(), "-c", "command", "--", "penstock", *arguments)
    return run(*command, text=text, check=check, timeout=timeout)


def store(*texts):
    """Applies files' texts, as `penstock apply` does."""
    pod, names = client(), []
    for i, text in enumerate(texts):
        names.append(f"/tmp/{i}.yaml")
        kubectl("exec", "-i", pod, "-c", "command", "--", "sh", "-c", f"cat >{names[-1]}", text=text)
    return penstock("apply", "--yes", *sum((["-f", n] for n in names), [])).stdout


def trigger(*arguments, check=True):
    done = penstock("trigger", "customers-to-crm", "--wait", *arguments, check=False, timeout=600)
    if check and done.returncode:
        raise AssertionError(f"trigger: exit {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def sql(text, database="warehouse", pod="penstock-demo-warehouse-0", timeout=300):
    return kubectl("exec", "-i", pod, "--", "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "/tmp", "-U",
                   "postgres", database, text=text, timeout=timeout)


class Log:
    """The CRM's own log: what it was told to do, in its order."""
    COLUMNS = "email firstname lastname phone country plan lifetime_value customer_since lead_source".split()

    def __init__(self):
        self.bytes = 0
        self.lines = []

    def read(self):
        """What came since the last reading."""
        pod, new = pods("demo-crm")[0], []
        size = int(kubectl("exec", pod, "--", "stat", "-c", "%s", "/var/lib/crm/log"))
        while self.bytes < size:   # now and then an exec's output is cut
            text = kubectl("exec", pod, "--", "tail", "-c", f"+{self.bytes + 1}", "/var/lib/crm/log")
            text = text[: text.rfind("\n") + 1]
            self.bytes += len(text.encode())
            new += [json.loads(line) for line in text.splitlines()]
        self.lines += new
        return new

    def contacts(self):
        """What the CRM holds: record id → properties."""
        found = {}
        for line in self.lines:
            if line["call"] == "archive":
                found.pop(line["id"], None)
            else:
                contact = found.setdefault(line["id"], {})
                for name, value in line["properties"].items():
                    if value:
                        contact[name] = value
                    else:
                        contact.pop(name, None)
        return found

    def differences(self):
        """The CRM against the model, by two ways that share no code: its log, and SQL on the warehouse."""
        self.read()
        held = {"|".join(c.get(n, "") for n in self.COLUMNS) for c in self.contacts().values()}
        query = (ROOT / "examples/quickstart/expected_contacts.sql").read_text() + "\n\\echo end of rows"
        wanted = []
        while wanted[-1:] != ["end of rows"]:   # now and then an exec's output is cut
            wanted = sql(query).splitlines()
        wanted = set(wanted[:-1])
        return sorted(wanted - held), sorted(held - wanted)


def repeated(lines):
    """How many of these lines told the CRM what the same contact's line before it had told already."""
    last, count = {}, 0
    for line in lines:
        what = (line["call"], json.dumps(line.get("properties"), sort_keys=True))
        count += last.get(line["id"]) == what
        last[line["id"]] = what
    return count


class Load:
    """The client's load while a block runs; `seen` is what it saw."""

    def __enter__(self):
        self.pod = client()
        kubectl("exec", self.pod, "-c", "load", "--", "rm", "-f", "/tmp/stop")
        self.process = subprocess.Popen(
            ["kubectl", "-n", NAMESPACE, "exec", self.pod, "-c", "load", "--", "python3", "/opt/client/load.py",
             "customers-to-crm"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if "started" not in self.process.stdout.readline():
            raise AssertionError("the load did not start: " + self.process.stderr.read())
        return self

    def __exit__(self, kind, value, traceback):
        kubectl("exec", self.pod, "-c", "load", "--", "touch", "/tmp/stop")
        try:
            out, error = self.process.communicate(timeout=700)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None:
            if not out.strip():
                raise AssertionError("the load said nothing: " + error[-1000:])
            self.seen = json.loads(out.splitlines()[-1])


class Changes:
    """Changes 200 customers of the warehouse a second while a block runs; no value comes twice."""

    def __enter__(self):
        self.stop = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self.work)
        self.thread.start()
        return self

    def work(self):
        i = 0
        try:
            while not self.stop.wait(1):
                i += 1
                sql(f"UPDATE marts.customers SET lifetime_value = lifetime_value + 0.01 "
                    f"WHERE customer_id BETWEEN {i * 200 % 90000 + 1} AND {i * 200 % 90000 + 200}")
        except Exception as error:  # told to the test's own thread
            self.error = error

    def __exit__(self, kind, value, traceback):
        self.stop.set()
        self.thread.join()
        if kind is None and self.error:
            raise self.error
