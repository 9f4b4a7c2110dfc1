"""One bottleneck with a delay, a loss and a queue of one bandwidth-delay product: how much of it
each protocol uses, without being told what it is, and how long a small message waits beside it.

The link is tests/vnet's: a process that carries the datagrams between namespaces.
"""

import json
import sys

from runs import ROOT, SLACK, Failure, figures, interleave, median

sys.path.insert(0, str(ROOT / "tests/vnet"))

from virtual_lab import SERVER, Lab, topology_path  # noqa: E402

ALICE, BOB = "192.0.2.10", "203.0.113.10"
MBIT = 100
WARMUP = 2
PORT = 5201
ALICES_DELAY_MS = 5
RTTS_MS = (20, 50, 100)
LOSSES = (0, 0.1, 1, 3)
PROBE_MS = 20


class Link:
    """One cell: a lab with this link, in which candidates run one after the other."""

    def __init__(self, build, rtt_ms, loss):
        self.build = build
        queue = MBIT * 1_000_000 // 8 * rtt_ms // 1000
        self.params = {"delay": f"{rtt_ms / 2 - ALICES_DELAY_MS:g}ms", "rate": f"{MBIT}mbit",
                       "queue": queue, "loss": f"{loss:g}%"}

    def run(self, candidate, seconds, options):
        with Lab(topology_path("bench-link"), self.build / "tests/vnet/vnet",
                 params=self.params) as lab:
            return candidate(lab, self.build / "tests/bench", seconds,
                             ["--warmup", WARMUP, "--seconds", seconds, *options])


def finish(programs, seconds):
    """The figures of all, once they have ended."""
    out = {}
    for program in programs:
        if program.wait_for_end(seconds + WARMUP + SLACK) != 0:
            raise Failure(program.log())
        out |= figures("\n".join(text for _at, kind, text in program.lines if kind == "out"))
    return out


def stock(lab, folder, seconds, options):
    receiver = lab.start("bob", [folder / "stock_enet", "--receive", PORT, *options])
    sender = lab.start("alice", [folder / "stock_enet", "--send", BOB, "--port", PORT, *options])
    return finish([receiver, sender], seconds)


def sealed(lab, folder, seconds, options):
    program = folder / "sealed_enet"
    lab.start("srv", [program, "--serve", SERVER])
    receiver = lab.start("bob", [program, "--receive", "bob", "--via", SERVER, *options])
    sender = lab.start("alice", [program, "--send", "bob", "--via", SERVER, "--ahead", 8 << 20,
                                 *options])
    return finish([receiver, sender], seconds)


def tcp(congestion):
    def candidate(lab, _folder, seconds, _options):
        server = lab.start("bob", ["iperf3", "-s", "-1", "-p", PORT, "--forceflush"], name="iperf-server")
        if not server.wait_for(lambda _at, _kind, text: "listening" in text, 5):
            raise Failure(server.log())
        client = lab.start("alice", ["iperf3", "-c", BOB, "-p", PORT, "-C", congestion, "-J",
                                     "-O", WARMUP, "-t", seconds], name="iperf-client")
        if client.wait_for_end(seconds + WARMUP + SLACK) != 0:
            raise Failure(client.log())
        report = json.loads("\n".join(line for _at, kind, line in client.lines if kind == "out"))
        received = report["end"]["sum_received"]["bits_per_second"]
        return {"receive": {"mbit_per_s": received / 1e6}}

    return candidate


def measure(build, runs, seconds, cells):
    """One row a cell and protocol."""
    candidates = {"Pinhole": sealed, "TCP BBR": tcp("bbr"), "TCP cubic": tcp("cubic"),
                  "stock ENet": stock}
    rows = []
    for rtt, loss in cells:
        link = Link(build, rtt, loss)
        results = interleave(candidates, runs, lambda one: link.run(one, seconds, []))
        for name, of in results.items():
            rows.append({"rtt_ms": rtt, "loss": loss, "name": name,
                         "mbit_per_s": median(of, "receive", "mbit_per_s")})
    return rows


def measure_beside_bulk(build, runs, seconds, rtt_ms=50):
    """How long a small message takes beside a bulk transfer that fills the link."""
    link = Link(build, rtt_ms, 0)
    results = interleave({"Pinhole": sealed, "stock ENet": stock}, runs,
                         lambda one: link.run(one, seconds, ["--probe", PROBE_MS]))
    return [{"rtt_ms": rtt_ms, "name": name,
             "mbit_per_s": median(of, "receive", "mbit_per_s"),
             "p50_us": median(of, "probe", "p50_us"),
             "p99_us": median(of, "probe", "p99_us")} for name, of in results.items()]


def text(rows):
    names = list(dict.fromkeys(row["name"] for row in rows))
    lines = ["", f"goodput, Mbit/s, {MBIT} Mbit/s link, queue of one BDP",
             f"  {'RTT':>7}{'loss':>8}" + "".join(f"{name:>12}" for name in names) +
             f"{'/ TCP BBR':>12}"]
    for cell in dict.fromkeys((row["rtt_ms"], row["loss"]) for row in rows):
        of = {row["name"]: row["mbit_per_s"] for row in rows
              if (row["rtt_ms"], row["loss"]) == cell}
        lines.append(f"  {cell[0]:4} ms{cell[1]:6g} %" +
                     "".join(f"{of[name]:12.1f}" for name in names) +
                     f"{of['Pinhole'] / of['TCP BBR']:12.2f}")
    return lines


def text_beside_bulk(rows):
    lines = ["", f"a 64 B request beside bulk, {rows[0]['rtt_ms']} ms link without loss",
             f"  {'':16}{'p50 ms':>9}{'p99 ms':>9}{'bulk Mbit/s':>13}"]
    return lines + [f"  {row['name']:16}{milliseconds(row['p50_us'])}{milliseconds(row['p99_us'])}"
                    f"{row['mbit_per_s']:13.1f}" for row in rows]


def milliseconds(microseconds):
    """A dash when no answer came in time."""
    return f"{'-':>9}" if microseconds is None else f"{microseconds / 1000:9.1f}"
