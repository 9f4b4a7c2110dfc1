#!/usr/bin/python3
"""Does a real kernel find the path MTU through our routers and NATs, and do its fragments fare as
the NAT's profile says?"""

import contextlib
import errno
import os
import pathlib
import socket
import tempfile
import time
import unittest

from virtual_lab import SERVER, end_on_signals, enter_own_network, lab_of_module

SERVER6 = "2001:db8:5::10"
TOPOLOGY = f"""\
core hops=3
host srv at inet ip={SERVER},{SERVER6}
nat home at inet wan=192.0.2.10 lan=192.168.11.1/24 lan6=2001:db8:a::1/64 profile=eim_apdf
host alice at home
host bob at home mtu=1400
"""
PATIENCE = 5
SILENCE = 0.3
# linux/in.h, linux/in6.h; Python does not name them.
IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO, IP_MTU = 10, 0, 2, 14
IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, IPV6_MTU = 23, 2, 24
HEADERS = {socket.AF_INET: 28, socket.AF_INET6: 48}

lab = None


def setUpModule():  # noqa: N802, the name is unittest's
    global lab
    scratch = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(scratch.cleanup)
    path = pathlib.Path(scratch.name) / "narrow.vnet"
    path.write_text(TOPOLOGY, encoding="utf-8")
    lab = lab_of_module(path)


class NarrowLink(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        lab.tell("set home mtu=0 icmp=on fragments=pass")
        lab.tell("set srv mtu=0 icmp=on")
        for host in ("alice", "bob", "srv"):
            for family in ("-4", "-6"):
                self.run_ip(host, family, "route", "flush", "cache")

    @staticmethod
    def run_ip(host, *words):
        if os.spawnlp(os.P_WAIT, "ip", "ip", "-n", lab.prefix + host, *words) != 0:
            raise RuntimeError(f"ip {words}")

    def open(self, host, address, kind=socket.SOCK_DGRAM):
        made = self.stack.enter_context(lab.socket(host, address, kind))
        made.settimeout(PATIENCE)
        return made

    def address(self, host, family=socket.AF_INET):
        return next(each for each in lab.hosts[host] if (":" in each) == (family != socket.AF_INET))

    def couple(self, family=socket.AF_INET, host="alice"):
        """A socket on a host behind the NAT, sending with DF to the other, on the server."""
        server = self.open("srv", (SERVER if family == socket.AF_INET else SERVER6, 0))
        alice = self.open(host, (self.address(host, family), 0))
        if family == socket.AF_INET:
            alice.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        else:
            alice.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
        alice.connect(server.getsockname())
        return alice, server

    @staticmethod
    def path_mtu(sock):
        if sock.family == socket.AF_INET:
            return sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
        return sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)

    def hears_nothing(self, sock):
        sock.settimeout(SILENCE)
        with self.assertRaises(TimeoutError):
            sock.recv(2000)
        sock.settimeout(PATIENCE)

    def learns(self, sock, mtu):
        """Sends what is too large until the kernel says so."""
        deadline = time.monotonic() + PATIENCE
        while self.path_mtu(sock) != mtu:
            self.assertLess(time.monotonic(), deadline, f"path MTU is {self.path_mtu(sock)}")
            with contextlib.suppress(OSError):
                sock.send(bytes(1400))
            time.sleep(0.05)
        # Errors about what we sent meanwhile are not what comes next.
        time.sleep(SILENCE)
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        with self.assertRaises(OSError) as raised:
            sock.send(bytes(mtu - HEADERS[sock.family] + 1))
        self.assertEqual(raised.exception.errno, errno.EMSGSIZE)

    def test_kernel_learns_the_path_mtu_in_both_families(self):
        for where, mtu in (("home", 1300), ("srv", 1290)):
            for family in HEADERS:
                with self.subTest(where=where, family=family):
                    self.setUp()
                    lab.tell(f"set {where} mtu={mtu}")
                    alice, server = self.couple(family)
                    self.learns(alice, mtu)
                    alice.send(b"y" * (mtu - HEADERS[family]))
                    self.assertEqual(len(server.recv(2000)), mtu - HEADERS[family])

    def test_server_learns_it_through_the_nat(self):
        alice, server = self.couple()
        alice.send(b"hello")
        _, mapped = server.recvfrom(100)
        lab.tell("set alice dn.mtu=1200")
        self.addCleanup(lab.tell, "set alice mtu=0")
        server.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        server.connect(mapped)
        self.learns(server, 1200)

    def test_interface_has_the_mtu_of_its_link(self):
        bob, _server = self.couple(host="bob")
        self.assertEqual(self.path_mtu(bob), 1400)

    def test_black_hole_takes_what_is_large_and_says_nothing(self):
        lab.tell("set home mtu=1300 icmp=off")
        for family in HEADERS:
            alice, server = self.couple(family)
            alice.send(bytes(1400))
            self.hears_nothing(server)
            self.assertEqual(self.path_mtu(alice), 1500)
            alice.send(b"small")
            self.assertEqual(server.recv(100), b"small")

    def test_kernels_fragments_pass_only_where_the_nat_lets_them(self):
        alice, server = self.couple()
        alice.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        text = os.urandom(4000)
        alice.send(text)
        self.assertEqual(server.recv(5000), text)
        for policy in ("first", "drop"):
            lab.tell(f"set home fragments={policy}")
            alice.send(text)
            self.hears_nothing(server)

    def test_router_cuts_what_has_no_df(self):
        lab.tell("set srv mtu=600")
        alice, server = self.couple()
        alice.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        text = os.urandom(1400)
        alice.send(text)
        self.assertEqual(server.recv(2000), text)

    def test_tcp_finds_its_way_through_a_narrow_link(self):
        lab.tell("set srv mtu=800")
        listener = self.open("srv", (SERVER, 8080), socket.SOCK_STREAM)
        listener.listen()
        alice = self.open("alice", (self.address("alice"), 0), socket.SOCK_STREAM)
        alice.connect(listener.getsockname())
        served, _ = listener.accept()
        self.stack.enter_context(served).settimeout(PATIENCE)
        text = os.urandom(20_000)
        alice.sendall(text)
        received = b""
        while len(received) < len(text):
            received += served.recv(1 << 16)
        self.assertEqual(received, text)


if __name__ == "__main__":
    enter_own_network()
    end_on_signals()
    unittest.main(verbosity=2)
