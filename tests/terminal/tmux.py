"""Real terminals: panes of a tmux server of one's own, typed into and read as a person would.

What is waited for is text on the screen, with a deadline; nothing here sleeps for a fixed time and
hopes. The server listens on a socket in the test's own folder and ends with the test.
"""

import os
import re
import subprocess
import time

PATIENCE = 30.0
LOOK_INTERVAL = 0.05
COLUMNS, ROWS = 100, 40


class NotShown(AssertionError):
    """Something did not come up; the text has the whole screen."""


class Terminals:
    """A tmux server. Use it in a `with`."""

    def __init__(self, folder):
        self.socket = folder / "tmux.socket"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TERM": "xterm",
        }
        self.screens = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close_all()

    def command(self, *words):
        done = subprocess.run(["tmux", "-S", str(self.socket), "-f", "/dev/null", *words],
                              env=self.environment, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        if done.returncode != 0:
            raise NotShown(f"tmux {words[0]}: {done.stderr}")
        return done.stdout

    def open(self, name, words):
        """A new screen on which the program `words` runs."""
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        pane = self.command("new-session", "-d", "-P", "-F", "#{pane_id}", *size, *words).strip()
        screen = Screen(self, name, pane)
        self.screens.append(screen)
        return screen

    def close_all(self):
        """Ends what runs on the screens, and the server with it."""
        self.screens.clear()
        if self.socket.exists():
            subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], env=self.environment,
                           capture_output=True, timeout=PATIENCE, check=False)


class Screen:
    """A pane: a name for people, and what is on it."""

    def __init__(self, terminals, name, pane):
        self.terminals = terminals
        self.name = name
        self.pane = pane

    def text(self):
        """All lines since the start, without the blanks at their ends; long ones are whole."""
        text = self.terminals.command("capture-pane", "-p", "-J", "-S", "-1000", "-t", self.pane)
        return "\n".join(line.rstrip() for line in text.rstrip().splitlines())

    def type(self, text):
        self.terminals.command("send-keys", "-t", self.pane, "-l", "--", text)

    def press(self, key):
        """A key by its name in tmux: Enter, C-c, C-d."""
        self.terminals.command("send-keys", "-t", self.pane, key)

    def enter(self, line):
        self.type(line)
        self.press("Enter")

    def wait_for(self, pattern, count=1):
        """Until `pattern`, in which ^ and $ are the ends of a line, is there `count` times."""
        deadline = time.monotonic() + PATIENCE
        while True:
            text = self.text()
            if len(re.findall(pattern, text, re.MULTILINE)) >= count:
                return text
            if time.monotonic() > deadline:
                raise NotShown(f"{self.name} does not show /{pattern}/ {count} times")
            time.sleep(LOOK_INTERVAL)

    def wait_for_shell(self):
        """Until the shell's prompt is the last line."""
        return self.wait_for(rf"^{self.name}\$\Z")
