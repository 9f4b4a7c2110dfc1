"""A virtual internet with real programs at its edges: namespaces, vnet between them, and whoever
runs in them. Shared by scripts/lab and the tests of this folder.

Everything happens in a network and mount namespace of one's own (scripts/netns_lab enter), which
vanishes with its last process; every program dies with the process that started it. So nothing is
left behind whatever happens, even to us.
"""

import ctypes
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPOLOGIES = pathlib.Path(__file__).with_name("topologies")
NETNS_LAB = ROOT / "scripts/netns_lab"
SERVER = "198.51.100.10"
REFUSED = 77
CLONE_NEWNET = 0x40000000


class Failure(Exception):
    """Something did not come true; the text says what."""


class Refused(Failure):
    """This machine does not allow it, which is no defect."""


def enter_own_network():
    """Starts this script again in a network of its own, unless it is in one. Exits with 77 where
    that cannot be done."""
    if os.environ.get("PINHOLE_LAB") == "inside":
        return
    os.execv(NETNS_LAB, [str(NETNS_LAB), "enter", sys.executable, *sys.argv])


def end_on_signals():
    """A signal unwinds the stack like an error, so that every `with` cleans up."""

    def leave(number, _frame):
        for other in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)


def topology_path(name):
    path = TOPOLOGIES / f"{name}.vnet"
    if not path.exists():
        known = " ".join(sorted(entry.stem for entry in TOPOLOGIES.glob("*.vnet")))
        raise Failure(f"there is no topology {name}; there are: {known}")
    return path


def lab_of_module(topology):
    """A lab that all tests of a unittest module share, up until the last of them. Where there can
    be none, the program ends with 77."""
    try:
        lab = Lab(topology, os.environ["PINHOLE_VNET"])
        lab.__enter__()
    except Refused as refused:
        print(f"skipped: {refused}", file=sys.stderr)
        sys.exit(REFUSED)
    unittest.addModuleCleanup(lab.__exit__)
    return lab


