"""Checks what deploy/k8s renders: by Kubernetes' schemas, and by the project's own rules.

check.py RENDER…   RENDER and a folder give the folder's objects (kustomize build)

Each rule is also tried on manifests that break it, and must find that."""
import copy
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
K8S = ROOT / "deploy/k8s"
BIN = pathlib.Path(os.environ.get("PENSTOCK_BIN", ROOT / "build/bin"))
VERSIONS = ["1.29", kubernetes_validate.latest_version()]
SERVICES = ("state", "planner", "extractor", "loader")
GOLDEN = ROOT / "tests/golden/metrics.txt"
# Secrets that an installation brings itself: docs/operations/install.md must name each.
OWN_SECRETS = {"penstock-database": {"password"}, "penstock-redis": {"password"}, "penstock-api-tokens": {"tokens"},
               "penstock-secrets": None}
MADE_OF = {"penstock-redis": {"password": {"users.acl"}}, "penstock-api-tokens": {"token": {"tokens"}}}
TLS_KEYS = {"ca.crt", "tls.crt", "tls.key"}
UNITS = {"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
         "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 1e3, "M": 1e6, "G": 1e9}


def size(text):
    number, unit = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]*)", str(text)).groups()
    return float(number) * UNITS[unit]


def seconds(text):
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h)", text).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


@functools.cache
def flags(service):
    """The environment variables that the service reads, from its --help."""
    text = subprocess.run([BIN / f"penstock-{service}", "--help"], check=True, capture_output=True, text=True).stdout
    return {"PENSTOCK_" + name.upper().replace("-", "_") for name in re.findall(r"^  --([a-z-]+)=", text, re.M)}


@functools.cache
def golden_metrics():
    """Metric → labels, as tests/golden/metrics.txt has them: lines `name type label,label`."""
    metrics = {}
    for line in GOLDEN.read_text().splitlines():
        if line and not line.startswith("#"):
            words = line.split()
            metrics[words[0]] = set() if words[2] == "-" else set(words[2].split(","))
    return metrics


class Manifests:
    def __init__(self, objects):
        self.objects = objects

    def of(self, *kinds):
        return [o for o in self.objects if o["kind"] in kinds]

    def named(self, kind, name):
        return next((o for o in self.of(kind) if o["metadata"]["name"] == name), None)

    def workloads(self):
        return self.of("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")

    def services(self):
        """The Deployments of the four services by their component."""
        found = {}
        for o in self.of("Deployment"):
            component = o["metadata"].get("labels", {}).get("app.kubernetes.io/component")
            if component in SERVICES:
                found[component] = o
        return found


