#!/usr/bin/env python3
"""Writes what is made from other files here: dashboards/*.json from dashboards.py, operator/prometheusrule.yaml from rules/.

--runbooks URL   where docs/runbooks/ can be read (alerts and panels link there); default: the path in this repository
--out FOLDER     write there instead; the files of this folder are then only read
--check          write nothing; fail where a file is not what would be written
"""
import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
import dashboards  # noqa: E402

RUNBOOKS = "docs/runbooks"
RULE_HEAD = """\
# Made by build.py from rules/.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: penstock
  labels:
    app.kubernetes.io/name: penstock
    app.kubernetes.io/component: monitoring
spec:
  groups:
"""


def prometheus_rule(runbooks):
    """The rule files, wrapped as text so that they stay as they are read by people."""
    text = RULE_HEAD
    for name in ("recording", "alerts"):
        body = (HERE / f"rules/{name}.yaml").read_text().split("groups:\n", 1)[1]
        text += "".join("  " + line if line.strip() else line for line in body.splitlines(keepends=True))
    return text.replace(f"runbook_url: {RUNBOOKS}/", f"runbook_url: {runbooks}/")


def files(runbooks):
    made = {f"dashboards/{name}.json": json.dumps(board.json(runbooks), indent=1, ensure_ascii=False) + "\n"
            for name, board in dashboards.ALL.items()}
    made["operator/prometheusrule.yaml"] = prometheus_rule(runbooks)
    if runbooks != RUNBOOKS:
        made["rules/alerts.yaml"] = (HERE / "rules/alerts.yaml").read_text().replace(
            f"runbook_url: {RUNBOOKS}/", f"runbook_url: {runbooks}/")
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runbooks", default=RUNBOOKS)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.runbooks != RUNBOOKS and not options.out:
        parser.error("--runbooks needs --out: the files here are made with the default")
    stale = 0
    for name, text in files(options.runbooks.rstrip("/")).items():
        path = (options.out or HERE) / name
        if options.check:
            if not path.exists() or path.read_text() != text:
                print(f"{path} is not what build.py makes; run it", file=sys.stderr)
                stale += 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return stale > 0


if __name__ == "__main__":
    sys.exit(main())
