"""One core of the rendezvous, beside a bare UDP echo on the same core."""

from runs import interleave, median, run

# So many registrations a second are the least that a run is given time for.
REGISTRATIONS_PER_SECOND = 500


def measure(programs, runs, seconds, counts):
    """One row for each number of registered peers."""
    rows = []
    for count in counts:
        limit = 4 * seconds + count / REGISTRATIONS_PER_SECOND
        results = interleave({count: [programs / "rendezvous_load", count, seconds]}, runs,
                             lambda command: run(command, limit))[count]
        echo = median(results, "echo", "per_cpu_second")
        rows.append({
            "peers": count,
            "echo": echo,
            "keepalives": median(results, "keepalive", "per_cpu_second"),
            "ratio": median(results, "keepalive", "per_cpu_second") / echo,
            "registrations": median(results, "register", "per_cpu_second"),
            "returns": median(results, "reregister", "per_cpu_second"),
            "bytes_per_peer": median(results, "memory", "bytes_per_peer"),
            "mib": median(results, "memory", "mib"),
            "introduction_p99_ms": median(results, "introductions", "p99_ms"),
        })
    return rows


def text(rows):
    lines = ["", "rendezvous, a second of one core's time; one keepalive of three is acknowledged",
             f"  {'peers':>9}{'/ echo':>8}{'keepalives':>12}{'echo':>10}{'new':>8}{'again':>8}"
             f"{'bytes/peer':>12}{'MiB':>8}{'introduction p99':>19}"]
    return lines + [
        f"  {row['peers']:9,}{row['ratio']:8.2f}{row['keepalives']:12,.0f}{row['echo']:10,.0f}"
        f"{row['registrations']:8,.0f}{row['returns']:8,.0f}{row['bytes_per_peer']:12,.0f}"
        f"{row['mib']:8.1f}{row['introduction_p99_ms']:16.1f} ms" for row in rows]