def pod(workload):
    spec = workload["spec"]
    if workload["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]


def selects(selector, labels):
    if any(labels.get(k) != v for k, v in selector.get("matchLabels", {}).items()):
        return False
    for e in selector.get("matchExpressions", []):
        if e["operator"] == "In" and labels.get(e["key"]) not in e["values"]:
            return False
    return True


def environment(manifests, container):
    values = {}
    for source in container.get("envFrom", []):
        config = manifests.named("ConfigMap", source["configMapRef"]["name"])
        values.update((config or {}).get("data", {}))
    values.update({e["name"]: e.get("value") for e in container.get("env", [])})
    return values


# --- rules: each gives what is wrong, as text --------------------------------------------------


def schemas(manifests):
    for o in manifests.objects:
        yield from schema_errors(json.dumps(o))


@functools.cache
def schema_errors(text):
    """Of one object; the same one comes often, and validating is slow."""
    return list(find_schema_errors(json.loads(text)))


def find_schema_errors(o):
    name = f"{o['kind']} {o['metadata']['name']}"
    own = ROOT / "tests/manifests/schemas" / f"{o['apiVersion'].replace('/', '_')}_{o['kind']}.json"
    if own.exists():
        validator = jsonschema.Draft202012Validator(json.loads(own.read_text()))
        for error in validator.iter_errors(o):
            yield f"{name}: {error.json_path}: {error.message}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(o, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name}: {error.json_path} (Kubernetes {version}): {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{name}: {error.message}"


def pods_are_restricted(manifests):
    for w in manifests.workloads():
        name, spec = w["metadata"]["name"], pod(w)["spec"]
        context = spec.get("securityContext", {})
        for field, wanted in (("runAsNonRoot", True), ("seccompProfile", {"type": "RuntimeDefault"})):
            if context.get(field) != wanted:
                yield f"{name}: securityContext.{field} is not {wanted}"
        if not context.get("runAsUser"):
            yield f"{name}: securityContext.runAsUser is not a number beyond 0"
        if spec.get("enableServiceLinks") is not False:
            yield f"{name}: enableServiceLinks is not false"
        account = manifests.named("ServiceAccount", spec.get("serviceAccountName", ""))
        bound = any(s["name"] == spec.get("serviceAccountName") for b in manifests.of("RoleBinding") for s in b["subjects"])
        if spec.get("automountServiceAccountToken") is not False and not (account and bound):
            yield f"{name}: automountServiceAccountToken is not false, and no Role needs a token"
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if field in spec:
                yield f"{name}: {field}"
        for v in spec.get("volumes", []):
            if "hostPath" in v:
                yield f"{name}: volume {v['name']} is a hostPath"
            if "emptyDir" in v and "sizeLimit" not in v["emptyDir"]:
                yield f"{name}: volume {v['name']} has no sizeLimit"
        for c in spec["containers"] + spec.get("initContainers", []):
            context = c.get("securityContext", {})
            for field, wanted in (("allowPrivilegeEscalation", False), ("readOnlyRootFilesystem", True),
                                  ("capabilities", {"drop": ["ALL"]})):
                if context.get(field) != wanted:
                    yield f"{name}/{c['name']}: securityContext.{field} is not {wanted}"
            for m in c.get("volumeMounts", []):
                if "subPath" in m:
                    yield f"{name}/{c['name']}: {m['mountPath']} is mounted by subPath, and would not follow a rotation"


def containers_say_what_they_need(manifests):
    for w in manifests.workloads():
        for c in pod(w)["spec"]["containers"]:
            name = f"{w['metadata']['name']}/{c['name']}"
            for probe in ("readinessProbe", "livenessProbe"):
                if probe not in c:
                    yield f"{name}: no {probe}"
            resources = c.get("resources", {})
            for where, what in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if what not in resources.get(where, {}):
                    yield f"{name}: resources.{where}.{what} is missing"


def images_have_versions(manifests, is_overlay):
    for w in manifests.workloads():
        for c in pod(w)["spec"]["containers"]:
            tag = c["image"].rpartition("/")[2].partition(":")[2]
            if tag == "latest" or (is_overlay and not tag):
                yield f"{w['metadata']['name']}/{c['name']}: image {c['image']} has no version"


def services_end_and_start_well(manifests):
    for component, w in manifests.services().items():
        name, spec = w["metadata"]["name"], pod(w)["spec"]
        c = spec["containers"][0]
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            if c.get(probe, {}).get("httpGet") != {"path": path, "port": "admin"}:
                yield f"{name}: {probe} is not {path} on port admin"
        if {"name": "admin", "containerPort": 9090} not in c["ports"]:
            yield f"{name}: port admin is not 9090"
        if w["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{name}: maxUnavailable is not 0"
        spread = spec.get("topologySpreadConstraints", [])
        if {s["topologyKey"] for s in spread} != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{name}: is not spread over nodes and zones"
        command = c.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
        if len(command) != 2 or command[0] != c["command"][0] or not command[1].startswith("--wait="):
            yield f"{name}: preStop is not the service's own --wait"
        else:
            drain = seconds(environment(manifests, c).get("PENSTOCK_GRACE_PERIOD", "25s"))
            if spec["terminationGracePeriodSeconds"] < seconds(command[1][len("--wait="):]) + drain + 5:
                yield f"{name}: terminationGracePeriodSeconds is shorter than preStop, PENSTOCK_GRACE_PERIOD and 5 s"
        labels = pod(w)["metadata"]["labels"]
        if not any(selects(b["spec"]["selector"], labels) for b in manifests.of("PodDisruptionBudget")):
            yield f"{name}: no PodDisruptionBudget"
        scaled = any(o["spec"]["scaleTargetRef"]["name"] == name for o in manifests.of("HorizontalPodAutoscaler", "ScaledObject"))
        if scaled == ("replicas" in w["spec"]):
            yield f"{name}: replicas are said by {'both it and an autoscaler' if scaled else 'nobody'}"


def settings_are_known(manifests):
    for component, w in manifests.services().items():
        known = set().union(*(flags(s) for s in SERVICES))
        common = flags(component)
        for source in pod(w)["spec"]["containers"][0].get("envFrom", []):
            name = source["configMapRef"]["name"]
            config = manifests.named("ConfigMap", name) or {}
            for variable in config.get("data", {}):
                if variable not in (known if name.startswith("penstock-common") else common):
                    yield f"{w['metadata']['name']}: {variable} of {name} is no option of penstock-{component}"


def disk_fits(manifests):
    w = manifests.services().get("extractor")
    if not w:
        return
    c = pod(w)["spec"]["containers"][0]
    values = environment(manifests, c)
    mount = next(m for m in c["volumeMounts"] if m["mountPath"] == values["PENSTOCK_WORK_DIR"])
    volume = next(v for v in pod(w)["spec"]["volumes"] if v["name"] == mount["name"])
    if size(values["PENSTOCK_SPOOL"]) + size(values["PENSTOCK_CACHE"]) >= size(volume["emptyDir"]["sizeLimit"]):
        yield "penstock-extractor: spool and cache together are not below the sizeLimit of their volume"


def made_secrets(manifests):
    """Secret → its keys."""
    made = {o["metadata"]["name"]: set(o.get("data", {})) | set(o.get("stringData", {})) for o in manifests.of("Secret")}
    made.update({o["spec"]["secretName"]: TLS_KEYS for o in manifests.of("Certificate")})
    setup = manifests.named("Deployment", "penstock-setup")
    if setup:
        values = environment(manifests, pod(setup)["spec"]["containers"][0])
        for name in values.get("CERTIFICATES", "").split():
            made[name + "-tls"] = TLS_KEYS
        for word in values.get("PASSWORDS", "").split():
            secret, key = word.split("/")
            made.setdefault(secret, set()).update({key}, MADE_OF.get(secret, {}).get(key, set()))
    return made


def what_is_named_exists(manifests, is_quickstart):
    made = made_secrets(manifests)
    if not is_quickstart:
        made = {**OWN_SECRETS, **made}
    for w in manifests.workloads():
        name, spec = w["metadata"]["name"], pod(w)["spec"]
        account = spec.get("serviceAccountName")
        if account and not manifests.named("ServiceAccount", account):
            yield f"{name}: ServiceAccount {account} is not there"
        for v in spec.get("volumes", []):
            if "secret" in v:
                secret = v["secret"]["secretName"]
                if secret not in made:
                    yield f"{name}: nothing makes the Secret {secret}"
                elif made[secret] is not None:
                    for item in v["secret"].get("items", []):
                        if item["key"] not in made[secret]:
                            yield f"{name}: the Secret {secret} has no key {item['key']}"
            if "configMap" in v and not manifests.named("ConfigMap", v["configMap"]["name"]):
                yield f"{name}: ConfigMap {v['configMap']['name']} is not there"
        for c in spec["containers"]:
            for source in c.get("envFrom", []):
                if not manifests.named("ConfigMap", source["configMapRef"]["name"]):
                    yield f"{name}: ConfigMap {source['configMapRef']['name']} is not there"
            volumes = {v["name"] for v in spec.get("volumes", [])} | {t["metadata"]["name"] for t in w["spec"].get("volumeClaimTemplates", [])}
            for m in c.get("volumeMounts", []):
                if m["name"] not in volumes:
                    yield f"{name}: volume {m['name']} is not there"
    labelled = [pod(w)["metadata"]["labels"] for w in manifests.workloads()]
    for s in manifests.of("Service"):
        behind = [w for w in manifests.workloads() if selects({"matchLabels": s["spec"]["selector"]}, pod(w)["metadata"]["labels"])]
        if not behind:
            yield f"Service {s['metadata']['name']} selects nothing"
        for port in s["spec"]["ports"]:
            for w in behind:
                if not any(p.get("name") == port["targetPort"] for c in pod(w)["spec"]["containers"] for p in c.get("ports", [])):
                    yield f"Service {s['metadata']['name']}: {w['metadata']['name']} has no port {port['targetPort']}"
    for b in manifests.of("PodDisruptionBudget"):
        if not any(selects(b["spec"]["selector"], l) for l in labelled):
            yield f"PodDisruptionBudget {b['metadata']['name']} selects nothing"
    for h in manifests.of("HorizontalPodAutoscaler", "ScaledObject"):
        if not manifests.named("Deployment", h["spec"]["scaleTargetRef"]["name"]):
            yield f"{h['kind']} {h['metadata']['name']}: its target is not there"
    role = manifests.named("Role", "penstock-setup")
    if role:
        may = {n for r in role["rules"] for n in r.get("resourceNames", [])}
        for secret in set(made_secrets(manifests)) | {"penstock-ca"}:
            if secret not in may:
                yield f"Role penstock-setup: does not let it read {secret}, which it makes"


def policies_cover_every_pod(manifests):
    policies = manifests.of("NetworkPolicy")
    if not policies:
        return
    if not any(p["spec"]["podSelector"] == {} and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"}
               and not p["spec"].get("ingress") and not p["spec"].get("egress") for p in policies):
        yield "no NetworkPolicy denies everything"
    for w in manifests.workloads():
        labels = pod(w)["metadata"]["labels"]
        if not any(p["spec"]["podSelector"] and selects(p["spec"]["podSelector"], labels) for p in policies):
            yield f"{w['metadata']['name']}: no NetworkPolicy lets it do anything"
    for p in policies:
        for way, who in (("ingress", "from"), ("egress", "to")):
            for rule in p["spec"].get(way, []):
                if not rule.get(who) or not rule.get("ports"):
                    yield f"NetworkPolicy {p['metadata']['name']}: an {way} rule for all peers or all ports"


def metrics_exist(manifests):
    if not GOLDEN.exists():
        return
    for o in manifests.of("ScaledObject"):
        for trigger in o["spec"]["triggers"]:
            query = trigger["metadata"]["query"]
            for name, matchers in re.findall(r"\b(penstock_[a-z_]+|process_[a-z_]+)(?:\{([^}]*)\})?", query):
                if name not in golden_metrics():
                    yield f"ScaledObject {o['metadata']['name']}: nothing exports {name}"
                    continue
                for label in re.findall(r"([a-z_]+)\s*[=!]", matchers):
                    if label not in golden_metrics()[name]:
                        yield f"ScaledObject {o['metadata']['name']}: {name} has no label {label}"


def errors(objects, is_overlay, is_quickstart):
    manifests = Manifests(objects)
    yield from schemas(manifests)
    yield from pods_are_restricted(manifests)
    yield from containers_say_what_they_need(manifests)
    yield from images_have_versions(manifests, is_overlay)
    yield from services_end_and_start_well(manifests)
    yield from settings_are_known(manifests)
    yield from disk_fits(manifests)
    yield from what_is_named_exists(manifests, is_quickstart)
    yield from policies_cover_every_pod(manifests)
    yield from metrics_exist(manifests)


# --- what is rendered --------------------------------------------------------------------------


def render(command, folder):
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True)
    if done.returncode or done.stderr.strip():
        sys.exit(f"{folder}: {done.stderr.strip() or 'does not render'}")
    return [o for o in yaml.safe_load_all(done.stdout) if o]


def with_component(command, name):
    """The base with this component, and those that it builds on."""
    before = {"keda": ["hpa"], "redis": ["generated-passwords"]}.get(name, [])
    names = [name] if name.startswith("tls-") else ["tls-generated-ca", *before, name]
    with tempfile.TemporaryDirectory() as folder:
        here = os.path.relpath(K8S, os.path.realpath(folder))
        (pathlib.Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "penstock",
            "resources": [f"{here}/base"], "components": [f"{here}/components/{n}" for n in names]}))
        return render(command, folder)


