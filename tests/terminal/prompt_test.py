#!/usr/bin/python3
"""The prompt alone shows what is typed. Between two lines libedit gives the terminal its usual settings
for a moment, and with an echo of the terminal keys that come just then would be shown twice.

The programs are named by PINHOLE_PEER and PINHOLE_RENDEZVOUS.
"""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import os
import pathlib
import shutil
import signal
import tempfile
import termios
import unittest

from pty_program import PtyProgram
from world import RENDEZVOUS, World

# The moment is a tenth of the time that a line takes, or less.
LOOKS = 500


class Prompt(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pinhole-prompt-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.world = World(self.folder)
        self.addCleanup(self.world.close)
        self.world.start("server", [RENDEZVOUS, "--bind", self.world.via], "listening")

    def has_echo(self, program):
        """Whether the terminal shows keys by itself, with the program stopped somewhere."""
        program.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WNOWAIT)
        has_echo = termios.tcgetattr(program.slave)[3] & termios.ECHO
        program.process.send_signal(signal.SIGCONT)
        return bool(has_echo)

    def test_the_terminal_echoes_nothing_between_two_lines(self):
        program = PtyProgram(self.world.peer("bob", "chat"), self.world.environment("bob"))
        self.addCleanup(program.close)
        self.assertTrue(program.wait_for("bob> ", 20), program.text())
        echoes = typed = answered = mark = 0
        for look in range(LOOKS):
            end = program.output.rfind(b"\n") + 1
            answered += program.output.count(b"no command /x", mark, end)
            mark = max(mark, end)
            # Always some lines, and never more than a terminal holds.
            if typed < answered + 50:
                program.type("/x\r" * 50)
                typed += 50
            program.run_for(0.0005 * (look % 7))
            echoes += self.has_echo(program)
        self.assertEqual(echoes, 0)
        program.press_control_c()
        program.run_for(10)
        self.assertEqual(program.status, 130)
        self.assertEqual(program.what_it_left(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
