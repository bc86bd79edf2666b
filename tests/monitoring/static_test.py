"""What deploy/monitoring says must hold without a running cluster: names, labels, links, forms. promtool, amtool and the JSON
schemas beside this file are the judges."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema

import cardinality
import promql
import sources

BUILD = sources.MONITORING / "build.py"
SEVERITIES = {"page", "ticket"}


def run(*command, cwd=None):
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    return done.returncode, done.stdout + done.stderr


def validate(document, schema):
    schema = json.loads(schema.read_text())
    judge = jsonschema.validators.validator_for(schema)
    judge.check_schema(schema)
    judge(schema).validate(document)


def validate_operator(document):
    validate(document, sources.ROOT / f"tests/manifests/schemas/monitoring.coreos.com_v1_{document['kind']}.json")


class RulesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.recording, cls.alerts = sources.rules()
        cls.catalogue = sources.catalogue()

    def test_promtool_takes_the_rules(self):
        for name in ("recording", "alerts"):
            code, said = run("promtool", "check", "rules", "--lint-fatal", str(sources.MONITORING / f"rules/{name}.yaml"))
            self.assertEqual(code, 0, said)

    def test_every_alert_is_bad_and_still_bad(self):
        names = [rule["alert"] for rule in self.alerts]
        self.assertEqual(len(names), len(set(names)))
        for rule in self.alerts:
            with self.subTest(rule["alert"]):
                self.assertRegex(rule["alert"], r"^Penstock[A-Z]")
                self.assertIn("for", rule)
                self.assertIn(rule["labels"]["severity"], SEVERITIES)
                self.assertEqual(set(rule["annotations"]), {"summary", "runbook_url"})
                self.assertTrue(rule["annotations"]["summary"].endswith("."))

    def test_queries_name_what_services_have(self):
        """Metrics and labels of the golden file, and sides of operators that can match."""
        for rule in self.alerts:
            with self.subTest(rule["alert"]):
                labels = self.catalogue.labels(promql.parse(rule["expr"]))
                self.assertIn("namespace", labels)
                named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
                self.assertEqual(named - labels, set(), "labels of the summary that the alert does not have")

    def test_a_query_with_a_metric_or_label_that_no_service_has_fails(self):
        for query in ("rate(penstock_record_total[5m])", 'penstock_runs{stat="QUEUED"}', "sum by (sink) (penstock_backlog_bytes)",
                      "penstock_runs / penstock_task_tickets", "penstock_runs * on (sync) penstock_grants_open",
                      "penstock_run_seconds", "histogram_quantile(0.5, rate(penstock_run_seconds_sum[5m]))"):
            with self.subTest(query), self.assertRaises(promql.PromQLError):
                self.catalogue.labels(promql.parse(query))

    def test_every_alert_has_its_runbook_and_every_runbook_its_alert(self):
        pages = {page.stem for page in sources.RUNBOOKS.glob("Penstock*.md")}
        self.assertEqual({rule["alert"] for rule in self.alerts}, pages)
        for rule in self.alerts:
            self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbooks/{rule['alert']}.md")

    def test_the_documentation_lists_the_alerts(self):
        text = (sources.ROOT / "docs/monitoring.md").read_text()
        listed = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \| (\w+) \|$", text, re.M)
        self.assertEqual(listed, [(r["alert"], r["alert"], r["labels"]["severity"], r["for"]) for r in self.alerts])

    def test_the_documentation_says_how_many_series_there_are(self):
        text = (sources.ROOT / "docs/monitoring.md").read_text()
        of_syncs, others = cardinality.count(10_000)
        self.assertIn(f"{of_syncs:,} series of 10,000 Syncs, {others:,} others", " ".join(text.split()))

    def test_streams_are_left_out_of_the_times_of_calls(self):
        """The expression that leaves them out names each stream of the protos, and nothing else."""
        streams, unary = set(), set()
        for proto in (sources.ROOT / "proto/penstock").rglob("*.proto"):
            for name, request, answer in re.findall(r"^  rpc (\w+)\((.*?)\) returns \((.*?)\)", proto.read_text(), re.M):
                (streams if "stream " in request + answer else unary).add("/penstock/" + name)
        for rule in self.recording:
            if rule["record"].startswith("penstock:rpc_"):
                for left_out in re.findall(r'method!~"(.*?)"', rule["expr"]):
                    self.assertEqual({s for s in streams if not re.fullmatch(left_out, s)}, set())
                    self.assertEqual({u for u in unary if re.fullmatch(left_out, u)}, set())

    def test_every_metric_is_looked_at(self):
        """What no rule and no panel shows is noise: either it is worth a panel, or not worth its series."""
        for rule in self.recording + self.alerts:
            self.catalogue.labels(promql.parse(rule["expr"]))
        for dashboard in sources.dashboards().values():
            for panel in sources.panels(dashboard):
                for target in panel["targets"]:
                    self.catalogue.labels(promql.parse(sources.concrete(target["expr"])))
        declared = set(self.catalogue.families.values())
        self.assertEqual(declared - self.catalogue.used, set())
        print(f"{len(declared)} metrics, each in a rule or panel", file=sys.stderr)


class RunbooksTest(unittest.TestCase):
    VERBS = None

    @classmethod
    def setUpClass(cls):
        """Verbs and options as docs/cli.md, which is generated, has them."""
        text = (sources.ROOT / "docs/cli.md").read_text()
        head, *verbs = re.split(r"^### penstock (\S+)$", text[text.index("## Reference"):], flags=re.M)
        options = lambda part: set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", " ".join(re.findall(r"^\| `([^`]*)`", part, re.M))))
        cls.VERBS = {verb: options(head) | options(part) for verb, part in zip(verbs[::2], verbs[1::2])}

    def test_form_and_commands(self):
        commands = 0
        for page in sorted(sources.RUNBOOKS.glob("Penstock*.md")):
            with self.subTest(page.stem):
                text = page.read_text()
                self.assertEqual(re.findall(r"^#+ .*", text, re.M),
                                 [f"# {page.stem}", "## What it means", "## Quick checks", "## What to do"])
                for part in re.split(r"^## .*", text, flags=re.M)[1:]:
                    self.assertGreater(len(part.split()), 10, "a section says nothing")
                blocks = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
                self.assertTrue(blocks, "no command to check by")
                inline = re.findall(r"`(penstock [a-z][^`]*)`", text)
                for line in [line[2:] for kind, block in blocks if kind == "console" for line in block.splitlines()] + inline:
                    commands += self.command(line)
                for query in [block for kind, block in blocks if kind == "promql"]:
                    known = sources.catalogue()
                    for line in query.strip().splitlines():
                        known.labels(promql.parse(line))
        print(f"{commands} commands of penstock, each of docs/cli.md", file=sys.stderr)

    def test_events_and_flags_exist(self):
        events = set(re.findall(r'^ *\{"([a-z_]+)",', (sources.ROOT / "services/common/obs/log_events.h").read_text(), re.M))
        flags = {"--" + name for path in (sources.ROOT / "services").rglob("*settings*.cpp")
                 for name in re.findall(r'Add\(\s*"([a-z-]+)"', path.read_text())}.union(*self.VERBS.values())
        codes = set(re.findall(r"X\((\w+), k", (sources.ROOT / "services/common/core/error_codes.h").read_text()))
        for page in sorted(sources.RUNBOOKS.glob("Penstock*.md")):
            with self.subTest(page.stem):
                text = page.read_text()
                self.assertEqual(set(re.findall(r'"event":"([a-z_]+)"', text)) - events, set())
                self.assertEqual(set(re.findall(r"`(--[a-z][a-z-]*)", text)) - flags, set())
                named = set(re.findall(r"\b(?:SOURCE|DESTINATION|MODEL|IDENTITY|MAX|QUEUE|STATE|DATABASE)_[A-Z_]*[A-Z]\b", text))
                self.assertEqual(named - codes, set())

    def command(self, line):
        words = line.split("#")[0].split("|")[0].split()
        if not words or words[0] != "penstock":
            return 0
        self.assertIn(words[1], self.VERBS, line)
        for option in re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", " ".join(words[2:])):
            self.assertIn(option, self.VERBS[words[1]], line)
        return 1


class DashboardsTest(unittest.TestCase):
    def test_files_are_what_the_generator_makes(self):
        code, said = run(sys.executable, str(BUILD), "--check")
        self.assertEqual(code, 0, said)

    def test_runbooks_may_lie_elsewhere(self):
        with tempfile.TemporaryDirectory() as folder:
            code, said = run(sys.executable, str(BUILD), "--out", folder, "--runbooks", "https://git.example.com/runbooks/")
            self.assertEqual(code, 0, said)
            made = pathlib.Path(folder)
            self.assertIn("runbook_url: https://git.example.com/runbooks/PenstockRunLate.md",
                          (made / "operator/prometheusrule.yaml").read_text())
            self.assertNotIn("docs/runbooks", "".join(p.read_text() for p in made.rglob("*.*")))

    def test_form(self):
        boards = sources.dashboards()
        self.assertEqual(set(boards), {"fleet", "sync", "destinations", "services"})
        self.assertEqual(len({board["uid"] for board in boards.values()}), len(boards))
        count = 0
        for name, board in boards.items():
            with self.subTest(name):
                validate(board, pathlib.Path(__file__).parent / "dashboard.schema.json")
                ids = [panel["id"] for panel in board["panels"]]
                self.assertEqual(len(ids), len(set(ids)))
                titles = [(panel["type"], panel["title"]) for panel in board["panels"]]
                self.assertEqual(len(titles), len(set(titles)), "two panels of one title")
                self.assert_no_overlap(board["panels"])
                variables = {v["name"] for v in board["templating"]["list"]}
                text = json.dumps(board["panels"]) + json.dumps([v.get("definition", "") for v in board["templating"]["list"]])
                used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__range", "__interval"}
                self.assertEqual(used - variables, set(), "variables that are not declared")
                self.assertEqual(variables - used, set(), "variables that nothing uses")
                for panel in sources.panels(board):
                    count += 1
                    for link in panel["links"]:
                        page = re.fullmatch(r"\$\{runbooks\}/(\w+\.md)", link["url"]).group(1)
                        self.assertTrue((sources.RUNBOOKS / page).exists(), page)
        print(f"{count} panels", file=sys.stderr)

    def assert_no_overlap(self, panels):
        cells = set()
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & mine, panel["title"])
            cells |= mine

    def test_queries_name_what_services_have(self):
        known = sources.catalogue()
        for name, board in sources.dashboards().items():
            for variable in board["templating"]["list"]:
                if variable["type"] == "query":
                    series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
                    self.assertIn(label, known.labels(promql.parse(sources.concrete(series))))
            for panel in sources.panels(board):
                for target in panel["targets"]:
                    with self.subTest(f"{name}: {panel['title']}"):
                        labels = known.labels(promql.parse(sources.concrete(target["expr"])))
                        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                        self.assertEqual(named - labels, set(), "labels of the legend that the query does not have")

    def test_columns_of_tables_are_labels_of_their_queries(self):
        known = sources.catalogue()
        for board in sources.dashboards().values():
            for panel in sources.panels(board):
                if panel["type"] != "table":
                    continue
                with self.subTest(panel["title"]):
                    labels = set.union(*(known.labels(promql.parse(sources.concrete(t["expr"]))) for t in panel["targets"]))
                    values = {"Value"} if len(panel["targets"]) == 1 else {f"Value #{t['refId']}" for t in panel["targets"]}
                    columns = set(panel["transformations"][-1]["options"]["renameByName"])
                    self.assertEqual(columns - labels - values, set())


class FilesTest(unittest.TestCase):
    def test_operator_objects(self):
        operator = sources.MONITORING / "operator"
        for path in operator.glob("*.yaml"):
            for document in sources.read_yaml_documents(path):
                validate_operator(document)
        groups = [group for name in ("recording", "alerts") for group in
                  sources.read_yaml(sources.MONITORING / f"rules/{name}.yaml")["groups"]]
        self.assertEqual(sources.read_yaml(operator / "prometheusrule.yaml")["spec"]["groups"], groups)

    def test_a_field_that_the_operator_does_not_know_fails(self):
        document = sources.read_yaml(sources.MONITORING / "operator/servicemonitor.yaml")
        document["spec"]["endpoints"][0]["intervall"] = "30s"
        with self.assertRaises(jsonschema.ValidationError):
            validate_operator(document)

    def test_kustomization_names_every_file(self):
        kustomization = sources.read_yaml(sources.MONITORING / "kustomization.yaml")
        resources = set(kustomization["resources"])
        self.assertEqual(resources, {f"operator/{p.name}" for p in (sources.MONITORING / "operator").glob("*.yaml")})
        boards = {entry.split("=")[1] for one in kustomization["configMapGenerator"] for entry in one["files"]}
        self.assertEqual(boards, {f"dashboards/{p.name}" for p in (sources.MONITORING / "dashboards").glob("*.json")})
        for board in boards:   # kubectl apply keeps a copy of the ConfigMap in an annotation of at most 256 KiB
            self.assertLess(len(json.dumps((sources.MONITORING / board).read_text())), 200_000)

    def test_promtool_takes_the_configurations(self):
        code, said = run("promtool", "check", "config", str(sources.MONITORING / "prometheus/static.yaml"))
        self.assertEqual(code, 0, said)
        # Debian's Prometheus is built without the discovery of Kubernetes, so its targets are swapped for a file's.
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "rules").symlink_to(sources.MONITORING / "rules")
            config = pathlib.Path(folder) / "prometheus.yaml"
            config.write_text(sources.with_file_discovery(folder + "/targets.json"))
            code, said = run("promtool", "check", "config", str(config))
            self.assertEqual(code, 0, said)

    def test_static_configuration_names_the_ports_of_make_up(self):
        ports = re.findall(r"\w+_admin=(\d+)", (sources.ROOT / "scripts/stack").read_text())
        config = sources.read_yaml(sources.MONITORING / "prometheus/static.yaml")
        targets = [t.split(":")[1] for job in config["scrape_configs"] for c in job["static_configs"] for t in c["targets"]]
        self.assertEqual(sorted(targets), sorted(ports))

    def test_amtool_takes_the_example(self):
        code, said = run("amtool", "check-config", str(sources.MONITORING / "alertmanager/example.yaml"))
        self.assertEqual(code, 0, said)
        config = sources.read_yaml(sources.MONITORING / "alertmanager/example.yaml")
        names = {rule["alert"] for rule in sources.rules()[1]}
        for inhibit in config["inhibit_rules"]:
            for matcher in inhibit["source_matchers"] + inhibit["target_matchers"]:
                pattern = matcher.split('"')[1]
                for part in pattern.split("|"):
                    self.assertTrue(any(re.fullmatch(part, name) for name in names), f"no alert is called {part}")


if __name__ == "__main__":
    unittest.main()