# --- the rules, tried on what breaks them ------------------------------------------------------


def broken(objects):
    """Breaks a copy of the quickstart with keda and policies in one way at a time: (what it must say, objects)."""
    def change(expected, edit):
        copied = copy.deepcopy(objects)
        edit(Manifests(copied))
        return expected, copied

    def spec(m, name="penstock-state", kind="Deployment"):
        return pod(m.named(kind, name))["spec"]

    def container(m, name="penstock-state"):
        return spec(m, name)["containers"][0]

    def config(m, prefix):
        return next(o for o in m.of("ConfigMap") if o["metadata"]["name"].startswith(prefix))["data"]

    yield change("'replicaz' was unexpected", lambda m: m.named("Deployment", "penstock-state")["spec"].update(replicaz=2))
    yield change("is not of type 'integer'", lambda m: m.named("StatefulSet", "penstock-postgres")["spec"].update(replicas="x"))
    yield change("'querry' was unexpected", lambda m: m.of("ScaledObject")[0]["spec"]["triggers"][0]["metadata"].update(querry="1"))
    yield change("runAsNonRoot is not True", lambda m: spec(m)["securityContext"].pop("runAsNonRoot"))
    yield change("readOnlyRootFilesystem is not True", lambda m: container(m)["securityContext"].pop("readOnlyRootFilesystem"))
    yield change("no Role needs a token", lambda m: spec(m).pop("automountServiceAccountToken"))
    yield change("enableServiceLinks is not false", lambda m: spec(m).pop("enableServiceLinks"))
    yield change("would not follow a rotation", lambda m: container(m)["volumeMounts"][0].update(subPath="tls.crt"))
    yield change("has no sizeLimit", lambda m: spec(m, "penstock-redis")["volumes"][0]["emptyDir"].pop("sizeLimit"))
    yield change("no readinessProbe", lambda m: container(m, "penstock-redis").pop("readinessProbe"))
    yield change("livenessProbe is not /healthz", lambda m: container(m)["livenessProbe"]["httpGet"].update(path="/readyz"))
    yield change("resources.limits.memory is missing", lambda m: container(m)["resources"].pop("limits"))
    yield change("has no version", lambda m: container(m).update(image="localhost/penstock:latest"))
    yield change("has no version", lambda m: container(m).update(image="localhost:5000/penstock"))
    yield change("maxUnavailable is not 0", lambda m: m.named("Deployment", "penstock-state")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1))
    yield change("is shorter than preStop", lambda m: spec(m).update(terminationGracePeriodSeconds=30))
    yield change("preStop is not", lambda m: container(m).pop("lifecycle"))
    yield change("no PodDisruptionBudget", lambda m: m.objects.remove(m.named("PodDisruptionBudget", "penstock-state")))
    yield change("said by both", lambda m: m.named("Deployment", "penstock-loader")["spec"].update(replicas=2))
    yield change("PENSTOCK_SPOOOL", lambda m: config(m, "penstock-extractor").update(PENSTOCK_SPOOOL="1GB"))
    yield change("are not below the sizeLimit", lambda m: config(m, "penstock-extractor").update(PENSTOCK_SPOOL="2GB"))
    yield change("nothing makes the Secret penstock-stat-tls", lambda m: spec(m)["volumes"][0]["secret"].update(secretName="penstock-stat-tls"))
    yield change("has no key passwort", lambda m: spec(m, "penstock-planner")["volumes"][1]["secret"]["items"][0].update(key="passwort"))
    yield change("ConfigMap penstock-x is not there", lambda m: container(m)["envFrom"][1]["configMapRef"].update(name="penstock-x"))
    yield change("selects nothing", lambda m: m.named("Service", "penstock-state")["spec"]["selector"].update(x="y"))
    yield change("has no port gprc", lambda m: m.named("Service", "penstock-state")["spec"]["ports"][0].update(targetPort="gprc"))
    yield change("does not let it read penstock-redis-tls", lambda m: m.named("Role", "penstock-setup")["rules"][1]["resourceNames"].remove("penstock-redis-tls"))
    yield change("no NetworkPolicy denies everything", lambda m: m.objects.remove(m.named("NetworkPolicy", "penstock-deny-all")))
    yield change("penstock-redis: no NetworkPolicy", lambda m: m.objects.remove(m.named("NetworkPolicy", "penstock-redis")))
    yield change("all peers or all ports", lambda m: m.named("NetworkPolicy", "penstock-loader")["spec"]["egress"][0].pop("ports"))
    if not GOLDEN.exists():
        return
    yield change("nothing exports penstock_no_such", lambda m: m.of("ScaledObject")[0]["spec"]["triggers"][0]["metadata"].update(query="penstock_no_such"))
    yield change("has no label nobody", lambda m: m.of("ScaledObject")[0]["spec"]["triggers"][0]["metadata"].update(query='penstock_backlog_batches{nobody="x"}'))


