#!/usr/bin/env python3
"""Holds `penstock schema` by a validator and a YAML 1.2 reader that know nothing of Penstock: the schema is one, what the
examples, the docs and the built-in connectors declare is valid by it, and files that Penstock refuses are not."""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
from ruamel.yaml import YAML

SYNC = """apiVersion: penstock.dev/v1
kind: Sync
metadata: {name: s}
spec:
  model: customers
  destination: crm
  object: contacts
  identity: [email]
  mapping: {email: email}
"""
MODEL = "apiVersion: penstock.dev/v1\nkind: Model\nmetadata: {name: m}\nspec: {source: x, primary_key: [id]%s}\n"
SOURCE = "apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: %s}\nspec: {connector: postgres%s}\n"
HTTP = """apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: d}
spec:
  connector: http
  config: {base_url: "https://x", auth: {type: bearer, token: t}}
  objects: {o: {operations: {%s: {request: {path: /, body: {a: [1, no]}}%s}}}}
"""

RIGHT = [
    SYNC,
    SYNC.replace("{email: email}", '{email: {from: ["a.b", c], transform: [trim, {e164: {region: DE}}]}, ["a.b", c]: x}'),
    SYNC + "  schedule: {cron: '@daily', timezone: Europe/Berlin}\n  guard: {max_removed: 20%, max_rejected: 0.5}\n",
    SYNC + "  delivery: {give_up_after: 1d12h, max_in_flight: 4}\n  options: {list: 7}\n",
    MODEL % ", table: t", MODEL % ", sql_file: ../a.sql", MODEL % ", dbt: {project: ../dbt, model: m, version: 2}",
    SOURCE % ("w", ", config: {port: 5432, deep: {er: true}}"),
    HTTP % ("append", ", batch: {max_bytes: 500kB}"),
]
WRONG = [
    "- a\n",
    SYNC.replace("penstock.dev/v1", "penstock.dev/v2"),
    SYNC.replace("kind: Sync", "kind: Syncs"),
    SYNC.replace("kind: Sync\n", ""),
    SYNC.replace("{name: s}", "{nam: s}"),
    SYNC.replace("{name: s}", "{name: My_Sync}"),
    SYNC.replace("{name: s}", "{name: s, labels: {a: 1}}"),
    SYNC.replace("  model: customers\n", ""),
    SYNC.replace("model:", "modle:"),
    SYNC.replace("model: customers", "model: 12"),
    SYNC.replace("[email]", "email"),
    SYNC.replace("{email: email}", "{email: 5}"),
    SYNC.replace("{email: email}", "{email: {from: email, cast: int}}"),
    SYNC.replace("{email: email}", "{email: {from: email, transform: [trm]}}"),
    SYNC.replace("{email: email}", "{email: {from: email, transform: [{round: 1, abs: 2}]}}"),
    SYNC.replace("{email: email}", "{email: {from: email, hashed: true}}"),
    SYNC + "  mode: upsrt\n",
    SYNC + "  mode: audience\n",
    SYNC + "  shared: no\n",
    SYNC + "  schedule: 5m\n",
    SYNC + "  schedule: {every: 5 minutes}\n",
    SYNC + "  schedule: {every: 5m, cron: '@daily'}\n",
    SYNC + "  schedule: {every: 5m, timezone: UTC}\n",
    SYNC + "  schedule: {after: {accept_partial: true}}\n",
    SYNC + "  guard: {max_removed: 120}\n",
    SYNC + "  delivery: {max_in_flight: -1}\n",
    SYNC + "  delivery: {max_batch_records: 1.5}\n",
    MODEL % "", MODEL % ", table: t, sql: select 1", MODEL % ", table: t, incremental: {cursor: c}",
    MODEL % ", sql_file: /etc/a.sql", MODEL % ", sql_file: a.csv", MODEL % ", dbt: {model: m}",
    SOURCE % ("w", ", shema: marts"), SOURCE % ("w", ", config: {hosts: [a, b]}"),
    HTTP % ("upsrt", ""), HTTP % ("replace", ""), HTTP % ("upsert", ", batch: {max_bytes: lots}"),
    HTTP % ("upsert", ", confirms: rcord"), HTTP % ("upsert", ", coalesce: true"),
]


def plain(value):
    """As JSON has it: a list as key, which is a literal path, becomes a text."""
    if isinstance(value, dict):
        return {".".join(key) if isinstance(key, tuple) else key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def documents(text):
    return [plain(document) for document in YAML(typ="safe", pure=True).load_all(text) if document is not None]


def declared(root):
    """(where, text) of all YAML that the project declares resources by."""
    for folder in ("examples", "services/loader/connectors"):
        for path in sorted((root / folder).rglob("*.yaml")):
            yield path.relative_to(root), path.read_text()
    for page in sorted(root.glob("docs/**/*.md")) + [root / "README.md"]:
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M):
            if "apiVersion:" in block:
                yield page.relative_to(root), block


def main(penstock, root):
    schema = json.loads(subprocess.run([penstock, "schema"], check=True, capture_output=True).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    faults, checked = [], 0
    for where, text in [*declared(root), *(("right", text) for text in RIGHT)]:
        for document in documents(text):
            checked += 1
            error = jsonschema.exceptions.best_match(validator.iter_errors(document))
            if error is not None:
                faults.append(f"{where}: {error.json_path}: {error.message}\n{text}")
    for text in WRONG:
        if all(validator.is_valid(document) for document in documents(text)):
            faults.append(f"valid by the schema, though it is wrong:\n{text}")
    print("\n".join(faults) or f"{checked} documents are valid, {len(WRONG)} are not")
    return 1 if faults or checked < 20 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
