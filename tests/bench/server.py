"""One core of the rendezvous, beside a bare UDP echo on the same core."""

import pathlib
import tempfile

from runs import interleave, median, run

# So many registrations a second are the least that a run is given time for.
REGISTRATIONS_PER_SECOND = 500

# What it is called here, and the line that the program prints.
COSTS = {"new": "register", "last_new": "register_last", "new_on_disk": "register_durable",
         "again": "reregister", "keepalives": "keepalive", "each_answered": "keepalive_answered",
         "echo": "echo"}


def measure(programs, runs, seconds, counts):
    """One row for each number of registered peers."""
    rows = []
    for count in counts:
        limit = 10 * seconds + count / REGISTRATIONS_PER_SECOND
        # Where the programs are, because what is called temporary is often no disk.
        with tempfile.TemporaryDirectory(dir=programs) as state:
            folder = pathlib.Path(state) / "state"
            command = [programs / "rendezvous_load", count, seconds, folder]
            results = interleave({count: command}, runs, lambda one: run(one, limit))[count]
        rows.append(row_of(count, results))
    return rows


def row_of(count, results):
    row = {"peers": count}
    for name, line in COSTS.items():
        row[name] = {"per_cpu_second": median(results, line, "per_cpu_second"),
                     "per_second": median(results, line, "per_second"),
                     "cpu_us": median(results, line, "us")}
    echo = row["echo"]["per_cpu_second"]
    row["ratio"] = row["keepalives"]["per_cpu_second"] / echo
    row["ratio_each_answered"] = row["each_answered"]["per_cpu_second"] / echo
    for figure in ("bytes_per_peer", "mib", "peak_mib"):
        row[figure] = median(results, "memory", figure)
    row["disk"] = {figure: median(results, "disk", figure)
                   for figure in ("sync_ms", "registrations_per_sync")}
    for name in ("introductions", "introductions_among_returns"):
        row[name] = {figure: median(results, name, figure)
                     for figure in ("p50_ms", "p99_ms", "max_ms", "cpu", "waited")}
    return row


def text(rows):
    lines = ["", "rendezvous, for each second of its core's time; one keepalive of three is answered",
             f"  {'peers':>9}{'/ echo':>8}{'keepalives':>12}{'each answered':>15}{'echo':>9}"
             f"{'new':>7}{'again':>7}{'on disk':>9}{'bytes/peer':>12}{'MiB':>7}{'most MiB':>10}"]
    lines += [
        f"  {row['peers']:9,}{row['ratio']:8.2f}{rate(row, 'keepalives'):>12}"
        f"{rate(row, 'each_answered'):>15}{rate(row, 'echo'):>9}{rate(row, 'new'):>7}"
        f"{rate(row, 'again'):>7}{rate(row, 'new_on_disk'):>9}{row['bytes_per_peer']:12,.0f}"
        f"{row['mib']:7.1f}{row['peak_mib']:10.1f}" for row in rows]
    lines += ["", "  CPU time of one, us", f"  {'peers':>9}" + "".join(
        f"{name.replace('_', ' '):>15}" for name in COSTS)]
    lines += [f"  {row['peers']:9,}" + "".join(f"{cost(row, name):>15}" for name in COSTS)
              for row in rows]
    lines += ["", "  introductions at half of that load, ms; waited: the share of the time in which"
              " other programs had the two cores",
              f"  {'peers':>9}{'beside keepalives: p50':>24}{'p99':>8}{'waited':>8}"
              f"{'and returns: p50':>20}{'p99':>8}{'waited':>8}{'disk sync':>12}{'ids a sync':>12}"]
    return lines + [
        f"  {row['peers']:9,}" + introduced(row["introductions"], 24)
        + introduced(row["introductions_among_returns"], 20)
        + f"{number(row['disk']['sync_ms'], 1):>9} ms"
        + f"{number(row['disk']['registrations_per_sync'], 1):>12}" for row in rows]


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def rate(row, name):
    return number(row[name]["per_cpu_second"], 0)


def cost(row, name):
    return number(row[name]["cpu_us"], 2)


def introduced(times, width):
    return (f"{number(times['p50_ms'], 2):>{width}}{number(times['p99_ms'], 2):>8}"
            f"{number(times['waited'], 2):>8}")
