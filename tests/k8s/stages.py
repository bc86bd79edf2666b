"""The stages, in their order. Each leaves a cluster that runs this version, with the CRM equal to the model."""
import base64
import json
import os
import re
import shlex
import subprocess
import threading
import time

import cluster
from cluster import (IMAGES, ROOT, SERVICES, Changes, Load, Log, apply, get, is_rolled_out, kubectl, metrics, penstock, pods,
                     render, repeated, run, sql, store, total, trigger, wait_until)

CONNECTIONS = (ROOT / "examples/quickstart-kubernetes/connections.yaml").read_text()
CUSTOMERS = (ROOT / "examples/quickstart/customers.yaml").read_text()
log = Log()


def say(text):
    print("   " + text, flush=True)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def only(kind, folder):
    """What the folder renders, of one kind."""
    return "\n---\n".join(d for d in render(folder).split("\n---\n") if re.search(rf"^kind: {kind}$", d, re.M))


def check_equal(what):
    missing, extra = log.differences()
    check(not missing and not extra,
          f"{what}: {len(missing)} contacts are missing or wrong {missing[:2]}, {len(extra)} should not be so {extra[:2]}")


def paced(requests):
    """The quickstart's files with so many requests of 100 records in ten seconds, so that a run can be met in its middle."""
    return (CONNECTIONS.replace("{requests: 20000, per: 10s}", f"{{requests: {requests}, per: 10s}}"),
            CUSTOMERS + "  delivery: {max_in_flight: 4}\n")


# max_in_flight requests of 100 records for each loader: what may be sent twice when a process is killed.
IN_FLIGHT = 2 * 4 * 100


def change(first, last):
    """Gives how many rows it changed: some customers of this range have left."""
    where = f"customer_id BETWEEN {first} AND {last}"
    sql(f"UPDATE marts.customers SET lifetime_value = lifetime_value + 0.01 WHERE {where}")
    return int(sql(f"SELECT count(*) FROM marts.customers WHERE {where}"))


def in_mid_run(what, do):
    """Does `do()` while a run is delivering; the run, or one after it, must bring the CRM to the model. Gives the repeats."""
    store(*paced(100))
    log.read()
    before = len(log.lines)
    rows = change(1, 6000)
    done = {}
    runner = threading.Thread(target=lambda: done.update(out=trigger(check=False)))
    runner.start()
    wait_until(lambda: len(log.read()) >= 0 and len(log.lines) > before + 1000, f"{what}: the run is in its middle", 60, 0.2)
    do()
    runner.join()
    wait_until(is_rolled_out, f"{what}: all pods are back", 180)
    check("SUCCEEDED" in done["out"], f"{what}: the run did not succeed: {done['out'][-600:]}")
    check_equal(what)
    twice = repeated(log.lines[before:])
    sent = len(log.lines) - before
    check(sent - twice == rows, f"{what}: {sent - twice} records were sent, {rows} had changed")
    store(CONNECTIONS, CUSTOMERS)
    return twice


# --- stages ------------------------------------------------------------------------------------


def volumes():
    """A volume for PostgreSQL where the cluster makes none by itself. Its folder is given to the server's user by a pod."""
    kubectl("delete", "pv", "-l", "test=penstock", "--ignore-not-found")
    if any("is-default-class" in json.dumps(c["metadata"].get("annotations", {})) for c in get("storageclasses")["items"]):
        return
    folder = f"/var/tmp/penstock-test-k8s/{time.time_ns()}"
    apply(f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: penstock-test, labels: {{test: penstock}}}}
