"""Panels and dashboards of Grafana as Python: what all of them share is said once."""

SCHEMA_VERSION = 39   # of Grafana 10.4 and newer
WIDTH = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def steps(*values):
    """Thresholds: steps("green", 0.8, "orange", 0.95, "red")."""
    return [{"color": values[0], "value": None}] + [
        {"color": color, "value": value} for value, color in zip(values[1::2], values[2::2])]


class Panel:
    """One panel. `queries` maps a legend ("{{label}}") to an expression; `runbook` is the page that says what to do."""

    def __init__(self, kind, title, text, unit, queries, *, width, height=8, runbook=None, thresholds=None, options=None,
                 custom=None, mappings=None, instant=False, minimum=None, maximum=None, decimals=None, columns=None):
        self.size = width, height
        defaults = {"unit": unit, "custom": custom or {}, "mappings": mappings or [],
                    "thresholds": {"mode": "absolute", "steps": thresholds or steps("green")}}
        for name, value in (("min", minimum), ("max", maximum), ("decimals", decimals)):
            if value is not None:
                defaults[name] = value
        if kind == "timeseries":
            defaults["color"] = {"mode": "palette-classic"}
            if thresholds:
                defaults["custom"] = defaults["custom"] | {"thresholdsStyle": {"mode": "line"}}
        else:
            defaults["color"] = {"mode": "thresholds"}
        self.json = {
            "type": kind, "title": title, "description": text, "datasource": DATASOURCE,
            "targets": [self.target(i, legend, query, kind, instant) for i, (legend, query) in enumerate(queries.items())],
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": options or {}, "transformations": [],
            "links": [{"title": f"What to do: {runbook}", "url": f"${{runbooks}}/{runbook}.md", "targetBlank": True}]
            if runbook else []}
        if columns:
            self.columns(columns)

    @staticmethod
    def target(i, legend, query, kind, instant):
        target = {"refId": chr(ord("A") + i), "datasource": DATASOURCE, "expr": " ".join(query.split()),
                  "legendFormat": legend}
        if kind == "table":
            return target | {"format": "table", "instant": True, "range": False}
        return target | {"format": "time_series", "instant": instant, "range": not instant}

    def columns(self, columns):
        """Of a table: joins its queries' rows; `columns` maps what Grafana calls a column to (title, unit)."""
        self.json["transformations"] = [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {
                "excludeByName": {"Time": True, "namespace": True, "__name__": True, "job": True, "instance": True},
                "indexByName": {name: i for i, name in enumerate(columns)},
                "renameByName": {name: title for name, (title, _) in columns.items()}}}]
        self.json["fieldConfig"]["overrides"] = [
            {"matcher": {"id": "byName", "options": title}, "properties": [{"id": "unit", "value": unit}]}
            for title, unit in columns.values() if unit]


def graph(title, text, unit, queries, *, stacked=False, width=8, **more):
    custom = {"drawStyle": "line", "fillOpacity": 20 if stacked else 5, "showPoints": "never", "spanNulls": False,
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return Panel("timeseries", title, text, unit, queries, width=width, custom=custom, options=options,
                 **({"minimum": 0} | more))


def stat(title, text, unit, query, *, width=4, height=4, legend="", graph_mode="area", **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value",
               "graphMode": graph_mode, "textMode": "auto", "justifyMode": "auto", "orientation": "auto"}
    return Panel("stat", title, text, unit, {legend: query}, width=width, height=height, options=options, **more)


def bars(title, text, unit, queries, *, width=8, **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "displayMode": "basic",
               "orientation": "horizontal", "showUnfilled": True}
    return Panel("bargauge", title, text, unit, queries, width=width, options=options, **({"instant": True} | more))


def table(title, text, queries, columns, *, width=12, **more):
    options = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
    return Panel("table", title, text, "short", queries, width=width, options=options, custom={"filterable": True},
                 columns=columns, **more)


def variable(name, label, query, *, several=False):
    """A variable whose values are the series' labels."""
    everything = {"text": "All", "value": "$__all"}
    return {"type": "query", "name": name, "label": label, "datasource": DATASOURCE, "definition": query,
            "query": {"query": query, "refId": f"variable-{name}"}, "refresh": 2, "sort": 1, "regex": "", "hide": 0,
            "multi": several, "includeAll": several, "allValue": ".*" if several else None,
            "current": everything if several else {}, "options": []}


class Dashboard:
    def __init__(self, uid, title, text, variables, rows):
        self.uid, self.title, self.text, self.variables, self.rows = uid, title, text, variables, rows

    def json(self, runbooks):
        panels, y = [], 0
        for row, members in self.rows:
            panels.append({"type": "row", "title": row, "collapsed": False, "panels": [],
                           "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
            y, x, tallest = y + 1, 0, 0
            for panel in members:
                width, height = panel.size
                if x + width > WIDTH:
                    y, x, tallest = y + tallest, 0, 0
                panels.append(panel.json | {"gridPos": {"x": x, "y": y, "w": width, "h": height}})
                x, tallest = x + width, max(tallest, height)
            y += tallest
        return {
            "uid": self.uid, "title": self.title, "description": self.text, "tags": ["penstock"],
            "schemaVersion": SCHEMA_VERSION, "version": 1, "editable": True, "graphTooltip": 1, "timezone": "browser",
            "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "annotations": {"list": []},
            "links": [{"type": "dashboards", "title": "Penstock", "tags": ["penstock"], "asDropdown": True,
                       "includeVars": True, "keepTime": True, "targetBlank": False}],
            "templating": {"list": [
                {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1,
                 "regex": "", "hide": 0, "multi": False, "includeAll": False, "current": {}, "options": []},
                variable("namespace", "Namespace", "label_values(penstock_build_info, namespace)"),
                *self.variables,
                {"type": "textbox", "name": "runbooks", "label": "Runbooks at", "query": runbooks, "hide": 0,
                 "current": {"text": runbooks, "value": runbooks}, "options": []}]},
            "panels": [{"id": i + 1} | panel for i, panel in enumerate(panels)]}
