"""Every panel's query and every alert's, with its comparison removed, returns data: real services under a load with faults, read by
a real Prometheus."""
import pathlib
import re
import signal
import sys
import threading
import time
import traceback
import unittest

import live_cluster
import promql
import sources
from live_cluster import NAMESPACE, harness

PATIENCE = 95   # seconds for all queries to have had data once

DESTINATIONS = ("healthy", "slow", "limited", "hourly", "down", "unauthorised", "rejecting", "broken", "flaky", "paused", "lost", "bulky")


def resources(store, postgres):
    """A Source, and for each destination a Model, a Destination and a Sync of its own."""
    yield f"""
kind: Source
metadata: {{name: warehouse}}
spec:
  connector: postgres
  schema: marts
  config: {{host: 127.0.0.1, port: {postgres}, database: warehouse, user: penstock_reader,
           password: "${{secret:warehouse_password}}", tls: disable}}
"""
    quotas = {"limited": "{burst: {requests: 2, per: 1s}}", "hourly": "{hourly: {requests: 3, per: 1h}}"}
    every = {"healthy": "2s", "rejecting": "3s", "flaky": "5s", "broken": "3s", "paused": "1h", "limited": "1h"}
    for name in DESTINATIONS:
        # Rows that come slowly: their extractor can be stopped in mid-read.
        table = ("sql: 'SELECT id, name FROM marts.lost WHERE pg_sleep(0.05) IS NOT NULL'" if name == "lost" else f"table: {name}")
        yield f"""
kind: Model
metadata: {{name: {name}}}
spec: {{source: warehouse, {table}, primary_key: [id]}}
"""
        yield f"""
kind: Destination
metadata: {{name: {name}}}
spec:
  connector: http
  config: {{base_url: "http://127.0.0.1:{store}/{name}", auth: {{type: none}}}}
  objects:
    people:
      operations:
        upsert:
          request: {{method: POST, path: /records, body: {{records: {{$each: record, $do: $record.fields}}}}}}
          batch: {{max_records: 20}}
          confirms: batch
          not_applied: [401, 422, 429]
  {f"quotas: {quotas[name]}" if name in quotas else ""}
"""
        yield f"""
kind: Sync
metadata: {{name: {name}, labels: {{team: growth}}}}
spec:
  model: {name}
  destination: {name}
  object: people
  mode: upsert
  identity: [id]
  mapping: {{id: id, name: name}}
  {f"schedule: {{every: {every[name]}}}" if name in every else ""}
"""


def queries():
    """(kind, where it stands, the query)."""
    for name, board in sources.dashboards().items():
        for panel in sources.panels(board):
            for target in panel["targets"]:
                where = f"{name}: {panel['title']}" + (f" ({target['legendFormat']})" if len(panel["targets"]) > 1 else "")
                yield "panels", where, sources.concrete(target["expr"], namespace=NAMESPACE)
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                series = re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"]).group(1)
                yield "variables", f"{name}: ${variable['name']}", sources.concrete(series, namespace=NAMESPACE)
    recording, alerts = sources.rules()
    for rule in recording:
        yield "recording rules", rule["record"], rule["record"]
    for rule in alerts:
        for part in promql.without_comparisons(promql.parse(rule["expr"])):
            yield "alerts", f"{rule['alert']}: {part}", part


class Faults(threading.Thread):
    """All that goes wrong, in order, beside the steady load. What it meets is kept in `trouble`."""

    def __init__(self, live):
        super().__init__(daemon=True)
        self.live, self.trouble, self.over, self.done = live, None, threading.Event(), []

    def run(self):
        try:
            for step in (self.load, self.strangers, self.lost_extractor, self.no_extractor):
                if self.over.is_set():
                    return
                step()
                self.done.append(step.__name__)
            while not self.over.wait(1):
                self.steady()
        except Exception:
            self.trouble = traceback.format_exc()

    def steady(self):
        self.live.cluster.sql("UPDATE marts.healthy SET name = name || '!' WHERE id % 3 = 0")
        self.live.cluster.sql("UPDATE marts.rejecting SET name = name || '!'")
        self.live.cluster.sql("UPDATE marts.flaky SET name = name || '!'")

    def load(self):
        for name in ("slow", "limited", "hourly", "down", "unauthorised", "lost", "bulky"):
            self.live.penstock("trigger", name)
        self.live.penstock("pause", "paused")
        self.live.cluster.sql("ALTER TABLE marts.broken DROP COLUMN name")
        self.steady()

    def strangers(self):
        for _ in range(3):
            self.live.call_as_stranger()
            self.over.wait(1)
        self.live.spoil_certificate()
        self.steady()

    def lost_extractor(self):
        """An extractor stands still in mid-read for longer than its lease."""
        harness.wait_until(lambda: "lost" in self.live.penstock("runs", "lost"), "the slow read has begun")
        harness.wait_until(self.live.reads, "an extractor reads")
        held = self.live.reads()
        for name in held:
            self.live.signal(name, signal.SIGSTOP)
        self.over.wait(6)
        for name in held:
            self.live.signal(name, signal.SIGCONT)
        self.steady()

    def no_extractor(self):
        """No extractor answers, and a call waits for one."""
        for name in ("extractor1", "extractor2"):
            self.live.signal(name, signal.SIGSTOP)
        self.live.try_source(seconds=5)
        for name in ("extractor1", "extractor2"):
            self.live.signal(name, signal.SIGCONT)
        self.steady()


class LiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.live = live_cluster.Live()
        cls.addClassCleanup(cls.live.stop)
        cls.live.start_secured()
        for name in DESTINATIONS:
            cls.live.cluster.sql(f"CREATE TABLE marts.{name} (id bigint PRIMARY KEY, name text); "
                                 f"INSERT INTO marts.{name} SELECT i, 'n' || i FROM generate_series(1, 400) AS i")
        # More than the spool holds, and nothing that could be compressed.
        cls.live.cluster.sql("INSERT INTO marts.bulky SELECT i, string_agg(md5(random()::text), '') "
                             "FROM generate_series(1000, 2500) AS i, generate_series(1, 125) GROUP BY i")
        folder = cls.live.folder / "resources"
        folder.mkdir()
        for i, text in enumerate(resources(cls.live.store.port, cls.live.cluster.ports["port_postgres"])):
            (folder / f"{i:02}.yaml").write_text("apiVersion: penstock.dev/v1" + text)
        cls.live.penstock("apply", "--yes", "-f", str(folder))
        cls.live.start_prometheus()

    def test_everything_has_data(self):
        missing = list(queries())
        total = {kind: sum(1 for k, _, _ in missing if k == kind) for kind, _, _ in missing}
        faults = Faults(self.live)
        faults.start()
        begin, last = time.monotonic(), None
        while missing and time.monotonic() - begin < PATIENCE and not faults.trouble:
            time.sleep(1)
            still = [one for one in missing if not self.live.query(one[2])]
            if len(still) < len(missing):
                last = next(one for one in missing if one not in still), time.monotonic() - begin
            missing = still
        faults.over.set()
        faults.join(60)
        print(f"faults: {', '.join(faults.done)}; the last to have data, after {last[1]:.0f} s: {last[0][1]}", file=sys.stderr)
        for kind, count in total.items():
            left = [where for k, where, _ in missing if k == kind]
            print(f"{kind}: {count - len(left)} of {count} queries have data", file=sys.stderr)
        self.assertIsNone(faults.trouble, faults.trouble)
        for kind, where, query in missing:
            print(f"no data: {kind}: {where}\n         {query}", file=sys.stderr)
        self.assertEqual({where for _, where, _ in missing}, set())
        self.targets()
        self.names_of_series()

    def targets(self):
        """Each process is scraped once by each way, with the labels that rules and dashboards expect."""
        active = self.live.ask("targets", state="active")["activeTargets"]
        self.assertEqual(len(active), 2 * len(self.live.admin))
        for target in active:
            service = re.match(r"penstock-(?:secured-)?([a-z]+)", target["labels"]["instance"]).group(1)
            namespace = "operator" if target["scrapePool"] == "operator" else NAMESPACE
            self.assertEqual(target["labels"], {"job": f"penstock-{service}", "instance": target["labels"]["instance"],
                                                "namespace": namespace})

    def names_of_series(self):
        """What the services export is what the golden file says, names and labels."""
        known = sources.catalogue().series
        exported = {}
        for name in self.live.admin:
            for line in self.live.metrics(name).splitlines():
                if line and not line.startswith("#"):
                    series, labels = re.match(r"([a-z_:]+)(?:\{(.*)\})? ", line).groups()
                    exported.setdefault(series, set()).update(re.findall(r'(\w+)="', labels or ""))
        for series, labels in exported.items():
            self.assertIn(series, known)
            operators = {label for label in labels if series == "penstock_sync_info" and label.startswith("label_")}
            self.assertEqual(labels - operators - known[series], set(), series)
        self.assertIn("label_team", exported["penstock_sync_info"])
        declared = {line.split()[0] for line in sources.GOLDEN.read_text().splitlines()}
        seen = {re.sub("_(bucket|sum|count)$", "", name) if name not in declared else name for name in exported}
        print(f"{len(declared & seen)} of {len(declared)} metrics were exported", file=sys.stderr)
        self.assertEqual(declared - seen, set())
        hidden = [s["metric"] for s in self.live.query('{__name__=~"penstock_.+", exported_service!=""}')]
        self.assertEqual(hidden, [], "a label of the target hides one of the metric's")


if __name__ == "__main__":
    unittest.main()
