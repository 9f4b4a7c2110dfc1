"""What the real programs cost when nobody says anything: wake-ups, datagrams, CPU and memory."""

import os
import sys
import time

from runs import ROOT, SLACK, Failure

sys.path.insert(0, str(ROOT / "tests/vnet"))

from peers import Programs, start_rendezvous  # noqa: E402
from virtual_lab import SERVER, Lab, topology_path  # noqa: E402

# Looking at the NAT and how long its mappings live takes 42 s, the relay stays verified for 30 s.
SETTLING = 75
WINDOW = 60
MEMORY_LIMIT_MIB = 12
ROLES = {"carol": "peer, registered", "alice": "peer, one direct session (the caller)",
         "bob": "peer, one direct session (the one called)",
         "rendezvous": "rendezvous, three peers"}
HOSTS = {"rendezvous": "srv"}


def measure(build, settling=SETTLING, window=WINDOW):
    """One row a program: figures of `window` seconds, by the minute."""
    programs = Programs.in_folder(build)
    with Lab(topology_path("bench-setup"), programs.vnet) as lab:
        running = {"rendezvous": start_rendezvous(lab, programs)}
        for name in ("carol", "bob"):
            running[name] = start_peer(lab, programs, name)
            wait_for(lab, running[name], "registered")
        running["alice"] = start_peer(lab, programs, "alice", "bob")
        for name in ("alice", "bob"):
            wait_for(lab, running[name], '"path":"direct"')
        time.sleep(settling)
        before = {name: state_of(lab, name, program) for name, program in running.items()}
        time.sleep(window)
        rows = []
        for name, role in ROLES.items():
            after = state_of(lab, name, running[name])
            row = {"program": role, "memory_mib": after["memory_mib"]}
            for figure in ("wake_ups", "datagrams", "cpu_ms"):
                row[f"{figure}_per_minute"] = (after[figure] - before[name][figure]) * 60 / window
            rows.append(row)
        return rows


def start_peer(lab, programs, name, *others):
    return lab.start(name, [programs.peer, "--id", name, "--via", SERVER, "--json", *others])


def wait_for(lab, program, word):
    if not program.wait_for(lambda _at, _kind, text: word in text, SLACK):
        raise Failure(f"{program.name} is not {word}\n{lab.log()}")


def state_of(lab, name, program):
    """Counters since the program's start. Who sleeps in epoll_wait is switched out once for each
    time that something wakes it, of its own will."""
    pid = program.process.pid
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(line.split(":", 1) for line in file)
    with open(f"/proc/{pid}/schedstat", encoding="utf-8") as file:
        cpu_ns = int(file.read().split()[0])
    if os.path.basename(os.readlink(f"/proc/{pid}/exe")) not in ("peer", "rendezvous"):
        raise Failure(f"{name} is not the process that was to be measured")
    return {"wake_ups": int(status["voluntary_ctxt_switches"]),
            "memory_mib": int(status["VmRSS"].split()[0]) / 1024,
            "cpu_ms": cpu_ns / 1e6,
            "datagrams": lab.sent_by(HOSTS.get(name, name))}


def text(rows):
    return ["", f"idle for {WINDOW} s, by the minute; at most {MEMORY_LIMIT_MIB} MiB are the aim",
            f"  {'':44}{'wake-ups':>9}{'sent':>6}{'CPU ms':>8}{'MiB':>6}",
            *(f"  {row['program']:44}{row['wake_ups_per_minute']:9.0f}"
              f"{row['datagrams_per_minute']:6.0f}{row['cpu_ms_per_minute']:8.1f}"
              f"{row['memory_mib']:6.1f}" for row in rows)]