class Program:
    """A running program, its output read line by line as it comes."""

    def __init__(self, name, argv, env=None):
        self.name = name
        self.lines = []  # (seconds since the epoch of time.monotonic, stream, text)
        self._news = queue.SimpleQueue()
        # setpriv: the program does not outlive us even if we are killed.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, argv)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, kind), daemon=True)
            for stream, kind in ((self.process.stdout, "out"), (self.process.stderr, "err"))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, kind):
        for raw in stream:
            text = raw.decode("utf-8", "replace").rstrip("\n")
            self._news.put((time.monotonic(), kind, text))
        self._news.put(None)

    def pump(self, seconds=0.0):
        """Takes in what was read, waiting for the first piece of news."""
        try:
            news = self._news.get(timeout=seconds) if seconds > 0 else self._news.get_nowait()
            while True:
                if news is not None:
                    self.lines.append(news)
                news = self._news.get_nowait()
        except queue.Empty:
            pass

    def wait_for(self, accept, seconds, since=0):
        """The first line from `since` on that `accept(time, kind, text)` takes, or None."""
        deadline = time.monotonic() + seconds
        seen = since
        while True:
            while seen < len(self.lines):
                if accept(*self.lines[seen]):
                    return self.lines[seen]
                seen += 1
            left = deadline - time.monotonic()
            if left <= 0 or (self.process.poll() is not None and self._is_read()):
                return None
            self.pump(min(left, 0.2))

    def _is_read(self):
        if any(reader.is_alive() for reader in self._readers):
            return False
        self.pump()
        return True

    def say(self, text):
        try:
            self.process.stdin.write((text + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def close_input(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def wait_for_end(self, seconds):
        """The exit status, or None if it still runs."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        for reader in self._readers:
            reader.join(2)
        self.pump()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.close_input()
        for reader, stream in zip(self._readers, (self.process.stdout, self.process.stderr)):
            reader.join(2)
            if not reader.is_alive():
                stream.close()

    def log(self):
        self.pump()
        status = self.process.poll()
        state = "runs" if status is None else f"exit status {status}"
        begin = self.lines[0][0] if self.lines else 0
        text = [f"--- {self.name} ({state})"]
        text += [f"{at - begin:8.3f} {kind} {line}" for at, kind, line in self.lines]
        return "\n".join(text)


class Lab:
    """A topology that is up. Use as a context manager.

    `pcap` is a folder for what passes each interface. Without one PINHOLE_VNET_PCAP may name a
    folder in which each lab makes its own."""

    _count = 0

    def __init__(self, topology, vnet, *, params=None, seed=1, prefix=None, pcap=None):
        Lab._count += 1
        self.prefix = prefix or f"pv-{os.getpid()}-"
        self.topology = topology
        self.pcap = pcap
        if not pcap and os.environ.get("PINHOLE_VNET_PCAP"):
            self.pcap = pathlib.Path(os.environ["PINHOLE_VNET_PCAP"]).absolute() / (
                f"{pathlib.Path(topology).stem}-{os.getpid()}-{Lab._count}")
        self.programs = []
        self.work = None
        self._vnet_program = str(vnet)
        self._arguments = [str(topology), "--seed", str(seed)]
        for name, value in (params or {}).items():
            self._arguments += ["--set", f"{name}={value}"]
        self.hosts = {}
        self._control = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            if self.pcap and program.name == "vnet":
                program.process.terminate()  # and its files end with a whole packet
                program.wait_for_end(5)
            program.kill()
        self.programs.clear()
        if self._control:
            self._control.close()
        for host in self.hosts:
            if os.path.exists(f"/run/netns/{self.prefix}{host}"):
                subprocess.run(["ip", "netns", "del", self.prefix + host], check=False)
        if self.work:
            shutil.rmtree(self.work, ignore_errors=True)

    def _start(self):
        left = [n for n in self._namespaces() if n.startswith(self.prefix)]
        if left:
            raise Failure(f"left over from before: {' '.join(left)}; ip netns del them")
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pinhole-lab-", dir="/run"))
        checked = subprocess.run([self._vnet_program, *self._arguments, "--check"],
                                 capture_output=True, text=True, check=False)
        if checked.returncode != 0:
            raise Failure(checked.stderr.strip())
        self.hosts = json.loads(checked.stdout)["hosts"]
        for host in self.hosts:
            self._make_namespace(self.prefix + host)
        control = self.work / "vnet.control"
        vnet = self._add(Program("vnet", [
            self._vnet_program, *self._arguments, "--prefix", self.prefix, "--control", control,
            "--wires", os.environ.get("PINHOLE_VNET_WIRES", "auto"),
            *(["--pcap", self.pcap] if self.pcap else [])]))
        if not vnet.wait_for(lambda _at, kind, _text: kind == "out", 20):
            status = vnet.wait_for_end(1)
            raise (Refused if status == REFUSED else Failure)(vnet.lines[-1][2] if vnet.lines
                                                              else f"vnet ended with {status}")
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._control.bind(str(self.work / "client"))
        self._control.connect(str(control))
        self._control.settimeout(5)

    @staticmethod
    def _namespaces():
        try:
            return sorted(os.listdir("/run/netns"))
        except FileNotFoundError:
            return []

    @staticmethod
    def _make_namespace(name):
        subprocess.run(["ip", "netns", "add", name], check=True)
        settings = [f"net.ipv6.conf.{which}.{what}=0" for which in ("all", "default")
                    for what in ("accept_dad", "accept_ra", "router_solicitations")]
        subprocess.run(["ip", "netns", "exec", name, "sysctl", "-q", "-w", *settings], check=True)
        subprocess.run(["ip", "-n", name, "link", "set", "dev", "lo", "up"], check=True)

    def _add(self, program):
        self.programs.append(program)
        return program

    def start(self, host, argv, *, name=None, env=None):
        """Starts a program on a host, with a home of its own. `PINHOLE_*` of ours is left out."""
        name = name or host
        home = self.work / name
        home.mkdir(exist_ok=True)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PINHOLE_")}
        clean |= {"HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        return self._add(Program(name, ["ip", "netns", "exec", self.prefix + host, *argv],
                                 clean | (env or {})))

    def socket(self, host, address, kind=socket.SOCK_DGRAM):
        """A socket of ours that lives on a host, bound there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as home:
            with open(f"/run/netns/{self.prefix}{host}", "rb") as there:
                if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            try:
                family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
                made = socket.socket(family, kind)
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)
        made.bind(address)
        return made

    def tell(self, command):
        """A command for vnet (tests/vnet/control.hpp)."""
        self._control.send(command.encode())
        answer = self._control.recv(1 << 20).decode()
        if answer.startswith("error"):
            raise Failure(f"vnet, told \"{command}\": {answer}")
        return answer

    def stats(self):
        return json.loads(self.tell("stats"))

    def sent_by(self, host):
        """UDP datagrams that a host has sent so far, on all its interfaces."""
        return sum(one["sent"]["datagrams"] for one in self.stats()["hosts"][host])

    def log(self):
        """What everybody said, and where the packets are if they were kept."""
        where = [f"--- packets: {self.pcap}/*.pcap"] if self.pcap else []
        return "\n".join([program.log() for program in self.programs] + where)
