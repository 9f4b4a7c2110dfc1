"""A program on a pseudo-terminal of its own, as in a terminal window: what it writes, how it ends, and
what it leaves behind on the terminal.
"""

import contextlib
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from fcntl import ioctl

COLUMNS, ROWS = 80, 24


class PtyProgram:
    """Runs `words` on a new terminal that controls it. `close` must be called."""

    def __init__(self, words, environment):
        self.master, self.slave = pty.openpty()
        ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.modes = termios.tcgetattr(self.slave)
        self.output = b""
        self.status = None
        self.was_killed = False
        self.ended_at = None
        # setsid becomes the program, as the leader of a session that has this terminal.
        self.process = subprocess.Popen(["setsid", "--ctty", *words], env=environment, stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, close_fds=True)
        self.pidfd = os.pidfd_open(self.process.pid)

    def close(self):
        if self.status is None:
            self.process.kill()
            self.process.wait()
        for descriptor in (self.pidfd, self.master, self.slave):
            os.close(descriptor)

    def wait_until_it_runs(self, program, seconds=30):
        """Until setsid has become it; until then a key would signal nobody. Or until it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Of one that has ended there is no such link, and `realpath` would not say so.
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{self.process.pid}/exe") == os.path.realpath(program):
                    return
            self.run_for(0.001)
            if self.status is not None:
                return
        raise AssertionError(f"{program} was not started")

    def run_for(self, seconds):
        """Reads what it writes for so long, or until it ends."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            left = max(deadline - time.monotonic(), 0.0)
            ready, _, _ = select.select([self.master, self.pidfd], [], [], left)
            if self.master in ready:
                self.output += os.read(self.master, 65536)
            elif self.pidfd in ready:
                self.ended_at = time.monotonic()
                code = self.process.wait()
                self.was_killed = code < 0
                self.status = code if code >= 0 else 128 - code  # as shells say it
            if left == 0.0:
                return
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536)

    def wait_for(self, text, seconds):
        """Until it has written `text`; false if it does not."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.output:
            if self.status is not None or time.monotonic() > deadline:
                return False
            self.run_for(0.01)
        return True

    def type(self, text):
        os.write(self.master, text.encode())

    def press_control_c(self):
        self.type("\x03")

    def interrupt(self):
        if self.status is None:
            self.process.send_signal(signal.SIGINT)

    def text(self):
        return self.output.decode("utf-8", "replace")

    def what_it_left(self):
        """What is not as it was before it started: settings, modes, colours. Empty if all is."""
        wrong = []
        # PENDIN is not a setting: it says that input is to be read again.
        before, after = ([*modes[:3], modes[3] & ~termios.PENDIN, *modes[4:]]
                         for modes in (self.modes, termios.tcgetattr(self.slave)))
        if before != after:
            wrong.append(f"the terminal's settings were {before} and are {after}")
        text = self.text()
        modes = dict(re.findall(r"\x1b\[\?(\d+)([hl])", text))
        wrong += [f"mode {mode} is left {'on' if state == 'h' else 'off'}"
                  for mode, state in modes.items() if state != ("h" if mode == "25" else "l")]
        colours = re.findall(r"\x1b\[([\d;]*)m", text)
        if colours and colours[-1] not in ("", "0"):
            wrong.append(f"colour {colours[-1]} is left on")
        return wrong

    def last_line(self):
        """What stands on the line of the cursor, to a reader who knows `erase`."""
        line = self.text().replace("\r\n", "\n").rsplit("\n", 1)[-1]
        line = re.split(r"\r\x1b\[[JK]", line)[-1]
        return re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", line).strip()
