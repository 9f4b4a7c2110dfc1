#!/usr/bin/python3
"""The real programs on every topology, and what happens to a talk when the network changes under
it: the connection must not notice."""

import os
import subprocess
import sys
import time
import unittest

from peers import ChatPeer, Programs, settle, start_rendezvous, talk
from virtual_lab import (
    REFUSED, Failure, Lab, Refused, end_on_signals, enter_own_network, topology_path)

DIRECT_SECONDS = 60
# Silence has to be noticed, then a way found; the relay carries texts meanwhile.
RECOVERY_SECONDS = 100

# How alice and bob are connected in the end, and a piece of the endpoint at which bob meets alice.
OUTCOMES = {
    "two-homes": ("direct", "192.0.2.10:"),
    "same-lan": ("direct", "192.168.11.2:"),
    "cgn-over-home": ("direct", "192.0.2.10:"),
    "cgn-neighbours": ("relay no_hairpin", ""),
    "udp-blocked": ("relay peer_udp_blocked udp_blocked", ""),
    "ipv6-firewalls": ("direct", "[2001:db8:a::"),
    "satellite": ("direct", "192.0.2.10:"),
    "lossy-mobile": ("direct", "192.0.2.10:"),
    "wifi-and-mobile": ("direct", "192.0.2.10:"),
    "narrow-link": ("direct", "192.0.2.10:"),
}


class Scenario(unittest.TestCase):
    def bring_up(self, topology):
        """alice and bob, who calls her, in a topology; how they are connected."""
        programs = Programs.from_environment()
        self.lab = Lab(topology_path(topology), programs.vnet)
        self.lab.__enter__()
        self.addCleanup(self.lab.__exit__)
        start_rendezvous(self.lab, programs)
        self.alice = ChatPeer(self.lab, programs, "alice")
        self.alice.wait_until_registered()
        self.bob = ChatPeer(self.lab, programs, "bob", calls=["alice"])
        begin = self.bob.wait_until_registered()
        self.peers = (self.alice, self.bob)
        expected = OUTCOMES[topology][0]
        outcome = settle(self.lab, self.peers, begin, seconds=DIRECT_SECONDS, expected=expected)
        self.assertEqual(str(outcome), expected, self.lab.log())

    def talk(self, seconds=15):
        try:
            talk(self.peers, seconds)
        except Failure as failure:
            self.fail(f"{failure}\n{self.lab.log()}\n{self.lab.tell('stats')}")

    def recovers(self, what, bob_meets_her_at=""):
        """Texts arrive at once by some way, then directly again, and it is still the same
        connection; prints how long it took. They go on talking all the time."""
        before = self.bob.path()["remote"]
        begin = time.monotonic()
        self.talk()
        talked = time.monotonic() - begin
        while not self.is_direct(before, bob_meets_her_at):
            self.assertLess(time.monotonic() - begin, RECOVERY_SECONDS, self.lab.log())
            self.talk()
            time.sleep(0.2)
        print(f"{what}: texts after {talked:.1f} s, direct after {time.monotonic() - begin:.1f} s")
        self.talk()
        for peer in self.peers:
            self.assertEqual(sum(1 for _ in peer.events(event="connected")), 1, self.lab.log())
            self.assertEqual(sum(1 for _ in peer.events(event="closed")), 0, self.lab.log())

    def is_direct(self, before, bob_meets_her_at):
        """Both directly; bob not at the endpoint of before if another place is named."""
        remote = self.bob.path().get("remote", "")
        has_moved = not bob_meets_her_at or remote != before and bob_meets_her_at in remote
        return has_moved and all(peer.path().get("path") == "direct" for peer in self.peers)


class Topologies(Scenario):
    def test_every_topology_ends_as_expected(self):
        for topology, (_, met_at) in OUTCOMES.items():
            with self.subTest(topology=topology):
                try:
                    self.bring_up(topology)
                    self.talk()
                    self.assertIn(met_at, self.bob.path().get("remote", ""))
                finally:
                    self.doCleanups()


class Changes(Scenario):
    def test_router_reboots(self):
        self.bring_up("two-homes")
        self.lab.tell("set home_a alloc=random")
        self.lab.tell("reboot home_a")
        self.recovers("router rebooted, other ports", "192.0.2.10:")

    def test_provider_changes_the_address(self):
        self.bring_up("two-homes")
        self.lab.tell("wan home_a 192.0.2.99")
        self.recovers("other address", "192.0.2.99:")

    def test_alice_leaves_her_wifi(self):
        self.bring_up("wifi-and-mobile")
        subprocess.run(["ip", "-n", self.lab.prefix + "alice", "link", "set", "eth0", "down"],
                       check=True)
        self.recovers("Wi-Fi to mobile", "192.0.2.200:")

    def test_path_becomes_a_black_hole_for_large_packets(self):
        self.bring_up("two-homes")
        self.lab.tell("set home_a mtu=1280 icmp=off fragments=drop")
        text = "long " * 1600
        for speaker, listener in (self.peers, self.peers[::-1]):
            speaker.say(text.strip())
            self.assertIsNotNone(
                listener.wait_for(15, event="message", peer=speaker.name, text=text.strip()),
                self.lab.log())
        self.recovers("no more than 1280 bytes")

    def test_short_blackout(self):
        self.bring_up("two-homes")
        self.lab.tell("set home_a link=down")
        time.sleep(4)
        self.lab.tell("set home_a link=up")
        self.recovers("4 s of silence")


if __name__ == "__main__":
    enter_own_network()
    end_on_signals()
    try:
        with Lab(topology_path("same-lan"), os.environ["PINHOLE_VNET"]):
            pass
    except Refused as refused:
        print(f"skipped: {refused}", file=sys.stderr)
        sys.exit(REFUSED)
    unittest.main(verbosity=2)