spec:
  capacity: {{storage: 5Gi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {{path: {folder}, type: DirectoryOrCreate}}
""")
    run("kubectl", "-n", "default", "delete", "pod", "penstock-volume", "--ignore-not-found")
    run("kubectl", "-n", "default", "apply", "-f", "-", text=f"""
apiVersion: v1
kind: Pod
metadata: {{name: penstock-volume}}
spec:
  restartPolicy: Never
  containers:
    - name: chown
      image: localhost/penstock:0.1.0
      command: [chown, "65532:65532", /volume]
      securityContext: {{runAsUser: 0, runAsNonRoot: false}}
      volumeMounts: [{{name: volume, mountPath: /volume}}]
  volumes: [{{name: volume, hostPath: {{path: {folder}, type: DirectoryOrCreate}}}}]
""")
    wait_until(lambda: run("kubectl", "-n", "default", "get", "pod", "penstock-volume", "-o", "jsonpath={.status.phase}")
               .stdout == "Succeeded", "the volume's folder is made", 60)
    run("kubectl", "-n", "default", "delete", "pod", "penstock-volume")


def accept(*tokens):
    """The tokens that the CRM takes."""
    data = base64.b64encode("".join(t + "\n" for t in tokens).encode()).decode()
    apply(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: crm-accepts}}\ndata: {{tokens: {data}}}\n")


def secret(name, key):
    return base64.b64decode(get("secret", name)["data"][key]).decode()


def install():
    """From nothing to the first synced record, as the README's tour does it."""
    archives = sorted(str(p) for p in IMAGES.glob("*.tar"))
    for name in ("0.1.0", "before", "setup", "postgres", "redis", "demo-crm", "demo-warehouse", "test-client"):
        check(any(f"penstock-{name}" in a for a in archives), f"{IMAGES} has no penstock-{name}; run: make test-images")
    subprocess.run([*shlex.split(os.environ["LOAD_IMAGE"]), *archives], check=True)
    for archive in archives:
        say(f"{os.path.basename(archive)}: {os.path.getsize(archive) / 1e6:.0f} MB")
    kubectl("delete", "namespace", "penstock", "--ignore-not-found", timeout=180)
    volumes()
    begun = time.monotonic()
    apply(render("deploy/k8s/overlays/quickstart"))
    wait_until(is_rolled_out, "every pod is ready", 180)
    ready = time.monotonic() - begun
    first_record(begun)
    say(f"{ready:.0f} s from apply until every pod was ready, {time.monotonic() - begun:.0f} s until the first record was synced")
    check(time.monotonic() - begun < 120, "the first record took 2 minutes or more")
    accept(secret("penstock-secrets", "crm_token"))
    apply(render("tests/k8s/overlay"))   # replaces the CRM's pod: its log begins anew
    wait_until(is_rolled_out, "the client is there", 120)


def first_record(begun):
    """The tour: port-forward, a token, apply, trigger."""
    folder = ROOT / "build/k8s"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_text(secret("penstock-planner-tls", "ca.crt"))
    (folder / "token").write_text(secret("penstock-api-tokens", "token"))
    forward = subprocess.Popen(["kubectl", "-n", "penstock", "port-forward", "service/penstock-planner", ":7070"],
                               stdout=subprocess.PIPE, text=True)
    try:
        port = re.search(r":(\d+) ->", forward.stdout.readline())[1]
        command = os.path.join(os.environ["PENSTOCK_BIN"], "penstock")
        options = [f"--server=localhost:{port}", f"--tls-ca={folder}/ca.crt", f"--token-file={folder}/token"]
        run(command, *options, "apply", "--yes", "-f", str(ROOT / "examples/quickstart-kubernetes"),
            "-f", str(ROOT / "examples/quickstart/customers.yaml"))
        run(command, *options, "trigger", "customers-to-crm")
        wait_until(lambda: cluster.raw("services/penstock-demo-crm:8080/proxy/contacts?format=count").strip() != "0",
                   "the first record is in the CRM", 120, 0.2)
        run(command, *options, "watch", "customers-to-crm", check=False)
    finally:
        forward.kill()
        forward.wait()


def demo():
    """The quickstart's two syncs, compared with the model by SQL."""
    store(CONNECTIONS, CUSTOMERS)
    begun = time.monotonic()
    trigger("--full-resync")
    say(f"100,000 customers in {time.monotonic() - begun:.1f} s")
    check_equal("the first sync")
    before = len(log.lines)
    sql((ROOT / "examples/quickstart/changes.sql").read_text())
    trigger()
    check_equal("the second sync")
    calls = [line["call"] for line in log.lines[before:]]
    check((calls.count("upsert"), calls.count("archive")) == (600, 50),
          f"600 upserts and 50 removals were due, the CRM saw {calls.count('upsert')} and {calls.count('archive')}")
    say("the second one sent 600 and removed 50: what had changed")


def image():
    """What a slim image could lack: time zones and TLS to a destination."""
    zoned = CUSTOMERS + '  schedule: {cron: "0 6 * * *", timezone: Europe/Berlin}\n'
    secure = CONNECTIONS.replace("http://penstock-demo-crm:8080", "https://penstock-demo-crm:8443\n    tls_ca: /etc/penstock/tls/ca.crt")
    store(secure, zoned)
    trigger("--full-resync")
    check_equal("HTTPS")
    due = sql("SELECT next_due AT TIME ZONE 'Europe/Berlin' FROM syncs WHERE name = 'customers-to-crm'", "penstock", "penstock-postgres-0")
    check(" 06:00:00" in due, f"the next due time is {due.strip()} in Berlin, not 6:00")
    try:
        store(CONNECTIONS, zoned.replace("Europe/Berlin", "Europe/Atlantis"))
    except AssertionError as error:
        check("Atlantis" in str(error), f"an unknown zone is refused by its name: {error}")
    else:
        raise AssertionError("an unknown time zone was taken")
    store(CONNECTIONS, CUSTOMERS)
    say("a sync at 6:00 in Berlin to an HTTPS destination ran; Europe/Atlantis was refused")


def kill():
    """A pod of each kind is killed without a word in the middle of a run."""
    for service in ("loader", "extractor", "state", "planner"):
        def do():
            kubectl("delete", "pod", pods(service)[0], "--force", "--grace-period=0")
        twice = in_mid_run(f"kill {service}", do)
        check(twice <= IN_FLIGHT, f"kill {service}: {twice} records were sent twice, {IN_FLIGHT} may have been in flight")
        say(f"{service}: nothing lost, {twice} records sent twice")


def report(load, what):
    seen = load.seen
    say(f"{what}: {seen['calls']} calls, {seen['calls_retried']} tried again, {seen['calls_failed']} failed, slowest "
        f"{seen['slowest_call_s']} s; {seen['watches']} watches, {seen['watches_reopened']} opened again, "
        f"{seen['watches_lost']} lost; runs {seen['runs']}")
    for text in seen["problems"][-5:]:
        say("  " + text)
    check(seen["calls"] > 50 and seen["watches"] > 0, f"{what}: the load did nothing")
    check(seen["calls_failed"] == 0, f"{what}: {seen['calls_failed']} calls failed after their retries")
    check(seen["watches_lost"] == 0, f"{what}: {seen['watches_lost']} watches lost an update")
    check(set(seen["runs"]) <= {"RUN_STATE_SUCCEEDED"}, f"{what}: runs ended as {seen['runs']}")


def settle(what, before):
    """After changes and load: the CRM equals the model. Gives how many records were sent twice."""
    trigger()
    check_equal(what)
    removed = sum(line["call"] == "archive" for line in log.lines[before:])
    check(removed == 0, f"{what}: {removed} contacts were removed, no customer had left")
    return repeated(log.lines[before:])


def evict():
    """Every pod in turn, through the eviction API, while clients call and rows change. The demo's CRM and warehouse are
    the world outside, and stay."""
    log.read()
    before = len(log.lines)
    with Load() as load, Changes():
        names = [n for c in (*SERVICES, "redis", "postgres", "setup") for n in pods(c)]
        version = "policy/v1" if "policy/v1" in kubectl("api-versions").split() else "policy/v1beta1"
        for name in names:
            body = json.dumps({"apiVersion": version, "kind": "Eviction", "metadata": {"name": name, "namespace": "penstock"}})
            path = f"/api/v1/namespaces/penstock/pods/{name}/eviction"
            # 429: a disruption budget wants the pod before to be back first.
            wait_until(lambda: "uccess" in kubectl("create", "--raw", path, "-f", "-", text=body, check=False),
                       f"{name} may be evicted", 120, 1)
        wait_until(is_rolled_out, "all pods are back", 180)
    report(load, f"{len(names)} pods evicted")
    twice = settle("evict", before)
    say(f"nothing lost, {twice} records sent twice")


def upgrade():
    """From the version before to this one, back, and again, under load; this version's migration on the way."""
    kubectl("scale", "deployment", "--replicas=0", *(f"penstock-{s}" for s in SERVICES))
    wait_until(lambda: not any(pods(s, ready=False) for s in SERVICES), "the services are gone", 90)
    sql("DROP DATABASE penstock WITH (FORCE)", "postgres", "penstock-postgres-0")
    sql("CREATE DATABASE penstock OWNER penstock", "postgres", "penstock-postgres-0")
    apply(render("tests/k8s/before"))
    kubectl("scale", "deployment", "--replicas=2", *(f"penstock-{s}" for s in SERVICES))
    wait_until(is_rolled_out, "the version before is there", 180)
    store(CONNECTIONS, CUSTOMERS)
    trigger()
    check_equal("the version before")
    schema = lambda: int(sql("SELECT max(version) FROM schema_versions", "penstock", "penstock-postgres-0"))
    old = schema()
    log.read()
    before = len(log.lines)
    for what, do in (("upgrade", lambda: apply(render("tests/k8s/overlay"))),
                     ("undo", lambda: [kubectl("rollout", "undo", f"deployment/penstock-{s}") for s in SERVICES]),
                     # As docs/operations/upgrade.md says: what was undone is applied, too, before the next apply.
                     ("upgrade again", lambda: [apply(render(f"tests/k8s/{name}")) for name in ("before", "overlay")])):
        with Load() as load, Changes():
            time.sleep(5)
            do()
            took = wait_until(is_rolled_out, f"{what} is rolled out", 300)
            time.sleep(5)
        report(load, f"{what} in {took:.0f} s")
        twice = settle(what, before)
        check(twice == 0, f"{what}: {twice} records were sent twice")
    check(old < schema() <= old + 1, f"the schema went from version {old} to {schema()}: one migration was due")
    say(f"schema {old} → {schema()}, nothing lost, nothing sent twice")


def scale():
    """State and planner from 2 to 4: each new pod serves calls within a minute."""
    for service in ("state", "planner"):
        old = set(pods(service))
        with Load() as load:
            kubectl("scale", "deployment", f"penstock-{service}", "--replicas=4")
            wait_until(lambda: len(pods(service)) == 4, f"4 of {service} are ready", 120)
            new = set(pods(service)) - old
            served = lambda pod: total(metrics(pod), "penstock_rpc_seconds_count") > 0
            took = wait_until(lambda: all(served(p) for p in new), f"each new {service} served calls", 60)
        report(load, f"{service} scaled to 4")
        say(f"{service}: both new pods served calls {took:.0f} s after they were ready")
        kubectl("scale", "deployment", f"penstock-{service}", "--replicas=2")
        wait_until(is_rolled_out, f"{service} is back at 2", 120)


def answers():
    """What KEDA would ask Prometheus, worked out from the planners' own metrics: replicas wanted of extractor and loader."""
    tickets, calls, backlog = 0, {"extractor": 0, "loader": 0}, 0
    for pod in pods("planner"):
        series = metrics(pod)
        tickets = max(tickets, total(series, "penstock_task_tickets"))
        backlog = max(backlog, total(series, "penstock_backlog_batches"))
        for service in calls:
            calls[service] += total(series, "penstock_calls_waiting", service=service)
    active = sum(total(metrics(p), "penstock_extractor_tasks_active") for p in pods("extractor"))
    return {"extractor": tickets + active + calls["extractor"], "loader": backlog + calls["loader"]}


def zero():
    """Nobody extracts or loads; the query's answer sets the replicas. What needs one waits for it."""
    for service in ("extractor", "loader"):
        kubectl("scale", "deployment", f"penstock-{service}", "--replicas=0")
    wait_until(lambda: not pods("extractor", False) and not pods("loader", False), "extractors and loaders are gone", 90)
    ended, started = threading.Event(), set()

    def autoscale():
        while not ended.wait(1):
            for service, answer in answers().items():
                if answer > 0 and service not in started:
                    started.add(service)
                    kubectl("scale", "deployment", f"penstock-{service}", "--replicas=1")

    scaler = threading.Thread(target=autoscale)
    scaler.start()

    def to_zero():
        for service in list(started):
            kubectl("scale", "deployment", f"penstock-{service}", "--replicas=0")
            wait_until(lambda: not pods(service, False), f"{service} is gone", 90)
        started.clear()

    try:
        log.read()
        change(1, 1000)
        for what, do in (
                ("apply", lambda: store(CONNECTIONS, CUSTOMERS)),
                ("test source", lambda: penstock("test", "source", "warehouse")),
                ("test destination", lambda: penstock("test", "destination", "crm")),
                ("plan", lambda: penstock("plan", "customers-to-crm")),
                ("trigger", trigger)):
            begun = time.monotonic()
            do()
            say(f"{what} at zero: answered in {time.monotonic() - begun:.0f} s; it started {', '.join(sorted(started)) or 'nobody'}")
            to_zero()
        check_equal("zero")
    finally:
        ended.set()
        scaler.join()
        apply(render("tests/k8s/overlay"))
        for service in ("extractor", "loader"):
            kubectl("scale", "deployment", f"penstock-{service}", "--replicas=2")
        wait_until(is_rolled_out, "all pods are back", 120)


def hpa():
    """The autoscaler adds planners under load, and takes them away after it."""
    text = only("HorizontalPodAutoscaler", "tests/k8s/hpa")
    apply(text)
    replicas = lambda: get("deployment", "penstock-planner")["spec"]["replicas"]
    try:
        with Load() as load:
            up = wait_until(lambda: replicas() > 2, "planners are added", 240, 2)
            say(f"{replicas()} planners {up:.0f} s after the load began")
        report(load, "autoscaled")
        down = wait_until(lambda: replicas() == 2, "planners are taken away", 300, 2)
        say(f"2 planners {down:.0f} s after it ended")
    finally:
        kubectl("delete", "hpa", "--all")
        apply(render("tests/k8s/overlay"))
    wait_until(is_rolled_out, "all pods are back", 120)


def redis():
    """Redis' pod is deleted with all that it held, in the middle of a run."""
    twice = in_mid_run("redis", lambda: kubectl("delete", "pod", pods("redis")[0], "--force", "--grace-period=0"))
    check(twice <= IN_FLIGHT, f"redis: {twice} records were sent twice")
    say(f"nothing lost, {twice} records sent twice")


def postgres():
    """PostgreSQL restarts in the middle of a run."""
    twice = in_mid_run("postgres", lambda: kubectl("delete", "pod", "penstock-postgres-0"))
    check(twice <= IN_FLIGHT, f"postgres: {twice} records were sent twice")
    say(f"nothing lost, {twice} records sent twice")


def reaches(pod, container, host, port):
    done = run("kubectl", "-n", "penstock", "exec", pod, "-c", container, "--", "timeout", "3", "bash", "-c",
               f"exec 3<>/dev/tcp/{host}/{port}", check=False)
    return done.returncode == 0


def policies():
    """What the network policies let through, and what they don't."""
    policy = only("NetworkPolicy", "tests/k8s/policies")
    state, redis_, db, planner = (("penstock-state", 7071), ("penstock-redis", 6379), ("penstock-postgres", 5432),
                                  ("penstock-planner", 7070))
    extractor, loader = ("penstock-extractor", 7072), ("penstock-loader", 7073)
    warehouse, crm = ("penstock-demo-warehouse", 5432), ("penstock-demo-crm", 8080)
    allowed = {"planner": [state, redis_, extractor, loader], "extractor": [state, redis_, warehouse],
               "loader": [state, redis_, crm], "state": [db], "client": [planner]}
    everything = [state, redis_, db, planner, extractor, loader, warehouse, crm]
    pod_of = {c: pods(c)[0] for c in SERVICES} | {"client": cluster.client()}
    for who, pod in pod_of.items():
        for target in everything:
            check(reaches(pod, "command" if who == "client" else who, *target), f"without policies {who} reaches {target[0]}")
    apply(policy)
    try:
        time.sleep(5)
        passed = refused = 0
        for who, pod in pod_of.items():
            for target in everything:
                if target[0] == f"penstock-{who}":
                    continue   # no policy stands between a pod and itself
                got = reaches(pod, "command" if who == "client" else who, *target)
                check(got == (target in allowed[who]), f"{who} → {target[0]}: {'passes' if got else 'is refused'}")
                passed, refused = passed + got, refused + (not got)
        admin = get("pods", "-l", "app.kubernetes.io/component=state")["items"][0]["status"]["podIP"]
        check(not reaches(pod_of["client"], "command", admin, 9090), "a client reaches a metrics port")
        kubectl("label", "pod", pod_of["client"], "penstock.dev/client-")
        time.sleep(5)
        check(not reaches(pod_of["client"], "command", *planner), "a pod without the label reaches the planner")
        kubectl("label", "pod", pod_of["client"], "penstock.dev/client=true")
        time.sleep(5)
        change(1, 500)
        trigger()
        check_equal("policies")
        check(is_rolled_out(), "pods are ready under the policies")
        say(f"{passed} ways pass, {refused + 2} are refused, and a sync goes through")
    finally:
        kubectl("delete", "networkpolicy", "--all")


def serial(service, port):
    """The serial number of the certificate that the service shows."""
    pod = pods("setup")[0]
    out = kubectl("exec", pod, "--", "sh", "-c",
                  f"echo | openssl s_client -connect {service}:{port} -alpn h2 2>/dev/null | openssl x509 -noout -serial", check=False)
    return out.strip()


def rotate():
    """Certificates of all services, and the token of a destination, under load, without a restart."""
    ports = {"state": 7071, "planner": 7070, "extractor": 7072, "loader": 7073}
    started = {p["metadata"]["name"]: p["status"]["containerStatuses"][0]["restartCount"]
               for s in SERVICES for p in get("pods", "-l", f"app.kubernetes.io/component={s}")["items"]}
    old = {s: serial(f"penstock-{s}", ports[s]) for s in SERVICES}
    check(all(old.values()), f"the services show certificates: {old}")
    log.read()
    before = len(log.lines)
    token = secret("penstock-secrets", "crm_token")
    new = "rotated-" + str(time.time_ns())
    with Load() as load, Changes():
        for s in SERVICES:
            kubectl("delete", "secret", f"penstock-{s}-tls")
        kubectl("rollout", "restart", "deployment/penstock-setup")   # makes what is missing at once
        wait_until(is_rolled_out, "the certificates are made", 60)
        wait_until(lambda: all(serial(f"penstock-{s}", ports[s]) not in ("", old[s]) for s in SERVICES),
                   "every service shows its new certificate", 240, 5)
        accept(token, new)
        time.sleep(90)   # until the CRM's pod has the file
        data = base64.b64encode(new.encode()).decode()
        kubectl("patch", "secret", "penstock-secrets", "-p", json.dumps({"data": {"crm_token": data}}))
        time.sleep(90)
        accept(new)
        time.sleep(90)
    report(load, "certificates and a token rotated")
    settle("rotate", before)
    refused = json.loads(cluster.raw("services/penstock-demo-crm:8080/proxy/stats"))["requests_refused"]
    now = {p["metadata"]["name"]: p["status"]["containerStatuses"][0]["restartCount"]
           for s in SERVICES for p in get("pods", "-l", f"app.kubernetes.io/component={s}")["items"]}
    check(now == started, "no pod was replaced or restarted")
    say(f"nobody restarted; the CRM refused {refused} requests")


def restore():
    """A backup, more syncs, the backup again: what docs/operations/back-up.md says, and exactly that."""
    trigger()
    check_equal("before the backup")
    dump = kubectl("exec", "penstock-postgres-0", "--", "pg_dump", "-h", "/tmp", "-U", "postgres", "penstock", timeout=600)
    # After the dump: a row changes, rows come, one that was there leaves, and one comes and leaves again.
    change(200, 300)
    sql("INSERT INTO marts.customers SELECT 900000 + i, format('after.dump.%s@example.com', i), 'After', 'Dump', NULL, 'DE', "
        "'{}', 0, now() FROM generate_series(1, 20) AS i")
    sql("DELETE FROM marts.customers WHERE customer_id = 777")
    trigger("--allow-removals")
    check_equal("after the dump")
    gone = "after.dump.1@example.com"
    sql("DELETE FROM marts.customers WHERE customer_id = 900001")   # left the model before the restore, unknown to the dump
    kubectl("scale", "deployment", "--replicas=0", *(f"penstock-{s}" for s in SERVICES))
    wait_until(lambda: not any(pods(s, ready=False) for s in SERVICES), "the services are gone", 90)
    sql("DROP DATABASE penstock WITH (FORCE)", "postgres", "penstock-postgres-0")
    sql("CREATE DATABASE penstock OWNER penstock", "postgres", "penstock-postgres-0")
    sql(dump, "penstock", "penstock-postgres-0", timeout=600)
    kubectl("scale", "deployment", "--replicas=2", "penstock-state", "penstock-planner")
    wait_until(is_rolled_out, "state and planner are back", 180)
    say(penstock("restored", "--yes").stdout.strip().splitlines()[0])
    kubectl("scale", "deployment", "--replicas=2", "penstock-extractor", "penstock-loader")
    wait_until(is_rolled_out, "the services are back", 180)
    log.read()
    before = len(log.lines)
    trigger("--allow-removals")
    missing, extra = log.differences()
    check(not missing, f"{len(missing)} contacts are missing or wrong after the restore: {missing[:2]}")
    check([line.split("|")[0] for line in extra] == [gone], f"only {gone} could not be known; the CRM also holds {extra[:3]}")
    sent = log.lines[before:]
    rows = int(sql("SELECT count(*) FROM marts.customers"))
    upserts = sum(line["call"] == "upsert" for line in sent)
    check(upserts == rows, f"{rows} rows were to be sent once more, {upserts} were sent")
    say(f"{upserts} rows sent once more; {gone}, first sent after the dump and gone before the restore, stayed, as documented")
    # A person removes what nobody could know of.
    sql(f"INSERT INTO marts.customers SELECT 900001, '{gone}', 'After', 'Dump', NULL, 'DE', '{{}}', 0, now()")
    trigger()
    sql("DELETE FROM marts.customers WHERE customer_id = 900001")
    trigger("--allow-removals")
    check_equal("restore")


def idle():
    """CPU and memory of each pod at rest."""
    time.sleep(60)
    for line in kubectl("top", "pod", "--no-headers").splitlines():
        say(line)


STAGES = {f.__name__: f for f in (install, demo, image, kill, evict, upgrade, scale, zero, hpa, redis, postgres, policies, rotate,
                                  restore, idle)}
