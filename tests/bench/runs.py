"""Runs of benchmark programs, and what they print, for scripts/bench and its parts."""

import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIGURE = re.compile(r"(\w+)=([0-9.]+)")
# Handshakes and the patience of a run's processes come on top of its seconds.
SLACK = 60


class Failure(Exception):
    """A run did not come to its end; the text says why."""


def figures(text):
    """What a program printed, as {"receive": {"mib_per_s": 1.0, ...}, ...}."""
    out = {}
    for line in text.splitlines():
        name = line.split(" ", 1)[0]
        out[name] = {key: float(value) for key, value in FIGURE.findall(line)}
    return out


def run(command, seconds):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          timeout=seconds + SLACK)
    if done.returncode != 0:
        raise Failure(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return figures(done.stdout)


def interleave(candidates, runs, one_run):
    """{name: [figures of each run]}: in turns, so that whatever else the machine does hits all."""
    out = {name: [] for name in candidates}
    for _ in range(runs):
        for name, candidate in candidates.items():
            out[name].append(one_run(candidate))
    return out


def median(results, *path):
    """The median of one figure over the runs of one candidate; nothing when no run has it."""
    values = []
    for result in results:
        for key in path:
            result = result.get(key, {}) if isinstance(result, dict) else {}
        if isinstance(result, float):
            values.append(result)
    return statistics.median(values) if values else None
