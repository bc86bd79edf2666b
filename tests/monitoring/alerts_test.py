"""Each alert fires when it should and is quiet when it should, by `promtool test rules`; alerts.yaml has the cases."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from ruamel.yaml import YAML

import sources

# All is text to this reader: to others 0x90 (0, ninety times more) is a number.
CASES = YAML(typ="base").load((pathlib.Path(__file__).parent / "alerts.yaml").read_text())
NAMESPACE = "n"


def in_namespace(series):
    name, _, labels = series.partition("{")
    return f'{name}{{namespace="{NAMESPACE}"' + (f", {labels}" if labels else "}")


def unit_test(rule, case, firing):
    """promtool's test of one case."""
    test = {"name": f"{rule['alert']} {'fires' if firing else 'is quiet'}", "interval": "1m", "input_series": [{"series": in_namespace(name), "values": values}
                                               for name, values in case["series"].items()]}
    expected = []
    if firing:
        pending = f'group(ALERTS{{alertname="{rule["alert"]}", alertstate="pending"}})'
        test["promql_expr_test"] = [{"expr": pending, "eval_time": case["pending"], "exp_samples": [{"labels": "{}", "value": 1}]}]
        expected = [{"exp_labels": {"namespace": NAMESPACE, **rule["labels"], **case["labels"]},
                     "exp_annotations": {**rule["annotations"], "summary": case["summary"]}}]
    test["alert_rule_test"] = [{"alertname": rule["alert"], "eval_time": case["at"], "exp_alerts": expected}]
    return test


def series(expression, recorded):
    """Names in the expression, those that its recorded series are made of too."""
    names = set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", expression))
    return names.union(*(series(recorded[name]["expr"], recorded) for name in names if name in recorded))


def judge(tests):
    """What promtool says of `tests` (a rule, its tests); empty when all pass. For each it evaluates the alert and the recording rules
    below it only, which is much quicker than all of them."""
    recording = sources.rules()[0]
    recorded = {rule["record"]: rule for rule in recording}
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for rule, cases in tests:
            seen = series(rule["expr"], recorded)
            group = {"name": "all", "rules": [one for one in recording if one["record"] in seen] + [rule]}
            rules, test = (pathlib.Path(folder) / f"{rule['alert']}.{what}.yaml" for what in ("rules", "test"))
            rules.write_text(json.dumps({"groups": [group]}))
            test.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": cases}))
            files.append(str(test))
        done = subprocess.run(["promtool", "test", "rules", *files], capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stdout + done.stderr


class AlertsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = {rule["alert"]: rule for rule in sources.rules()[1]}

    def test_every_alert_has_both_cases(self):
        self.assertEqual(set(CASES), set(self.rules))
        for name, cases in CASES.items():
            self.assertEqual(set(cases), {"firing", "quiet"}, name)

    def test_fires_and_is_quiet(self):
        self.assertEqual(judge([(self.rules[name], [unit_test(self.rules[name], cases["firing"], True),
                                                    unit_test(self.rules[name], cases["quiet"], False)])
                                for name, cases in CASES.items()]), "")
        print(f"{len(CASES)} alerts, each with a firing and a quiet case", file=sys.stderr)

    def test_quiet_cases_are_about_something(self):
        """Their series are among those that the alert looks at."""
        recorded = {rule["record"]: rule for rule in sources.rules()[0]}
        for name, cases in CASES.items():
            seen = series(self.rules[name]["expr"], recorded)
            for one in cases["quiet"]["series"]:
                self.assertIn(re.match(r"[a-zA-Z_:]+", one).group(), seen, name)

    def test_a_case_that_is_wrong_fails(self):
        cases = CASES["PenstockRunLate"]
        rule = self.rules["PenstockRunLate"]
        never = cases["quiet"] | {key: cases["firing"][key] for key in ("pending", "labels", "summary")}
        self.assertNotEqual(judge([(rule, [unit_test(rule, never, True)])]), "")
        self.assertNotEqual(judge([(rule, [unit_test(rule, cases["firing"], False)])]), "")


if __name__ == "__main__":
    unittest.main()
