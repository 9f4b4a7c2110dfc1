#!/usr/bin/python3
"""Do programs that others wrote find in our NATs what we say is in them?

Two judges, each with a server of its own: turnutils_natdiscovery asks coturn what RFC 5780 asks,
stun asks stund what RFC 3489 asks. They look at all NATs side by side, since most of their time
goes by waiting for what a NAT does not let in."""

import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

from virtual_lab import (
    REFUSED, SERVER, Lab, Refused, end_on_signals, enter_own_network)

SECOND_SERVER = "198.51.100.11"
# Where scripts/setup unpacks them.
UNPACKED = pathlib.Path("/usr/local/lib/pinhole-test/usr")
STUND_PORT, COTURN_PORT = 3478, 3480  # each uses the next one, too
START_SECONDS = 10
# natdiscovery waits up to 13 s for what never comes.
JUDGE_SECONDS = 45

MAPPINGS = {"EIM": "Endpoint Independent", "ADM": "Address Dependent",
            "APDM": "Address and Port Dependent"}
FILTERS = {"EIF": "Endpoint Independent", "ADF": "Address Dependent",
           "APDF": "Address and Port Dependent"}
# RFC 3489 knows no more of a mapping than that it depends.
STUN_FILTERS = {"EIF": "Independent Filter", "ADF": "Address Dependent Filter",
                "APDF": "Port Dependent Filter"}


@dataclasses.dataclass(frozen=True)
class Nat:
    """What a NAT is told to be, and so what the judges must say."""

    mapping: str
    filtering: str
    hairpin: str = "0"
    alloc: str = "preserve"
    options: str = ""  # instead of the above, which then say what these words mean

    def words(self):
        return self.options or (f"map={self.mapping} filter={self.filtering} "
                                f"hairpin={self.hairpin} alloc={self.alloc}")

    def turns_a_strangers_packet(self):
        """Is a request of a second socket let in from inside?"""
        return self.hairpin == "1" or self.hairpin == "filtered" and self.filtering == "EIF"

    def turns_own_packet(self):
        """A request to the own mapped endpoint: where the mapping stays the same, it has opened the
        way for itself."""
        return self.turns_a_strangers_packet() or (
            self.hairpin == "filtered" and self.mapping == "EIM")

    def natdiscovery_says(self):
        out = {f"NAT with {MAPPINGS[self.mapping]} Mapping!",
               f"NAT with {FILTERS[self.filtering]} Filtering!"}
        if self.turns_a_strangers_packet():
            out.add("Received a request (maybe a successful hairpinning)")
        return out

    def stun_says(self):
        mapping = ("Independent Mapping, " + STUN_FILTERS[self.filtering]
                   if self.mapping == "EIM" else "Dependent Mapping")
        ports = "preserves ports" if self.alloc == "preserve" else "random port"
        hairpin = "will hairpin" if self.turns_own_packet() else "no hairpin"
        return f"Primary: {mapping}, {ports}, {hairpin}"


NATS = [
    *(Nat(mapping, filtering, hairpin, alloc)
      for hairpin, alloc in (("0", "preserve"), ("1", "seq"), ("filtered", "random"))
      for mapping in MAPPINGS for filtering in FILTERS),
    Nat("EIM", "APDF", options="profile=linux_masquerade"),
    Nat("EIM", "APDF", options="profile=linux_masquerade_input_drop"),
    Nat("APDM", "APDF", alloc="random", options="profile=linux_masquerade_random"),
]


def topology():
    """A home with one machine for each NAT, and the server with two addresses."""
    lines = ["core hops=3", f"host srv at inet ip={SERVER},{SECOND_SERVER}"]
    for number, nat in enumerate(NATS, start=10):
        lines += [f"nat nat{number} at inet wan=192.0.2.{number} lan=192.168.{number}.1/24 "
                  + nat.words(), f"host host{number} at nat{number}"]
    return "\n".join(lines) + "\n"


