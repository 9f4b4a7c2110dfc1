"""A rendezvous on loopback, and peers that talk with those under test. The programs are named by
PINHOLE_PEER and PINHOLE_RENDEZVOUS.
"""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from reserved_ports import reserved_ports

PEER, RENDEZVOUS = os.environ["PINHOLE_PEER"], os.environ["PINHOLE_RENDEZVOUS"]
PATIENCE = 40.0


def all_verbs():
    """As the tool's help lists them."""
    text = subprocess.run([PEER, "help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  ([a-z]+) +\w", text.split("options of")[0], re.MULTILINE)
    assert len(verbs) > 10, text
    return verbs


def end(process):
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


class World:
    """A rendezvous; alice, who chats; gate, who forwards; store, who receives files. Each has a home of
    its own below `folder`."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.via = f"127.0.0.1:{reserved_ports(2)}"
        self.processes = []
        self.is_over = threading.Event()

    def home(self, who):
        path = self.folder / who
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def environment(self, who):
        home = str(self.home(who))
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        return {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home, "LC_ALL": "C.UTF-8",
                "TERM": "xterm-256color", **sanitizers}

    def log(self, who):
        """What a program that `start` started has written, to both streams."""
        return (self.folder / f"{who}.log").read_bytes()

    def start(self, who, words, said, **streams):
        """Starts a program as `who` and returns when it has said `said`."""
        with (self.folder / f"{who}.log").open("wb") as output:
            streams = {"stdin": subprocess.PIPE, "stdout": output, "stderr": output} | streams
            process = subprocess.Popen(words, env=self.environment(who), **streams)
        self.processes.append(process)
        deadline = time.monotonic() + PATIENCE
        while said.encode() not in self.log(who):
            if time.monotonic() > deadline or process.poll() is not None:
                raise AssertionError(f"{who} does not say '{said}': {self.log(who)}")
            time.sleep(0.02)
        return process

    def peer(self, who, verb, *words):
        return [PEER, verb, "--id", who, "--via", self.via, *map(str, words)]

    def open(self):
        self.start("server", [RENDEZVOUS, "--bind", self.via], "listening")
        alice = self.start("alice", self.peer("alice", "chat"), "rendezvous ok")
        threading.Thread(target=self.chatter, args=(alice,), daemon=True).start()
        self.start("gate", self.peer("gate", "forward", "--allow", "127.0.0.1:9"), "new rendezvous")
        self.home("store")
        self.start("store", self.peer("store", "receive", "--conflict", "overwrite",
                                      self.folder / "store"), "new rendezvous")

    def chatter(self, alice):
        """Alice says something all the time."""
        number = 0
        while not self.is_over.wait(0.1):
            number += 1
            try:
                alice.stdin.write(f"line {number}\n".encode())
                alice.stdin.flush()
            except OSError:
                return

    def close(self):
        self.is_over.set()
        for process in self.processes:
            end(process)
