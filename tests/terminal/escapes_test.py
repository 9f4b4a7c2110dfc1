#!/usr/bin/python3
"""Escape sequences are for terminals that want them. Every verb, with success and with failure:

- to pipes it writes no control byte but the ends of lines, whatever TERM says;
- on a terminal it writes no colour under NO_COLOR or TERM=dumb, and does in colour what it does else.

A verb of the help that has no case here fails the test. The programs are named by PINHOLE_PEER and
PINHOLE_RENDEZVOUS.
"""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from pty_program import PtyProgram
from world import PEER, RENDEZVOUS, World, all_verbs, reserved_ports

CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
COLOUR = re.compile(rb"\x1b\[[\d;]*m")
HOSTILE = "\x1b[31mred\x9b2J\x07"
KEY = "pk:" + 52 * "a"


class Case:
    """What to run as whom, and how it must end. `words` may hold {via}, {home}, {port} and {folder}."""

    def __init__(self, who, words, *codes):
        self.who, self.words, self.codes = who, words, codes or (0,)

    def command(self, world):
        places = {"via": world.via, "home": world.home(self.who), "folder": world.folder,
                  "port": reserved_ports()}
        return [word.format(**places) for word in self.words]


def net(who, verb, *words):
    return [verb, "--id", who, "--via", "{via}", *words]


# Each has an id of its own, since they run side by side. What the cases of one id do comes in order.
CASES = {
    "chat": [
        Case("bob", net("bob", "chat", "--message", HOSTILE, "alice")),
        Case("bob", net("bob", "chat", "--message", "hi", "nobody"), 4),
        Case("bob", net("bob", "chat", "--message", "hi", "--wait", "--timeout", "1", "nobody"), 7),
        Case("chris", net("alice", "chat", "--message", "hi", "alice"), 2),
        Case("chris", net("gate", "chat", "--message", "hi", "alice"), 6),
        Case("lost", ["chat", "--id", "lost", "--via", "127.0.0.1:1", "--message", "hi", "alice"], 3),
    ],
    "send": [
        Case("sender", net("sender", "send", PEER, RENDEZVOUS, "store")),
        Case("sender", net("sender", "send", f"/none/{HOSTILE}", "store"), 1),
        Case("sender", net("sender", "send", PEER, "alice"), 8),
    ],
    "receive": [Case("taker", net("taker", "receive", f"/none/{HOSTILE}"), 1)],
    "pipe": [Case("piper", net("piper", "pipe", "alice"), 8)],
    "forward": [
        Case("forth", net("forth", "forward", "--reverse", "{port}:127.0.0.1:9", "gate"), 8),
        Case("forth", net("forth", "forward", "--local", f"{HOSTILE}:9", "gate"), 2),
    ],
    "ping": [
        Case("pinger", net("pinger", "ping", "--count", "2", "alice")),
        Case("pinger", net("pinger", "ping", "nobody"), 4),
    ],
    "doctor": [Case("doc", net("doc", "doctor", "--timeout", "20", "alice"), 0, 5)],
    "status": [Case("alice", ["status"]), Case("nobody", ["status"], 1)],
    "wait": [Case("alice", ["wait", "--timeout", "1", "nobody"], 7)],
    "id": [
        Case("ida", ["id", "--id", "ida", "--qr"]),
        Case("ida", ["id", "--new-psk", f"{{home}}/{HOSTILE}"]),
        Case("ida", ["id", "--new-psk", f"{{home}}/{HOSTILE}"], 1),
    ],
    "trust": [
        Case("friend", net("friend", "chat", "--message", "hi", "alice")),
        Case("friend", ["trust", "list"]),
        Case("friend", ["trust", "verify", "--id", "friend", "alice"]),
        Case("friend", ["trust", "replace", "alice", KEY]),
        Case("friend", net("friend", "chat", "--message", "hi", "alice"), 6),
        Case("friend", ["trust", "remove", "alice"]),
        Case("friend", ["trust", "remove", HOSTILE], 1),
    ],
    "config": [Case("conny", ["config", "show"]), Case("conny", ["config", "path"]),
               Case("conny", ["config", HOSTILE], 2)],
    "completion": [Case("fish", ["completion", shell]) for shell in ("bash", "zsh", "fish")],
    "version": [Case("any", ["version"])],
    "help": [Case("any", ["help"]), Case("any", ["help", "man"]), Case("any", ["help", HOSTILE], 2)],
}


