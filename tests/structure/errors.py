#!/usr/bin/env python3
"""Every error code has its heading in docs/errors.md, and no heading is left of a code that went."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
codes = set(re.findall(r"X\((\w+), k\w+, k\w+\)", (root / "services/common/core/error_codes.h").read_text()))
headings = set(re.findall(r"^## (\w+)$", (root / "docs/errors.md").read_text(), re.M))
for code in sorted(codes - headings):
    print(f"docs/errors.md: no heading for {code}")
for heading in sorted(headings - codes):
    print(f"docs/errors.md: {heading} is no error code")
print(f"{len(codes)} error codes, {len(headings)} headings")
sys.exit(codes != headings or not codes)
