"""Who gets how much of a link that two flows share: two alike, and ours beside the kernel's TCP.

Both flows go from one host to another over one queue. Shares are those of the payload that arrived
in the same span of time, once both have been there for a while.
"""

import statistics
import time

from links import MBIT, RTTS_MS, Link, is_tick, queue_of, sealed, tcp
from runs import SLACK, Failure, interleave

# Both have found what they find soon after the second began.
SETTLE = 2
# How much later the second begins.
LATER = 3
TICK = 0.1
BBR = tcp("bbr")
CUBIC = tcp("cubic")
# Name, first flow, second flow, seconds between them. What the kernel's own flows do to each other
# is the yardstick.
PAIRS = {
    "two Pinhole, at once": (sealed, sealed, 0),
    "two Pinhole, one 3 s later": (sealed, sealed, LATER),
    "Pinhole, then TCP cubic": (sealed, CUBIC, LATER),
    "TCP cubic, then Pinhole": (CUBIC, sealed, LATER),
    "two TCP cubic, one 3 s later": (CUBIC, CUBIC, LATER),
    "Pinhole, then TCP BBR": (sealed, BBR, LATER),
    "TCP BBR, then Pinhole": (BBR, sealed, LATER),
    "two TCP BBR, one 3 s later": (BBR, BBR, LATER),
}


def share(link, pair, seconds):
    """The first and the second flow's rates, in Mbit/s, and the link's queue meanwhile."""
    first, second, later = pair
    # None of them ends before it has been looked at.
    options = ["--tick", TICK, "--seconds", later + SETTLE + seconds + 5]
    with link.up() as lab:
        one, _sender = first(lab, link.programs, "1", options)
        if later > 0:
            if not one.wait_for(is_tick, SLACK):
                raise Failure(lab.log())
            time.sleep(later)
        other, _sender = second(lab, link.programs, "2", options)
        if not (other.wait_for(is_tick, SLACK) and one.wait_for(is_tick, SLACK)):
            raise Failure(lab.log())
        time.sleep(SETTLE)
        before = lab.stats()
        time.sleep(seconds)
        after = lab.stats()
        time.sleep(2 * TICK)
        ticks = [ticks_of(program) for program in (one, other)]
    begin = max(flow[0][0] for flow in ticks) + SETTLE
    rates = [(bytes_at(flow, begin + seconds) - bytes_at(flow, begin)) * 8 / seconds / 1e6
             for flow in ticks]
    return {"first": rates[0], "second": rates[1], **queue_of(before, after)}


def ticks_of(program):
    program.pump()
    out = []
    for _at, kind, text in program.lines:
        if is_tick(_at, kind, text):
            at, count = (word.split("=")[1] for word in text.split()[1:])
            out.append((float(at), int(count)))
    if not out:
        raise Failure(program.log())
    return out


def bytes_at(ticks, when):
    """What had come by then: a line between the reports around it."""
    for (earlier, less), (later, more) in zip(ticks, ticks[1:]):
        if earlier <= when <= later:
            return less + (more - less) * (when - earlier) / (later - earlier)
    raise Failure(f"no report before and after {when}")


def measure(build, runs, seconds, queues):
    """One row for each round-trip time, queue and pair."""
    rows = []
    for queue in queues:
        for rtt in RTTS_MS:
            link = Link(build, rtt, 0, queue)
            results = interleave(PAIRS, runs, lambda pair: share(link, pair, seconds))
            rows += [row_of(rtt, queue, name, of) for name, of in results.items()]
    return rows


def row_of(rtt, queue, name, results):
    """Shares are of ours; where both are alike, of the one that got more."""
    shares = []
    for result in results:
        total = result["first"] + result["second"]
        ours = result["second"] if PAIRS[name][1] is sealed else result["first"]
        if PAIRS[name][0] is PAIRS[name][1]:
            ours = max(result["first"], result["second"])
        shares.append(ours / total)
    middle = {key: statistics.median(result[key] for result in results)
              for key in ("first", "second", "queue_p50_ms", "queue_p99_ms")}
    return {"rtt_ms": rtt, "queue_bdp": queue, "name": name, "share": statistics.median(shares),
            "share_min": min(shares), "share_max": max(shares), **middle}


def text(rows, seconds):
    lines = ["", f"two flows on one {MBIT} Mbit/s link, without loss, over {seconds:g} s",
             f"  {'RTT':>7}{'queue':>9}  {'':28}{'share':>7}{'min':>7}{'max':>7}{'first':>8}"
             f"{'second':>8} Mbit/s{'queue p50':>11}{'p99 ms':>8}"]
    return lines + [f"  {row['rtt_ms']:4} ms{row['queue_bdp']:5g} BDP  {row['name']:28}"
                    f"{row['share']:7.2f}{row['share_min']:7.2f}{row['share_max']:7.2f}"
                    f"{row['first']:8.1f}{row['second']:8.1f} Mbit/s"
                    f"{row['queue_p50_ms']:11.1f}{row['queue_p99_ms']:8.1f}" for row in rows]
