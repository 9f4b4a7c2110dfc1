"""Two processes on one machine: what the code costs, since the way costs next to nothing."""

import subprocess

from runs import interleave, median, run

# The nodes need an address that is a candidate; traffic to it still takes the loopback path.
ADDRESS = "10.77.0.1"


def prepare():
    for command in (["ip", "link", "set", "lo", "up"],
                    ["ip", "link", "add", "bench0", "type", "veth", "peer", "name", "bench1"],
                    ["ip", "address", "add", f"{ADDRESS}/24", "dev", "bench0"],
                    ["ip", "link", "set", "bench0", "up"],
                    ["ip", "link", "set", "bench1", "up"]):
        subprocess.run(command, check=True)


def measure(programs, runs, seconds):
    """The rows of the loopback table, each with its figures and its ratio to stock ENet."""
    prepare()
    stock = [programs / "stock_enet"]
    sealed = [programs / "sealed_enet", "--at", ADDRESS]
    bulk = {
        "stock ENet, plaintext": stock,
        "Pinhole, AES-256-GCM": sealed,
        "Pinhole, ChaCha20-Poly1305": sealed + ["--chacha"],
        "raw sendmmsg, 1200 bytes, plaintext": [programs / "raw_udp"],
        "kernel TCP, plaintext": [programs / "tcp_stream"],
    }
    pair = {name: bulk[name] for name in list(bulk)[:2]}
    rows = []
    rows += table("64 KiB reliable messages", bulk, runs, seconds, ["--ahead", 4 << 20],
                  ("receive", "mbit_per_s"), "Mbit/s")
    rows += table("64 B reliable messages", pair, runs, seconds, ["--size", 64, "--ahead", 1 << 18],
                  ("receive", "messages_per_s"), "messages/s")
    rows += table("request and response, 64 B", pair, runs, seconds, ["--size", 0, "--probe", 0],
                  ("probe", "p50_us"), "us, p50")
    return rows


def table(what, candidates, runs, seconds, options, figure, unit):
    def one_run(command):
        return run([*command, "--seconds", seconds, *options], seconds)

    results = interleave(candidates, runs, one_run)
    base = median(results[next(iter(results))], *figure)
    return [{
        "what": what,
        "name": name,
        "unit": unit,
        "median": median(of, *figure),
        "ratio": median(of, *figure) / base,
        "cpu_send": median(of, "send", "cpu_per_gib"),
        "cpu_receive": median(of, "receive", "cpu_per_gib"),
        "memory_send_mib": median(of, "send", "memory_mib"),
        "memory_receive_mib": median(of, "receive", "memory_mib"),
    } for name, of in results.items()]


def text(rows):
    lines = []
    for what in dict.fromkeys(row["what"] for row in rows):
        of = [row for row in rows if row["what"] == what]
        lines += ["", f"{what:40}{'/ stock':>8}  {of[0]['unit']:>12}{'CPU s/GiB send':>16}"
                      f"{'receive':>9}{'MiB send':>11}{'receive':>9}"]
        lines += [f"  {row['name']:38}{row['ratio']:8.2f}  {row['median']:12,.0f}"
                  f"{number(row['cpu_send'], 16)}{number(row['cpu_receive'], 9)}"
                  f"{number(row['memory_send_mib'], 11)}{number(row['memory_receive_mib'], 9)}"
                  for row in of]
    return lines


def number(value, width):
    return f"{value:{width}.1f}" if value else " " * width