OWN_CASES = [case for cases in CASES.values() for case in cases]


def of_every_verb(verb):
    return [Case(f"any-{verb}", [verb, "--help"]), Case(f"any-{verb}", ["help", verb]),
            Case(f"any-{verb}", [verb, f"--{HOSTILE}"], 2)]


class Escapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pinhole-escapes-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def open_world(self, name):
        world = World(self.folder / name)
        self.addCleanup(world.close)
        world.open()
        return world

    @staticmethod
    def run_all(cases, run):
        """Ids side by side, the cases of each one after the other; a list of what went wrong."""
        def run_each(who):
            return [wrong for case in cases if case.who == who for wrong in run(case)]

        everybody = list(dict.fromkeys(case.who for case in cases))
        with ThreadPoolExecutor(8) as pool:
            return [wrong for wrongs in pool.map(run_each, everybody) for wrong in wrongs]

    @staticmethod
    def run_piped(world, case, **environment):
        words = case.command(world)
        done = subprocess.run([PEER, *words], env=world.environment(case.who) | environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        if done.returncode not in case.codes:
            yield f"{words} ended with {done.returncode}: {done.stderr}"
        for stream in (done.stdout, done.stderr):
            for found in CONTROL.finditer(stream):
                yield f"{words} wrote {found[0]} in {stream[max(found.start() - 40, 0):][:80]}"
                break

    def test_every_verb_has_a_case(self):
        self.assertEqual(sorted(CASES), sorted(all_verbs()))

    def test_nothing_but_text_goes_to_a_pipe(self):
        world = self.open_world("piped")
        cases = OWN_CASES + [case for verb in CASES for case in of_every_verb(verb)]
        self.assertEqual(self.run_all(cases, lambda case: self.run_piped(world, case)), [])
        for who in ("alice", "gate", "store", "server"):
            self.assertIsNone(CONTROL.search(world.log(who)), who)
        self.assertIn(rb"bob: \u{1b}[31mred", world.log("alice"), "the hostile text did not come")

    def test_nothing_but_text_comes_from_the_rendezvous(self):
        for words, code in ((["--help"], 0), (["--version"], 0), ([f"--{HOSTILE}"], 2), ([HOSTILE], 2),
                            (["--bind", HOSTILE], 2), (["--bind", "192.0.2.1:1"], 1),
                            (["release", HOSTILE], 2), (["release", "nobody"], 1),
                            (["--state-dir", f"/proc/{HOSTILE}"], 1)):
            with self.subTest(words=words):
                done = subprocess.run([RENDEZVOUS, "--state-dir", str(self.folder / "server"), *words],
                                      capture_output=True, timeout=60, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                for stream in (done.stdout, done.stderr):
                    self.assertIsNone(CONTROL.search(stream), stream)

    @staticmethod
    def on_terminal(world, case, **environment):
        program = PtyProgram([PEER, *case.command(world)], world.environment(case.who) | environment)
        try:
            program.run_for(30)
            return program.status, program.output
        finally:
            program.close()

    def test_no_colour_where_nobody_wants_it(self):
        world = self.open_world("plain")
        # Half of them are told so in one way, the others in the other.
        ways = ({"NO_COLOR": "1"}, {"TERM": "dumb"})

        def run(case):
            way = ways[OWN_CASES.index(case) % 2]
            status, output = self.on_terminal(world, case, **way)
            if status not in case.codes:
                yield f"{case.words} ended with {status} on a terminal: {output}"
            if COLOUR.search(output):
                yield f"{case.words} wrote a colour under {way}: {output}"

        self.assertEqual(self.run_all(OWN_CASES, run), [])

    def test_colour_where_somebody_does(self):
        world = self.open_world("coloured")
        refused = Case("bob", net("bob", "chat", "--message", "hi", "nobody"), 4)
        self.assertRegex(self.on_terminal(world, refused)[1], COLOUR)
        self.assertRegex(self.on_terminal(world, refused, NO_COLOR="")[1], COLOUR, "empty is unset")
        for unwanted in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PINHOLE_COLOR": "never"}):
            self.assertNotRegex(self.on_terminal(world, refused, **unwanted)[1], COLOUR)
        always = list(self.run_piped(world, refused, PINHOLE_COLOR="always"))
        self.assertEqual(len(always), 1, "who asks for it gets it in a pipe")


if __name__ == "__main__":
    unittest.main(verbosity=2)
