"""The files of deploy/monitoring as the tests use them."""
import json
import os
import pathlib
import re

from ruamel.yaml import YAML

import promql

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
RUNBOOKS = ROOT / "docs/runbooks"
GOLDEN = pathlib.Path(os.environ.get("PENSTOCK_METRICS", ROOT / "tests/golden/metrics.txt"))
# What the scrape configurations and the ServiceMonitor put on every series.
TARGET_LABELS = {"job", "instance", "namespace"}
SERVICES = ("planner", "state", "extractor", "loader")


def read_yaml(path):
    return YAML(typ="safe", pure=True).load(path.read_text())


def read_yaml_documents(path):
    return list(YAML(typ="safe", pure=True).load_all(path.read_text()))


def rules():
    """Recording rules, then alerts, in the order of their files."""
    found = [rule for name in ("recording", "alerts") for group in read_yaml(MONITORING / f"rules/{name}.yaml")["groups"]
             for rule in group["rules"]]
    return [r for r in found if "record" in r], [r for r in found if "alert" in r]


def catalogue():
    """Every series that a query may name: those of the golden file, and those that recording rules make of them."""
    known = promql.Catalogue(GOLDEN.read_text(), TARGET_LABELS)
    for rule in rules()[0]:
        known.record(rule["record"], rule["expr"])
    return known


def dashboards():
    return {path.stem: json.loads(path.read_text()) for path in sorted((MONITORING / "dashboards").glob("*.json"))}


def panels(dashboard):
    """Its panels that show data."""
    return [panel for panel in dashboard["panels"] if panel["type"] not in ("row", "text")]


def concrete(query, interval="5m", span="15m", **values):
    """A panel's query with its variables filled in; what is not given matches anything."""
    query = query.replace("$__rate_interval", interval).replace("$__range", span).replace("$__interval", interval)
    return re.sub(r"\$(\w+)", lambda match: values.get(match.group(1), ".*"), query)


def with_file_discovery(targets):
    """The configuration for Kubernetes, its pods told by the file `targets` instead of by Kubernetes."""
    text = (MONITORING / "prometheus/kubernetes.yaml").read_text()
    replaced, count = re.subn(r"kubernetes_sd_configs:\n( +- role: pod\n +namespaces: .*\n)", f"file_sd_configs: [{{files: ['{targets}']}}]\n",
                              text)
    assert count == 1, "prometheus/kubernetes.yaml has another form than the tests expect"
    return replaced
