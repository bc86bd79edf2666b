"""The programs are built as docs/security.md says: python3 hardening.py PROGRAM…"""

import subprocess
import sys


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def faults(program):
    header = output("readelf", "-hW", program)
    if "DYN (Position-Independent Executable" not in header:
        yield "is not position independent"
    if "GNU_RELRO" not in output("readelf", "-lW", program):
        yield "has no GNU_RELRO segment"
    if "BIND_NOW" not in output("readelf", "-dW", program):
        yield "binds symbols lazily"
    symbols = output("readelf", "--dyn-syms", "-W", program)
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protector"
    if "_chk@" not in symbols.replace("__stack_chk_fail", ""):
        yield "calls no fortified function"


def main(programs):
    wrong = [f"{program} {fault}" for program in programs for fault in faults(program)]
    assert programs, "no program was given"
    print("\n".join(wrong) or f"{len(programs)} programs are hardened")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
