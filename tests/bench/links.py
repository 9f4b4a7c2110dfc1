"""One bottleneck with a delay, a loss and a queue: how much of it each protocol uses, without being
told what it is, and how long a small message waits beside it.

The link is tests/vnet's: a process that carries the datagrams between namespaces. Its rate counts
IP packets, so what a protocol can reach is what its packets hold of payload.
"""

import sys

from runs import ROOT, SLACK, Failure, figures, interleave, median

sys.path.insert(0, str(ROOT / "tests/vnet"))

from virtual_lab import SERVER, Lab, topology_path  # noqa: E402

MBIT = 100
WARMUP = 2
PORT = 5201
ALICES_DELAY_MS = 5
RTTS_MS = (20, 50, 100)
LOSSES = (0, 0.1, 1, 3)
PROBE_MS = 20


class Link:
    """One cell: a lab with this link, in which candidates run one after the other. `queue` is in
    bandwidth-delay products."""

    def __init__(self, build, rtt_ms, loss, queue=1.0):
        self.build = build
        self.programs = build / "tests/bench"
        queue_bytes = int(MBIT * 1_000_000 // 8 * rtt_ms // 1000 * queue)
        self.params = {"delay": f"{rtt_ms / 2 - ALICES_DELAY_MS:g}ms", "rate": f"{MBIT}mbit",
                       "queue": queue_bytes, "loss": f"{loss:g}%"}

    def up(self):
        return Lab(topology_path("bench-link"), self.build / "tests/vnet/vnet", params=self.params)

    def run(self, candidate, seconds, options):
        """What one flow did, and what the link saw of it."""
        with self.up() as lab:
            receiver, sender = candidate(lab, self.programs, "1", [
                "--warmup", WARMUP, "--seconds", seconds, *options])
            begun = receiver.wait_for(is_tick, SLACK)
            if not begun:
                raise Failure(lab.log())
            # The queue is looked at for as long as goodput is.
            receiver.wait_for_end(WARMUP)
            before = lab.stats()
            done = receiver.wait_for(is_result, seconds + SLACK)
            after = lab.stats()
            if not done or sender.wait_for_end(SLACK) != 0:
                raise Failure(lab.log())
            out = figures("\n".join(text for program in (receiver, sender)
                                    for _at, kind, text in program.lines if kind == "out"))
        payload = out["receive"]["total_mib"] * 1024 * 1024
        out["link"] = queue_of(before, after)
        # The link counts the bytes of UDP only.
        if wire_bytes(after) > payload:
            out["link"]["overhead"] = wire_bytes(after) / payload - 1
        return out


def is_tick(_at, _kind, text):
    return text.startswith("tick ")


def is_result(_at, _kind, text):
    return text.startswith("receive ")


def wire_bytes(stats):
    """What left the link at bob's end so far, headers and repetitions included."""
    return float(sum(one["received"]["bytes"] for one in stats["hosts"]["bob"]))


def queue_of(before, after):
    """Percentiles of the packets' waiting times between two looks at the link, in milliseconds."""
    old, new = (stats["hosts"]["bob"][0]["waited_down"] for stats in (before, after))
    waits = sorted((int(ms), count - old.get(ms, 0)) for ms, count in new.items())
    total = sum(count for _ms, count in waits)
    out = {}
    for name, share in (("queue_p50_ms", 0.5), ("queue_p99_ms", 0.99)):
        left = share * total
        for ms, count in waits:
            left -= count
            if left <= 0:
                # Somewhere within that millisecond.
                out[name] = ms + 0.5
                break
    return out


def stock(lab, folder, name, options):
    port = PORT + 2 * int(name)
    receiver = lab.start("bob", [folder / "stock_enet", "--receive", port, *options],
                         name=f"receiver-{name}")
    sender = lab.start("alice", [folder / "stock_enet", "--send", BOB, "--port", port, *options],
                       name=f"sender-{name}")
    return receiver, sender


def sealed(lab, folder, name, options):
    program = folder / "sealed_enet"
    if not any(one.name == "rendezvous" for one in lab.programs):
        lab.start("srv", [program, "--serve", SERVER], name="rendezvous")
    receiver = lab.start("bob", [program, "--receive", f"bob-{name}", "--via", SERVER, *options],
                         name=f"receiver-{name}")
    sender = lab.start("alice", [program, "--send", f"bob-{name}", "--via", SERVER,
                                 "--ahead", 8 << 20, *options], name=f"sender-{name}")
    return receiver, sender


def tcp(congestion):
    def candidate(lab, folder, name, options):
        port = PORT + 2 * int(name)
        program = folder / "tcp_stream"
        receiver = lab.start("bob", [program, "--receive", port, *options],
                             name=f"receiver-{name}")
        if not receiver.wait_for(lambda _at, _kind, text: text == "listening", SLACK):
            raise Failure(receiver.log())
        sender = lab.start("alice", [program, "--send", BOB, "--port", port, "--ahead", 64 << 20,
                                     "--congestion", congestion, *options], name=f"sender-{name}")
        return receiver, sender

    return candidate


BOB = "203.0.113.10"
CANDIDATES = {"Pinhole": sealed, "TCP BBR": tcp("bbr"), "TCP cubic": tcp("cubic"),
              "stock ENet": stock}


def row_of(results):
    """The medians of a candidate's runs."""
    return {
        "mbit_per_s": median(results, "receive", "mbit_per_s"),
        "cpu_send": median(results, "send", "cpu_per_gib"),
        "cpu_receive": median(results, "receive", "cpu_per_gib"),
        "memory_send_mib": median(results, "send", "memory_mib"),
        "memory_receive_mib": median(results, "receive", "memory_mib"),
        "queue_p50_ms": median(results, "link", "queue_p50_ms"),
        "queue_p99_ms": median(results, "link", "queue_p99_ms"),
        "overhead": median(results, "link", "overhead"),
    }


def measure(build, runs, seconds, cells):
    """One row a cell and protocol."""
    rows = []
    for rtt, loss in cells:
        link = Link(build, rtt, loss)
        results = interleave(CANDIDATES, runs, lambda one: link.run(one, seconds, ["--tick", 0.5]))
        rows += [{"rtt_ms": rtt, "loss": loss, "name": name, **row_of(of)}
                 for name, of in results.items()]
    return rows


def measure_beside_bulk(build, runs, seconds, cells):
    """How long a small message takes beside a bulk transfer that fills the link."""
    rows = []
    for rtt, loss in cells:
        link = Link(build, rtt, loss)
        results = interleave(CANDIDATES, runs, lambda one: link.run(
            one, seconds, ["--tick", 0.5, "--probe", PROBE_MS]))
        rows += [{"rtt_ms": rtt, "loss": loss, "name": name, **row_of(of),
                  "p50_us": median(of, "probe", "p50_us"),
                  "p99_us": median(of, "probe", "p99_us")} for name, of in results.items()]
    return rows


COST_HEAD = (f"{'queue p50':>11}{'p99 ms':>8}{'wire +':>8}{'CPU s/GiB':>11}{'receive':>9}"
             f"{'MiB':>6}{'receive':>9}")


def cost(row):
    """What a row cost the link and both machines."""
    return (f"{number(row['queue_p50_ms'], 11)}{number(row['queue_p99_ms'], 8)}"
            f"{percent(row['overhead'])}{number(row['cpu_send'], 11)}"
            f"{number(row['cpu_receive'], 9)}{number(row['memory_send_mib'], 6)}"
            f"{number(row['memory_receive_mib'], 9)}")


def text(rows):
    """The table of goodput, and what each of its cells cost."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    lines = ["", f"goodput, Mbit/s, {MBIT} Mbit/s link of IP packets, queue of one BDP",
             f"  {'RTT':>7}{'loss':>8}" + "".join(f"{name:>12}" for name in names) +
             f"{'/ TCP BBR':>12}"]
    for cell in cells_of(rows):
        of = {row["name"]: row["mbit_per_s"] for row in rows
              if (row["rtt_ms"], row["loss"]) == cell}
        lines.append(f"  {cell[0]:4} ms{cell[1]:6g} %" +
                     "".join(f"{of[name]:12.1f}" for name in names) +
                     f"{of['Pinhole'] / of['TCP BBR']:12.2f}")
    lines += ["", "what that cost: wire + is what the link carried beyond the payload",
              f"  {'':30}{COST_HEAD}"]
    lines += [f"  {row['rtt_ms']:4} ms{row['loss']:6g} %  {row['name']:13}{cost(row)}"
              for row in rows]
    return lines


def text_beside_bulk(rows):
    lines = ["", "a 64 B request beside bulk (TCP: on a connection of its own)",
             f"  {'':30}{'p50 ms':>9}{'p99 ms':>9}{'- RTT':>9}{'bulk Mbit/s':>13}{COST_HEAD}"]
    for row in rows:
        p50, p99 = (None if row[key] is None else row[key] / 1000 for key in ("p50_us", "p99_us"))
        late = None if p99 is None else p99 - row["rtt_ms"]
        lines.append(f"  {row['rtt_ms']:4} ms{row['loss']:6g} %  {row['name']:13}{number(p50, 9)}"
                     f"{number(p99, 9)}{number(late, 9)}{row['mbit_per_s']:13.1f}{cost(row)}")
    return lines


def cells_of(rows):
    return list(dict.fromkeys((row["rtt_ms"], row["loss"]) for row in rows))


def percent(value):
    return f"{'-':>8}" if value is None else f"{value * 100:6.1f} %"


def number(value, width):
    """A dash when there is none."""
    return f"{'-':>{width}}" if value is None else f"{value:{width}.1f}"
