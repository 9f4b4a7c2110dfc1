"""How many round trips it takes until two peers can talk, where everybody is 50 ms from everybody:
Pinhole, and libnice on the same link where it is installed."""

import statistics
import subprocess
import sys

from runs import ROOT, SLACK, Failure, figures

sys.path.insert(0, str(ROOT / "tests/vnet"))

import ice  # noqa: E402
from virtual_lab import SERVER, Lab, topology_path  # noqa: E402

RTT_MS = 50
# Addresses that lead nowhere, on an interface that is up: candidates that never answer.
DEAD = {"alice": ["192.0.2.201", "192.0.2.202", "192.0.2.203"],
        "bob": ["203.0.113.201", "203.0.113.202", "203.0.113.203"]}
# Loss on each of the two access links of a way: together about what the name says.
CONDITIONS = {
    "clean": {"loss": "0%", "dead": False},
    "3 dead candidates each": {"loss": "0%", "dead": True},
    "5 % loss each way": {"loss": "2.5%", "dead": False},
}
STEPS = {
    "process start to registered": ("call", "registered_ms"),
    "connect to authenticated session": ("call", "connected_ms"),
    "connect to first message delivered": ("arrived", "message_ms"),
    "process start to first message": ("at_once", "from_start_ms"),
}
# What the calling process took in all, from its start to its end.
COSTS = {"Pinhole": "at_once_call", "libnice": "libnice_call"}


def add_dead_candidates(lab, host):
    """An interface without anybody behind it: what others send to its addresses finds no way."""
    def ip(*words):
        subprocess.run(["ip", "-n", lab.prefix + host, *words], check=True)

    ip("link", "add", "dead0", "type", "veth", "peer", "name", "dead1")
    ip("link", "set", "dead0", "up")
    ip("link", "set", "dead1", "up")
    for address in DEAD[host]:
        ip("address", "add", f"{address}/32", "dev", "dead0")


def measure(build, runs):
    """One row a condition and step, in round trips, and one of what a call costs."""
    rows = []
    for name, condition in CONDITIONS.items():
        results = [one_run(build, seed, condition) for seed in range(1, runs + 1)]
        for step, (line, figure) in (STEPS | ice.STEPS).items():
            values = sorted(result[line][figure] / RTT_MS for result in results if line in result)
            if values:
                rows.append({"condition": name, "step": step, "p50_rtt": statistics.median(values),
                             "p90_rtt": values[(len(values) * 9 - 1) // 10], "runs": len(values)})
        for who, line in COSTS.items():
            costs = [result[line] for result in results if line in result]
            if costs:
                rows.append({"condition": name, "caller": who} | {
                    figure: statistics.median(cost[figure] for cost in costs)
                    for figure in ("cpu_ms", "memory_mib")})
    return rows


def one_run(build, seed, condition):
    """One call of each kind, one after the other on one link."""
    program = build / "tests/bench/first_message"
    with Lab(topology_path("bench-setup"), build / "tests/vnet/vnet", seed=seed,
             params={"loss": condition["loss"]}) as lab:
        if condition["dead"]:
            for host in DEAD:
                add_dead_candidates(lab, host)
        lab.start("srv", [build / "tests/bench/sealed_enet", "--serve", SERVER])
        bob = lab.start("bob", [program, "--answer", "bob", "--via", SERVER])
        if not bob.wait_for(lambda _at, _kind, text: text == "ready", SLACK):
            raise Failure(lab.log())
        out = call(lab, program, bob, [])
        # Another one, which asks before it is registered: as a user's command line does.
        at_once = call(lab, program, bob, ["--at-once"])
        out |= {"at_once": at_once["arrived"], "at_once_call": at_once["call"]}
        bob.kill()
        return out | (ice.call_both(lab, build) if ice.is_built(build) else {})


def call(lab, program, bob, options):
    """What both ends printed of one call."""
    before = len(bob.lines)
    alice = lab.start("alice", [program, "--call", "bob", "--via", SERVER, *options])
    arrived = bob.wait_for(lambda _at, _kind, text: text.startswith("arrived"), SLACK, before)
    if not arrived or alice.wait_for_end(SLACK) != 0:
        raise Failure(lab.log())
    return figures("\n".join([arrived[2], *(text for _at, _kind, text in alice.lines)]))


def text(rows):
    steps = [row for row in rows if "step" in row]
    has_ice = any(row["step"] in ice.STEPS for row in steps)
    lines = ["", f"connection set-up in round trips of {RTT_MS} ms, {steps[0]['runs']} runs",
             f"  {ice.HOW if has_ice else ice.MISSING}"]
    for condition in CONDITIONS:
        lines.append(f"  {condition:52}{'p50':>6}{'p90':>6}")
        for row in steps:
            if row["condition"] == condition:
                failed = steps[0]["runs"] - row["runs"]
                lines.append(f"    {row['step']:50}{row['p50_rtt']:6.2f}{row['p90_rtt']:6.2f}" +
                             (f"  and {failed} runs without a result" if failed else ""))
        lines += [f"    the caller's process, {row['caller']}: {row['cpu_ms']:.0f} ms of CPU, "
                  f"{row['memory_mib']:.1f} MiB at most"
                  for row in rows if "caller" in row and row["condition"] == condition]
    return lines
