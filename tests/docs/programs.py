"""Runs the programs that PINHOLE_PEER and PINHOLE_RENDEZVOUS name, on the loopback interface and with
homes of their own.
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path


class Running:
    """A program with its lines as they come, ended with the test."""

    def __init__(self, test, words, **options):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **options)
        self.lines = []
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.read, args=(stream,))
                        for stream in (self.process.stdout, self.process.stderr)]
        for reader in self.readers:
            reader.start()
        test.addCleanup(self.end)

    def read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, pattern, seconds=20):
        def found():
            return next((line for line in self.lines if re.search(pattern, line)), None)

        with self.changed:
            if not self.changed.wait_for(found, seconds):
                raise AssertionError(f"no line like '{pattern}' in {self.lines}")
            return found()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(20)
        for reader in self.readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        return code


class ProgramsTestCase(unittest.TestCase):
    def setUp(self):
        self.peer = os.environ["PINHOLE_PEER"]
        self.server = os.environ["PINHOLE_RENDEZVOUS"]
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def environment(self, who):
        home = str(self.folder / who)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("PINHOLE_", "XDG_")) and name != "STATE_DIRECTORY"}
        return {**kept, "HOME": home, "XDG_STATE_HOME": home}

    def start_server(self):
        for _ in range(5):
            server = Running(self, [self.server, "--bind", "127.0.0.1:0"],
                             env=self.environment("server"))
            line = server.wait_for("each machine|cannot listen")
            if "cannot listen" not in line:  # the port after the one it got was somebody else's
                self.via = line.rsplit(" ", 1)[1]
                return server
        self.fail(f"no two neighbouring ports are free: {line}")

    def start_peer(self, who, *words):
        return Running(self, [self.peer, "--id", who, "--via", self.via, *words],
                       env=self.environment(who))

    def run_peer(self, who, *words):
        return subprocess.run([self.peer, *words], env=self.environment(who), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                              check=False)

    def send(self, who, *words):
        return self.run_peer(who, "--id", who, "--via", self.via, *words)
