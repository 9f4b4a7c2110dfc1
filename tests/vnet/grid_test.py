#!/usr/bin/python3
"""grid_test ALICE_NAT BOB_NAT: one cell of the grid with the real programs, in both orders of
starting, PINHOLE_GRID_RUNS times each (1 unless set)."""

import os
import sys

import grid
from peers import Programs
from virtual_lab import REFUSED, Refused, end_on_signals, enter_own_network


def main():
    enter_own_network()
    end_on_signals()
    pair = tuple(sys.argv[1:3])
    lines = [expected for expected in grid.expectations() if expected.pair == pair]
    runs = int(os.environ.get("PINHOLE_GRID_RUNS", "1"))
    is_good = bool(lines)
    try:
        for expected in lines:
            cell = grid.run_cell(Programs.from_environment(), expected, runs)
            print(cell.row())
            is_good &= len(cell.good) == cell.runs
    except Refused as refused:
        print(f"skipped: {refused}", file=sys.stderr)
        return REFUSED
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
