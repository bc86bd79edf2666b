"""As much of PromQL as the project's queries use: parses them, says which labels a result has, takes comparisons away.

`promtool` judges the syntax; this finds what it can't: metrics and labels that no service has, and sides of an operator that
never match because their labels differ.
"""
import dataclasses
import re

TOKEN = re.compile(r"""
  (?P<space>\s+|\#[^\n]*) | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*') |
  (?P<duration>(?:\d+(?:ms|[smhdwy]))+) | (?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?) |
  (?P<name>[A-Za-z_:][A-Za-z0-9_:]*) | (?P<op>=~|!~|!=|==|>=|<=|[-+*/%^(){}\[\],=<>@:])""", re.X)
PRECEDENCE = [{"or"}, {"and", "unless"}, {"==", "!=", ">", "<", ">=", "<="}, {"+", "-"}, {"*", "/", "%"}]
SETS = PRECEDENCE[0] | PRECEDENCE[1]
COMPARISONS = PRECEDENCE[2]
AGGREGATIONS = {"sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "quantile", "stddev"}
WITH_PARAMETER = {"topk", "bottomk", "quantile"}
SAME_LABELS = {"rate", "irate", "increase", "delta", "deriv", "changes", "resets", "abs", "clamp_min", "clamp_max", "ceil", "floor",
               "round", "max_over_time", "min_over_time", "avg_over_time", "sum_over_time", "last_over_time", "count_over_time",
               "sort", "sort_desc", "timestamp"}


class PromQLError(Exception):
    pass


@dataclasses.dataclass
class Node:
    kind: str           # number, string, selector, call, aggregate, binary, minus, parens
    name: str = ""      # of the metric, function or operator; the text of a number or string
    args: list = dataclasses.field(default_factory=list)
    matchers: list = dataclasses.field(default_factory=list)   # (label, operator, value)
    tail: str = ""      # of a selector: range and offset as written
    grouping: str = ""  # by, without, on, ignoring
    labels: list = dataclasses.field(default_factory=list)
    join: str = ""      # group_left, group_right
    joined: list = dataclasses.field(default_factory=list)
    boolean: bool = False

    def __str__(self):
        a = [str(arg) for arg in self.args]
        if self.kind in ("number", "string"):
            return self.name
        if self.kind == "selector":
            inside = ",".join(f"{label}{op}{value}" for label, op, value in self.matchers)
            return self.name + (f"{{{inside}}}" if inside else "") + self.tail
        if self.kind == "call":
            return f"{self.name}({', '.join(a)})"
        if self.kind == "aggregate":
            by = f" {self.grouping} ({', '.join(self.labels)})" if self.grouping else ""
            return f"{self.name}{by} ({', '.join(a)})"
        if self.kind == "parens":
            return f"({a[0]}){self.tail}"
        if self.kind == "minus":
            return f"-{a[0]}"
        match = f" {self.grouping} ({', '.join(self.labels)})" if self.grouping else ""
        match += f" {self.join} ({', '.join(self.joined)})" if self.join else ""
        return f"{a[0]} {self.name}{' bool' if self.boolean else ''}{match} {a[1]}"

    def selectors(self):
        if self.kind == "selector":
            yield self
        for arg in self.args:
            yield from arg.selectors()


def parse(query):
    parser = Parser(query)
    node = parser.binary(0)
    if parser.at < len(parser.tokens):
        raise PromQLError(f"unexpected {parser.peek()!r} in {query}")
    return node


class Parser:
    def __init__(self, query):
        self.query, self.tokens, self.at = query, [], 0
        position = 0
        while position < len(query):
            match = TOKEN.match(query, position)
            if not match:
                raise PromQLError(f"cannot read {query[position:position + 20]!r} in {query}")
            position = match.end()
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match.group()))

    def peek(self):
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def kind(self):
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, expected=None):
        word = self.peek()
        if not word or (expected and word != expected):
            raise PromQLError(f"expected {expected or 'more'}, not {word!r}, in {self.query}")
        self.at += 1
        return word

    def skip(self, word):
        if self.peek() != word:
            return False
        self.at += 1
        return True

    def names(self):
        found = []
        self.take("(")
        while not self.skip(")"):
            found.append(self.take())
            self.skip(",")
        return found

    def binary(self, level):
        if level == len(PRECEDENCE):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in PRECEDENCE[level]:
            node = Node("binary", self.take())
            node.boolean = self.skip("bool")
            if self.peek() in ("on", "ignoring"):
                node.grouping, node.labels = self.take(), self.names()
            if self.peek() in ("group_left", "group_right"):
                node.join = self.take()
                node.joined = self.names() if self.peek() == "(" else []
            node.args = [left, self.binary(level + 1)]
            left = node
        return left

    def unary(self):
        if self.skip("-"):
            return Node("minus", args=[self.unary()])
        if self.kind() in ("number", "string"):
            return Node(self.kind(), self.take())
        if self.skip("("):
            node = Node("parens", args=[self.binary(0)])
            self.take(")")
            node.tail = self.tail()
            return node
        if self.peek() == "{" or self.kind() == "name":
            return self.named()
        raise PromQLError(f"unexpected {self.peek()!r} in {self.query}")

    def named(self):
        name = "" if self.peek() == "{" else self.take()
        if name in AGGREGATIONS:
            node = Node("aggregate", name)
            if self.peek() in ("by", "without"):
                node.grouping, node.labels = self.take(), self.names()
            node.args = self.arguments()
            if self.peek() in ("by", "without"):
                node.grouping, node.labels = self.take(), self.names()
            return node
        if self.peek() == "(":
            return Node("call", name, self.arguments())
        node = Node("selector", name)
        if self.skip("{"):
            while not self.skip("}"):
                node.matchers.append((self.take(), self.take(), self.take()))
                self.skip(",")
        node.tail = self.tail()
        return node

    def arguments(self):
        found = []
        self.take("(")
        while not self.skip(")"):
            found.append(self.binary(0))
            self.skip(",")
        return found

    def tail(self):
        text = ""
        if self.skip("["):
            text = "["
            while self.peek() != "]":
                text += self.take()
            text += self.take()
        if self.skip("offset"):
            text += " offset " + self.take()
        return text


