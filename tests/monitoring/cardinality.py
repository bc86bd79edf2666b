#!/usr/bin/env python3
"""How many series Prometheus keeps of a Penstock, computed from the labels of the golden file: cardinality.py [SYNCS]"""
import sys

import sources

# What an installation of that size looks like; docs/monitoring.md says the same.
REPLICAS = {"state": 2, "planner": 2, "extractor": 4, "loader": 4}
DESTINATIONS, SOURCES, QUOTAS = 50, 5, 2
METHODS = 20
# Series that one sync has of a metric with more labels than `sync`. Runs end in 2 states, one error in ten syncs, records have 2
# outcomes, rows 3 results, and one sync in a hundred is parked.
PER_SYNC = {"penstock_runs_total": 2, "penstock_run_failures_total": 0.1, "penstock_sync_rejected_records": 0.1,
            "penstock_sync_parked_timestamp_seconds": 0.01, "penstock_records_total": 2, "penstock_extractor_rows_total": 3,
            "penstock_sync_run_start_timestamp_seconds": 0.1, "penstock_sync_progress_timestamp_seconds": 0.1}
VALUES = {"destination": DESTINATIONS, "source": SOURCES, "account": DESTINATIONS, "quota": QUOTAS, "method": METHODS, "code": 3,
          "by": 4, "result": 3, "kind": 2, "stage": 4, "state": 9, "check": 2, "level": 4, "use": 2, "service": 4, "version": 1,
          "revision": 1}
BUCKETS = 16 + 2   # a histogram's buckets with +Inf, _sum and _count


def series(name, kind, labels, syncs):
    """Of one process that has the metric."""
    count = 1
    if "sync" in labels:
        return syncs * PER_SYNC.get(name, 1)
    for label in labels:
        count *= VALUES[label]
    return count * (BUCKETS if kind == "histogram" else 1)


def processes(name):
    """How many processes have it."""
    if name in ("penstock_records_total", "penstock_quota_used_ratio", "penstock_quota_limit", "penstock_quota_window_seconds") or \
            name.startswith("penstock_loader_"):
        return REPLICAS["loader"]
    if name.startswith(("penstock_extractor_", "penstock_warehouse_")):
        return REPLICAS["extractor"]
    if name.startswith(("penstock_run", "penstock_sync_", "penstock_database_", "penstock_grants", "penstock_leases",
                        "penstock_schema", "penstock_instances")):
        return REPLICAS["state"]
    if name.startswith(("penstock_task_tickets", "penstock_backlog", "penstock_redis_memory", "penstock_calls", "penstock_watch")):
        return REPLICAS["planner"]
    return sum(REPLICAS.values())


def count(syncs):
    """(series of syncs, all other series)"""
    of_syncs = others = 0
    for line in sources.GOLDEN.read_text().splitlines():
        name, kind, labels = line.split()
        labels = [] if labels == "-" else labels.split(",")
        number = series(name, kind, labels, syncs) * processes(name)
        if "sync" in labels:
            of_syncs += number
        else:
            others += number
    return round(of_syncs), round(others)


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print("{:,} series of {:,} Syncs, {:,} others".format(count(n)[0], n, count(n)[1]))