def main():
    command = sys.argv[1:]
    failed = 0
    overlays = sorted(p.name for p in (K8S / "overlays").iterdir())
    components = sorted(p.name for p in (K8S / "components").iterdir())
    rendered = {f"overlays/{n}": render(command, K8S / "overlays" / n) for n in overlays}
    rendered.update({f"components/{n}": with_component(command, n) for n in components})
    for name, objects in rendered.items():
        found = list(errors(objects, name.startswith("overlays/"), name == "overlays/quickstart"))
        print(f"{name}: {len(objects)} objects" + (", as Kubernetes " + " and ".join(VERSIONS) + " wants them" if not found else ""))
        for error in found:
            print("  " + error)
        failed += len(found)
    install = (ROOT / "docs/operations/install.md").read_text()
    for secret in OWN_SECRETS:
        if f"`{secret}`" not in install:
            print(f"docs/operations/install.md does not name the Secret {secret}")
            failed += 1
    if failed:
        sys.exit(f"{failed} errors")

    whole = rendered["overlays/quickstart"] + [o for o in rendered["components/network-policies"] if o["kind"] == "NetworkPolicy"]
    whole = [o for o in whole if not (o["kind"] == "Deployment" and o["metadata"]["name"] in ("penstock-extractor", "penstock-loader"))]
    whole += [o for o in rendered["overlays/quickstart"] if o["metadata"]["name"] in ("penstock-extractor", "penstock-loader") and o["kind"] == "Deployment"]
    whole = copy.deepcopy(whole)
    for o in whole:
        if o["kind"] == "Deployment" and o["metadata"]["name"] in ("penstock-extractor", "penstock-loader"):
            del o["spec"]["replicas"]
    whole += [o for o in rendered["components/keda"] if o["kind"] == "ScaledObject"]
    found = list(errors(whole, True, True))
    if found:
        sys.exit("the whole of quickstart, policies and keda: " + found[0])
    tried = 0
    for expected, objects in broken(whole):
        found = list(errors(objects, True, True))
        if not any(expected in error for error in found):
            sys.exit(f"the rules do not find \"{expected}\" where it is broken; they find: {found}")
        tried += 1
    print(f"{tried} ways to break them are found")


main()
