#!/usr/bin/python3
"""scripts/lab as people use it: what it prints, what it returns, and that nothing is left behind
whatever happens to it."""

import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import grid
from peers import Outcome
from virtual_lab import REFUSED, ROOT, TOPOLOGIES

LAB = ROOT / "scripts/lab"
SECONDS = 90


def programs_folder(scratch):
    """A build directory's shape around the programs that ctest names."""
    for place, name in (("tests/vnet/vnet", "PINHOLE_VNET"), ("peer/peer", "PINHOLE_PEER"),
                        ("rendezvous/rendezvous", "PINHOLE_RENDEZVOUS")):
        path = pathlib.Path(scratch) / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.environ[name])
    return scratch


def processes_of(prefix):
    """The ids of the processes whose command line holds the lab's prefix."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if prefix.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def datagrams_of(path):
    """(source address, payload) of every UDP datagram in a pcap file of raw IPv4."""
    raw = path.read_bytes()
    magic, major, minor, _, _, _, link_type = struct.unpack_from(">IHHIIII", raw)
    assert (magic, major, minor, link_type) == (0xa1b2c3d4, 2, 4, 101), path
    at, clock = 24, 0
    while at < len(raw):
        seconds, micros, kept, size = struct.unpack_from(">IIII", raw, at)
        assert kept == size and abs(seconds - time.time()) < 600 and micros < 1_000_000, path
        assert seconds + micros / 1e6 >= clock - 1e-6, f"{path}: time goes back"
        clock = seconds + micros / 1e6
        packet = raw[at + 16:at + 16 + kept]
        assert len(packet) == kept, f"{path} ends within a packet"
        at += 16 + kept
        if packet[0] == 0x45 and packet[9] == socket.IPPROTO_UDP:
            yield socket.inet_ntoa(packet[12:16]), packet[28:]


class Theory(unittest.TestCase):
    def test_first_spray_has_the_odds_of_the_design(self):
        for pair, options, odds in (
                (("eim_apdf", "apdm_random"), (), 0.99964),
                (("apdm_random", "eim_apdf"), (), 0.99964),
                (("linux_masquerade_random",) * 2, ("--low-ports",), 0.99707)):
            self.assertAlmostEqual(grid.first_spray_theory(pair, options), odds, places=5)

    def test_pairs_that_guess_nothing_have_none(self):
        for pair in (("open", "apdm_random"), ("eim_eif", "apdm_random"), ("eim_apdf", "eim_apdf"),
                     ("apdm_random", "apdm_random")):
            self.assertIsNone(grid.first_spray_theory(pair, ()))

    def test_a_row_counts_only_guessing_runs(self):
        cell = grid.Cell(grid.Expectation(("eim_apdf", "apdm_random"), "direct"))
        for guesses in (1, 1, 2, 0):
            cell.outcomes.append(Outcome("direct", "", 1.0, 500, guesses))
        self.assertTrue(cell.row().endswith("| 2/3 = 66.67% | 99.96% |"), cell.row())


class LabCommand(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.command = [LAB, "--programs", programs_folder(scratch.name)]

    def lab(self, *words):
        return subprocess.run([*self.command, *words], capture_output=True, text=True,
                              timeout=SECONDS, check=False)

    def test_lists_every_topology_with_what_it_is(self):
        said = self.lab("--list").stdout
        for path in TOPOLOGIES.glob("*.vnet"):
            self.assertRegex(said, rf"(?m)^{path.stem}\n    \S")

    def test_lists_profiles_that_vnet_knows(self):
        names = self.lab("--profiles").stdout.split()
        self.assertIn("apdm_random", names)
        for name in names:
            checked = subprocess.run(
                [os.environ["PINHOLE_VNET"], "--check", TOPOLOGIES / "two-homes.vnet", "--set",
                 f"a={name}"], capture_output=True, text=True, check=False)
            self.assertTrue(checked.returncode == 0 or "routed=" in checked.stderr, checked.stderr)

    def test_chat_says_who_connected_how(self):
        done = self.lab("two-homes", "--a", "none", "--b", "eim_apdf")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^alice +bob +direct +203\.0\.113\.10:\d+ +selected ")
        self.assertRegex(done.stdout, r"(?m)^bob +alice +direct +192\.0\.2\.6\d:\d+ +selected ")
        self.assertIn("both said hello", done.stdout)

    def test_command_runs_on_both_and_its_status_counts(self):
        done = self.lab("same-lan", "--", "sh", "-c",
                        "echo I am $PINHOLE_ID via $PINHOLE_VIA; test $PINHOLE_ID = alice || exit 3")
        self.assertIn("alice | I am alice via 198.51.100.10", done.stdout)
        self.assertIn("bob | I am bob via 198.51.100.10", done.stdout)
        self.assertEqual(done.returncode, 3)

    def test_pcap_has_each_datagram_at_both_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.lab("two-homes", "--pcap", folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"packets in {folder}", done.stdout)
            names = {path.stem for path in pathlib.Path(folder).iterdir()}
            self.assertEqual(names, {"alice", "bob", "srv", "home_a", "home_b"})
            caught = {name: list(datagrams_of(pathlib.Path(folder) / f"{name}.pcap"))
                      for name in names}
        for speaker, her_home, listener in (("alice", "192.0.2.10", "bob"),
                                            ("bob", "203.0.113.10", "alice")):
            said = {payload for source, payload in caught[speaker] if source.startswith("192.168.")}
            heard = [payload for source, payload in caught[listener] if source == her_home]
            self.assertGreater(len(heard), 10, listener)
            self.assertLessEqual(set(heard), said, f"{listener} hears what {speaker} never said")

    def test_mistakes_are_explained(self):
        for words, complaint in ((["no-such"], "there is no topology no-such"),
                                 (["two-homes", "--a", "cone"], "\"cone\" is not a profile"),
                                 (["same-lan", "--b", "none"], "there is no param b")):
            done = self.lab(*words)
            self.assertEqual(done.returncode, 1)
            self.assertIn(complaint, done.stderr)

    def end_by(self, number):
        """Starts a lab that stays up, ends it by a signal; its status."""
        with subprocess.Popen([*self.command, "two-homes", "--keep"], stdout=subprocess.PIPE,
                              text=True) as lab:
            said = ""
            while "stays up" not in said:
                line = lab.stdout.readline()
                self.assertTrue(line, said)
                said += line
            prefix = f"pv-{lab.pid}-"
            self.assertTrue(processes_of(prefix), "vnet and the programs run")
            lab.send_signal(number)
            status = lab.wait(20)
        deadline = time.monotonic() + 10
        while processes_of(prefix) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(processes_of(prefix), [])
        names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
        self.assertNotIn(prefix, names.stdout)
        return status

    def test_interrupt_leaves_nothing_behind(self):
        self.assertEqual(self.end_by(signal.SIGINT), 128 + signal.SIGINT)

    def test_even_a_kill_leaves_nothing_behind(self):
        self.assertEqual(self.end_by(signal.SIGKILL), -signal.SIGKILL)


if __name__ == "__main__":
    probe = subprocess.run([ROOT / "scripts/netns_lab", "probe"], capture_output=True, text=True,
                           check=False)
    if probe.returncode == REFUSED:
        print(f"skipped: {probe.stdout.strip()}")
        sys.exit(REFUSED)
    unittest.main(verbosity=2)
