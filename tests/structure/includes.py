#!/usr/bin/env python3
"""Holds what may include what: pure code knows no library of the edges, and no service knows another."""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
EDGES = re.compile(r'^(grpc|boost/asio|boost/beast|pqxx|libpq|hiredis|prometheus|yaml-cpp|google/protobuf)|\.pb\.h$')
PURE_COMMONS = tuple(f"services/common/{folder}/" for folder in ("core", "values", "functions", "model", "flow"))
SERVICES = ("state", "planner", "extractor", "loader")


def faults(file, text):
    pure = file.startswith(PURE_COMMONS) or "/domain/" in file
    own = next((s for s in SERVICES if file.startswith(f"services/{s}/")), None)
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        included = found.group(1)
        if pure and EDGES.search(included):
            yield f"{file}:{number}: pure code includes {included}"
        other = next((s for s in SERVICES if included.startswith(f"services/{s}/")), None)
        if other and other != own:
            yield f"{file}:{number}: includes {included} of the service {other}"


def main(root):
    root = pathlib.Path(root)
    checked, wrong = 0, []
    for path in sorted(root.glob("services/**/*")):
        if path.suffix in (".h", ".cpp"):
            checked += 1
            wrong += faults(path.relative_to(root).as_posix(), path.read_text())
    # The check must be able to fail.
    sample = '#include <grpcpp/grpcpp.h>\n#include "services/loader/domain/lane.h"\n'
    assert len(list(faults("services/state/domain/x.h", sample))) == 2
    assert checked > 100, f"only {checked} files found below {root}/services"
    print("\n".join(wrong) or f"{checked} files include only what they may")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
