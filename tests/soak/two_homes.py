"""alice and bob, each behind a NAT router of the kernel's own, a rendezvous between them, and what
happens to such networks: a router forgets its mappings, or gets another address, or nothing passes.

The picture is scripts/netns_lab's, topology two-nats. alice's uplink has a rate and a short queue.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/vnet"))

from virtual_lab import Failure, Program  # noqa: E402

NETNS_LAB = ROOT / "scripts/netns_lab"
SERVER = "198.51.100.10"
PREFIX = "soak"
# Of alice's uplink. A datagram waits no longer than this.
QUEUE = "10ms"
# Each rebinding has ports of its own, so that no mapping is found again.
FIRST_PORT = 20000
PORTS = 500
HOMES = {"alice": ("nata", "192.0.2"), "bob": ("natb", "203.0.113")}

# What bob's router and the core count of the bytes that are on their way from alice to bob and do
# not arrive: the router does not know the sender, the address is nobody's any more, all is dark.
WATCH = {
    "natb": f"""
table inet watch {{
    counter lost {{ }}
    chain input {{
        type filter hook input priority filter - 1;
        iifname "wan" ip saddr != {SERVER} ct state new meta l4proto udp counter name lost
    }}
}}
""",
    "core": """
table inet watch {
    counter lost { }
    set gone { type ipv4_addr; }
    chain forward {
        type filter hook forward priority filter - 1;
        iifname "a" ip daddr @gone counter name lost
        ip daddr @gone drop
    }
}
"""}
BLACKOUT = """
add chain inet watch dark { type filter hook forward priority filter; }
add rule inet watch dark iifname "a" oifname "b" counter name lost
add rule inet watch dark drop
"""
MAPPING = """
flush chain ip nat post
add rule ip nat post oifname "wan" meta l4proto udp masquerade to :{first}-{last}
add rule ip nat post oifname "wan" masquerade
"""


class TwoHomes:
    """A network that is up, as a context manager. Everything runs inside `netns_lab enter`."""

    def __init__(self, rate):
        self.rate = rate
        self.programs = []
        self.work = None
        self._rebindings = 0
        self._hosts = {home: 10 for home in HOMES}

    def __enter__(self):
        try:
            self._lab("up", "two-nats")
            self.work = pathlib.Path(tempfile.mkdtemp(prefix="pinhole-soak-"))
            self.run("nata", "tc", "qdisc", "add", "dev", "wan", "root", "tbf", "rate", self.rate,
                     "burst", "64kb", "latency", QUEUE)
            for name, rules in WATCH.items():
                self._rules(name, rules)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()
        subprocess.run([NETNS_LAB, "down", "--prefix", PREFIX], check=False)
        if self.work:
            shutil.rmtree(self.work, ignore_errors=True)

    def start(self, host, argv, home):
        """Starts a program. Who has the same `home` is the same user."""
        folder = self.work / home
        folder.mkdir(exist_ok=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith("PINHOLE_")}
        env |= {name: str(folder) for name in (
            "HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")}
        self.programs.append(Program(f"{home}-{len(self.programs)}", [
            "ip", "netns", "exec", PREFIX + host, *argv], env))
        return self.programs[-1]

    def black_out(self):
        """From now on the core forwards nothing."""
        self._rules("core", BLACKOUT)

    def light_up(self):
        self._rules("core", "flush chain inet watch dark\ndelete chain inet watch dark\n")

    def map_anew(self, host):
        """The router of that host forgets its mappings, and maps to other ports."""
        first = FIRST_PORT + PORTS * self._rebindings
        self._rebindings += 1
        router, _ = HOMES[host]
        self._rules(router, MAPPING.format(first=first, last=first + PORTS - 1))
        self._give_address(host, self._hosts[host])

    def readdress(self, host):
        """The router of that host gets another address; what was mapped to the old one is gone."""
        self._rules("core", f"add element inet watch gone {{ {self._address(host)} }}\n")
        self._give_address(host, self._hosts[host] + 1)

    def lost(self):
        """IP bytes so far on their way from alice to bob that a cut kept from arriving."""
        said = "".join(self.run(name, "nft", "list", "counter", "inet", "watch", "lost")
                       for name in WATCH)
        return sum(int(number) for number in re.findall(r"bytes (\d+)", said))

    def log(self):
        """What all programs said, but for how far they were each second."""
        lines = "\n".join(program.log() for program in self.programs).splitlines()
        return "\n".join(line for line in lines if '"event":"progress"' not in line)

    def run(self, name, *argv, text=None):
        done = subprocess.run(["ip", "netns", "exec", PREFIX + name, *argv], input=text,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{name}: {' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout

    def _address(self, host):
        return f"{HOMES[host][1]}.{self._hosts[host]}"

    def _give_address(self, host, number):
        # With an address the kernel forgets the mappings to it, and the routes by it.
        router, subnet = HOMES[host]
        self.run(router, "ip", "address", "del", f"{self._address(host)}/24", "dev", "wan")
        self._hosts[host] = number
        self.run(router, "ip", "address", "add", f"{self._address(host)}/24", "dev", "wan")
        self.run(router, "ip", "route", "replace", "default", "via", f"{subnet}.1")

    def _rules(self, name, text):
        self.run(name, "nft", "-f", "-", text=text)

    def _lab(self, *words):
        done = subprocess.run([NETNS_LAB, *words, "--prefix", PREFIX], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failure(done.stderr.strip())
