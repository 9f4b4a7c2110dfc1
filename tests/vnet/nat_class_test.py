#!/usr/bin/python3
"""Is the virtual internet what it says it is, seen through real sockets on real kernels?

One prober asks what RFC 5780 asks, of all nine classes of NATs; the others look at what else
programs rely on: hops, ICMP errors, TCP, delays, reboots."""

import contextlib
import os
import socket
import struct
import time
import unittest

from virtual_lab import (
    SERVER, end_on_signals, enter_own_network, lab_of_module, topology_path)

SECOND_SERVER = "198.51.100.11"
PORTS = (4000, 4001)
WAN = "192.0.2.10"
PATIENCE = 5
SILENCE = 0.3
# linux/in.h; Python does not name them.
IP_RECVERR = 11
IP_RECVTTL = 12
# errqueue.h: sock_extended_err.ee_type of an ICMP error is the type of the ICMP message.
TIME_EXCEEDED = 11

lab = None


def setUpModule():  # noqa: N802, the name is unittest's
    global lab  # one internet for all tests: they change its NAT and reboot it
    lab = lab_of_module(topology_path("two-homes"))


class VirtualInternet(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        lab.tell("set home_a profile=eim_apdf")
        lab.tell("set alice loss=0 delay=5ms")
        lab.tell(f"wan home_a {WAN}")

    def open(self, host, address, kind=socket.SOCK_DGRAM):
        made = self.stack.enter_context(lab.socket(host, address, kind))
        made.settimeout(PATIENCE)
        return made

    def alice(self, port=0):
        return self.open("alice", ("192.168.11.2", port))

    def server(self, ip=SERVER, port=PORTS[0]):
        return self.open("srv", (ip, port))

    def hears(self, sock, text):
        """Asserts that this comes next; where it came from."""
        heard, source = sock.recvfrom(2000)
        self.assertEqual(heard, text)
        return source

    def hears_nothing(self, sock):
        sock.settimeout(SILENCE)
        with self.assertRaises(TimeoutError):
            sock.recvfrom(2000)
        sock.settimeout(PATIENCE)

    def seen_from(self, sock, server, text=b"who am I"):
        sock.sendto(text, server.getsockname())
        return self.hears(server, text)


class NatClasses(VirtualInternet):
    MAPPINGS = {"EIM": (True, True), "ADM": (True, False), "APDM": (False, False)}
    FILTERS = {"EIF": [b"other address", b"other port"], "ADF": [b"other port"], "APDF": []}

    def test_nine_classes_are_what_they_are_called(self):
        servers = [self.server(ip, port) for ip in (SERVER, SECOND_SERVER) for port in PORTS]
        same, other_port, other_address, _ = servers
        for mapping, (port_alike, address_alike) in self.MAPPINGS.items():
            for filtering, let_in in self.FILTERS.items():
                for allocation in ("preserve", "seq", "random"):
                    with self.subTest(mapping=mapping, filtering=filtering, allocation=allocation):
                        lab.tell(f"set home_a map={mapping} filter={filtering} alloc={allocation}")
                        lab.tell("reboot home_a")
                        alice = self.alice()
                        mapped = self.seen_from(alice, same)
                        self.assertEqual(mapped[0], WAN)
                        self.assertEqual(self.seen_from(alice, other_port) == mapped, port_alike)
                        self.assertEqual(
                            self.seen_from(alice, other_address) == mapped, address_alike)
                        # Afresh, since alice has just opened the way for all of them.
                        self.filters((other_address, other_port, same), let_in)

    def filters(self, servers, let_in):
        """What comes last is always let in, so whatever has not arrived by then never will."""
        alice = self.alice()
        mapped = self.seen_from(alice, servers[-1])
        texts = (b"other address", b"other port", b"same")
        for server, text in zip(servers, texts, strict=True):
            server.sendto(text, mapped)
        for text in [*let_in, b"same"]:
            self.hears(alice, text)

    def test_allocation_preserves_counts_or_scatters(self):
        server = self.server()
        lab.tell("set home_a alloc=preserve")
        lab.tell("reboot home_a")
        self.assertEqual(self.seen_from(self.alice(41000), server)[1], 41000)
        lab.tell("set home_a alloc=seq step=2 ports=20000-29999")
        lab.tell("reboot home_a")
        first = self.seen_from(self.alice(), server)[1]
        self.assertEqual(self.seen_from(self.alice(), server)[1], first + 2)

    def test_early_datagram_spoils_a_linux_router(self):
        lab.tell("set home_a profile=linux_masquerade")
        lab.tell("reboot home_a")
        server, alice = self.server(), self.alice(41001)
        server.sendto(b"early", (WAN, 41001))
        self.hears_nothing(alice)
        self.assertNotEqual(self.seen_from(alice, server)[1], 41001)

    def test_blocked_udp_does_not_leave(self):
        lab.tell("set home_a profile=udp_blocked")
        server = self.server()
        self.alice().sendto(b"hello", server.getsockname())
        self.hears_nothing(server)


class Wires(VirtualInternet):
    def test_opener_dies_in_the_core_and_opens_its_own_nat(self):
        server, alice = self.server(), self.alice(41002)
        alice.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        server.sendto(b"unasked", (WAN, 41002))
        self.hears_nothing(alice)
        alice.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        alice.sendto(b"opener", server.getsockname())
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                _, ancillary, _, about = alice.recvmsg(100, 1000, socket.MSG_ERRQUEUE)
                break
            except BlockingIOError:
                self.assertLess(time.monotonic(), deadline, "no ICMP error")
                time.sleep(0.01)
        self.assertEqual(about, server.getsockname())
        _errno, _origin, kind = struct.unpack_from("IBB", ancillary[0][2])
        self.assertEqual(kind, TIME_EXCEEDED)
        server.sendto(b"through the hole", (WAN, 41002))
        self.hears(alice, b"through the hole")
        self.hears_nothing(server)

    def test_four_hops_lie_between_alice_and_the_server(self):
        server = self.server()
        server.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        self.alice().sendto(b"x", server.getsockname())
        _, ancillary, _, _ = server.recvmsg(100, 100)
        # Its own router and three in the core.
        self.assertEqual(struct.unpack("i", ancillary[0][2])[0], 64 - 4)

    def test_closed_port_is_reported_to_the_sender(self):
        alice = self.alice()
        alice.connect((SERVER, 9))
        alice.send(b"anybody?")
        with self.assertRaises(ConnectionRefusedError):
            alice.recv(100)

    def test_tcp_carries_a_megabyte_through_the_nat(self):
        listener = self.open("srv", (SERVER, 8080), socket.SOCK_STREAM)
        listener.listen()
        alice = self.open("alice", ("192.168.11.2", 0), socket.SOCK_STREAM)
        alice.connect(listener.getsockname())
        served, source = listener.accept()
        self.stack.enter_context(served)
        self.assertEqual(source, (WAN, alice.getsockname()[1]))
        payload = os.urandom(1 << 20)
        alice.setblocking(False)
        sent = received = 0
        deadline = time.monotonic() + 30
        served.settimeout(0.05)
        while received < len(payload) and time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                sent += alice.send(payload[sent:sent + 65536])
            with contextlib.suppress(TimeoutError):
                chunk = served.recv(1 << 20)
                self.assertEqual(chunk, payload[received:received + len(chunk)])
                received += len(chunk)
        self.assertEqual(received, len(payload))

    def test_nothing_is_faster_than_its_delay(self):
        server, alice = self.server(), self.alice()
        lab.tell("set alice delay=80ms")
        begin = time.monotonic()
        self.seen_from(alice, server)
        self.assertGreaterEqual(time.monotonic() - begin, 0.080 + 0.010 + 0.005)

    def test_lost_means_lost(self):
        server, alice = self.server(), self.alice()
        lab.tell("set alice up.loss=100%")
        alice.sendto(b"x", server.getsockname())
        self.hears_nothing(server)
        self.assertEqual(lab.stats()["at"]["alice>home_a"]["lost"], 1)


class Changes(VirtualInternet):
    def test_reboot_closes_every_hole(self):
        server, alice = self.server(), self.alice()
        mapped = self.seen_from(alice, server)
        lab.tell("reboot home_a")
        server.sendto(b"still there?", mapped)
        self.hears_nothing(alice)

    def test_wan_address_changes(self):
        server, alice = self.server(), self.alice()
        self.seen_from(alice, server)
        lab.tell("wan home_a 192.0.2.99")
        self.assertEqual(self.seen_from(alice, server)[0], "192.0.2.99")


if __name__ == "__main__":
    enter_own_network()
    end_on_signals()
    unittest.main(verbosity=2)
