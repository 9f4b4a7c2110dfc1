#!/usr/bin/python3
"""Does PINHOLE_LIBRARY show the functions of pinhole.h and nothing else? Linked with the system's ENet
it also shows the functions that take the place of that one's own; with ENet inside, none of them.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    header = (ROOT / "shared/library/pinhole/pinhole.h").read_text(encoding="utf-8")
    code = re.sub(r"///.*", "", header)
    allowed = set(re.findall(r"\b(pinhole_\w+)\(", code))
    if len(allowed) < 10:
        sys.exit(f"pinhole.h declares only {allowed}")
    if os.environ["PINHOLE_ENET_IS_INSIDE"] == "0":
        platform = (ROOT / "shared/reliable/enet_platform.cpp").read_text(encoding="utf-8")
        allowed |= set(re.findall(r"^\w+ (enet_\w+)\(", platform.split('extern "C" {')[1], re.M))
    words = [os.environ["PINHOLE_NM"], "-D", "--defined-only", os.environ["PINHOLE_LIBRARY"]]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = {line.split()[-1] for line in shown.splitlines()}
    print(f"{len(found)} symbols; too many: {sorted(found - allowed)}; "
          f"missing: {sorted(allowed - found)}")
    return 0 if found == allowed else 1


if __name__ == "__main__":
    sys.exit(main())