class Catalogue:
    """Which series there are, and with which labels."""

    def __init__(self, golden, target_labels):
        """`golden` is the text of tests/golden/metrics.txt; `target_labels` are those that the scrape adds."""
        self.series = {"up": set(target_labels), "ALERTS": {"alertname", "alertstate", "severity"} | set(target_labels)}
        self.used = set()
        self.families = {}
        for line in golden.splitlines():
            name, kind, labels = line.split()
            labels = set(target_labels) | (set() if labels == "-" else set(labels.split(",")))
            if kind == "histogram":
                self.series.update({name + "_bucket": labels | {"le"}, name + "_sum": labels, name + "_count": labels})
                self.families.update({name + suffix: name for suffix in ("_bucket", "_sum", "_count")})
            else:
                self.series[name] = labels
                self.families[name] = name

    def record(self, name, query):
        self.series[name] = self.labels(parse(query))

    def labels(self, node):
        """The labels of the result; None: a scalar or string. Raises PromQLError for what no series can answer."""
        if node.kind in ("number", "string"):
            return None
        if node.kind in ("parens", "minus"):
            return self.labels(node.args[0])
        return getattr(self, node.kind)(node)

    def selector(self, node):
        if node.name not in self.series:
            raise PromQLError(f"no service has the metric {node.name or node}")
        self.used.add(self.families.get(node.name, node.name))
        labels = self.series[node.name]
        for label, _, _ in node.matchers:
            self.check({label}, labels, node)
        return labels

    @staticmethod
    def check(wanted, labels, node):
        if wanted - (labels or set()):
            raise PromQLError(f"no label {', '.join(sorted(wanted - (labels or set())))} in {node}")

    def call(self, node):
        if node.name in ("time", "scalar"):
            for arg in node.args:
                self.labels(arg)
            return None
        if node.name == "vector":
            return set()
        if node.name == "absent":
            self.labels(node.args[0])
            return {label for s in node.args[0].selectors() for label, op, _ in s.matchers if op == "="}
        if node.name == "histogram_quantile":
            labels = self.labels(node.args[1])
            self.check({"le"}, labels, node)
            return labels - {"le"}
        if node.name == "label_replace":
            labels = self.labels(node.args[0])
            target, source = node.args[1].name.strip('"'), node.args[3].name.strip('"')
            self.check({source} - {""}, labels, node)
            return labels | {target}
        if node.name in SAME_LABELS:
            return self.labels(node.args[0])
        raise PromQLError(f"function {node.name} is not known to tests/monitoring/promql.py")

    def aggregate(self, node):
        labels = self.labels(node.args[-1])
        if node.grouping == "by":
            self.check(set(node.labels), labels, node)
        if node.name in ("topk", "bottomk"):
            return labels
        if node.grouping == "by":
            return set(node.labels)
        return labels - set(node.labels) if node.grouping == "without" else set()

    def binary(self, node):
        left, right = self.labels(node.args[0]), self.labels(node.args[1])
        if left is None or right is None:
            return left if right is None else right
        if node.grouping == "on":
            self.check(set(node.labels), left, node)
            self.check(set(node.labels), right, node)
        elif node.grouping == "ignoring":
            if left - set(node.labels) != right - set(node.labels):
                raise PromQLError(f"the sides differ in {sorted((left ^ right) - set(node.labels))}: {node}")
        elif left != right and node.name != "or":
            raise PromQLError(f"the sides differ in {sorted(left ^ right)}, so they never match: {node}")
        if node.join:
            many, one = (left, right) if node.join == "group_left" else (right, left)
            self.check(set(node.joined), one, node)
            return many | set(node.joined)
        if node.name in ("and", "unless"):
            return left
        if node.name == "or":
            return left | right
        if node.grouping == "on":
            return left & set(node.labels) if node.name not in COMPARISONS or node.boolean else left
        return left - set(node.labels) if node.grouping == "ignoring" else left


def without_comparisons(node):
    """Queries that all must have data for `node` to be able to say anything: its operands, with no comparison left."""
    while node.kind == "parens" and not node.tail:
        node = node.args[0]
    if node.kind == "binary" and (node.name in SETS or (node.name in COMPARISONS and not node.boolean)):
        return [query for arg in node.args for query in without_comparisons(arg)]
    if node.kind == "call" and node.name in ("absent", "label_replace"):
        return without_comparisons(node.args[0])
    # of topk, quantile, clamp …: the parameter is no query
    return [str(strip(node))] if any(node.selectors()) else []


def strip(node):
    """The same with comparisons inside replaced by their first operand that has a series."""
    args = [strip(arg) for arg in node.args]
    if node.kind == "binary" and node.name in COMPARISONS and not node.boolean:
        return next(arg for arg in args if any(arg.selectors()))
    return dataclasses.replace(node, args=args)