def program(name):
    """Its path, or None."""
    places = [str(UNPACKED / "bin"), str(UNPACKED / "sbin"), "/usr/bin", "/usr/sbin"]
    return shutil.which(name, path=os.pathsep.join(places))


PROGRAMS = {name: program(name)
            for name in ("turnserver", "turnutils_natdiscovery", "stund", "stun")}


class Judges(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        path = pathlib.Path(scratch.name) / "judges.vnet"
        path.write_text(topology(), encoding="utf-8")
        self.lab = Lab(path, os.environ["PINHOLE_VNET"])
        self.lab.__enter__()
        self.addCleanup(self.lab.__exit__)

    def serve(self, name, argv, port):
        """Starts a STUN server on both addresses, and waits until all four endpoints answer."""
        server = self.lab.start("srv", argv, name=name)
        request = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
        for endpoint in ((ip, port + more) for ip in (SERVER, SECOND_SERVER) for more in (0, 1)):
            with self.lab.socket("srv", (SERVER, 0)) as asker:
                asker.settimeout(0.1)
                deadline = time.monotonic() + START_SECONDS
                while not self.answers(asker, endpoint, request):
                    self.assertLess(time.monotonic(), deadline, server.log())

    @staticmethod
    def answers(asker, endpoint, request):
        asker.sendto(request, endpoint)
        try:
            return asker.recvfrom(2000)[1] == endpoint
        except TimeoutError:
            return False

    def verdicts(self, name, argv):
        """What a judge prints behind each NAT, all of them asking at once."""
        running = [self.lab.start(f"host{number}", argv, name=f"{name}{number}")
                   for number, _ in enumerate(NATS, start=10)]
        for judge in running:
            self.assertIsNotNone(judge.wait_for_end(JUDGE_SECONDS), judge.log())
        return [(judge, [text.strip() for _at, _kind, text in judge.lines]) for judge in running]

    def test_rfc_5780_judge_agrees_on_every_nat(self):
        self.serve("coturn", [
            PROGRAMS["turnserver"], "-n", "--no-auth", "--stun-only", "-L", SERVER, "-L",
            SECOND_SERVER, "-p", COTURN_PORT, "--no-cli", "--no-tls", "--no-dtls", "--no-tcp",
            "--log-file", "stdout", "--pidfile", self.lab.work / "coturn.pid", "--userdb",
            self.lab.work / "coturn.db"], COTURN_PORT)
        verdicts = self.verdicts("natdiscovery", [
            PROGRAMS["turnutils_natdiscovery"], "-m", "-f", "-H", "-p", COTURN_PORT, SERVER])
        known = set().union(*(nat.natdiscovery_says() for nat in NATS))
        for nat, (judge, lines) in zip(NATS, verdicts, strict=True):
            with self.subTest(nat=nat.words()):
                self.assertEqual(known & set(lines), nat.natdiscovery_says(), judge.log())

    def test_rfc_3489_judge_agrees_on_every_nat(self):
        self.serve("stund", [PROGRAMS["stund"], "-h", SERVER, "-a", SECOND_SERVER, "-p",
                             STUND_PORT, "-o", STUND_PORT + 1], STUND_PORT)
        verdicts = self.verdicts("stun", [PROGRAMS["stun"], SERVER])
        for nat, (judge, lines) in zip(NATS, verdicts, strict=True):
            with self.subTest(nat=nat.words()):
                self.assertIn(nat.stun_says(), lines, judge.log())


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(REFUSED)


if __name__ == "__main__":
    absent = [name for name, path in PROGRAMS.items() if path is None]
    if absent:
        skip(f"{', '.join(absent)} not found; scripts/setup unpacks coturn, stun-server and "
             f"stun-client into {UNPACKED.parent}")
    enter_own_network()
    end_on_signals()
    with tempfile.NamedTemporaryFile("w", suffix=".vnet", encoding="utf-8") as small:
        small.write("host srv at inet ip=198.51.100.10\n")
        small.flush()
        try:
            with Lab(small.name, os.environ["PINHOLE_VNET"]):
                pass
        except Refused as refused:
            skip(refused)
    unittest.main(verbosity=2)
