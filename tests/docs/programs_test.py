#!/usr/bin/python3
"""Do the programs print and do what the documents say? See programs.py; PINHOLE_EXAMPLE names the
program of README.md.
"""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import os
import re
import subprocess
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from documents import (PEER_MAN, README, ROOT, SERVER_MAN, TROUBLES, fences, man_text, section,
                       shell_commands, table_rows)
from programs import ProgramsTestCase, Running

# A program whose name says no language.
LOADER = SourceFileLoader("make_manual", str(ROOT / "scripts/make_manual"))
make_manual = module_from_spec(spec_from_loader("make_manual", LOADER))
LOADER.exec_module(make_manual)


def general(line):
    """A printed line without what differs from machine to machine."""
    line = re.sub(r"\b(pk|rv):[a-z2-7]{52}", r"\1:KEY", line)
    line = re.sub(r"udp \S+( \S+)* \(second port \d+\)", "udp ADDRESSES (second port N)", line)
    line = re.sub(r"\d+:\d+/udp", "PORTS/udp", line)
    line = re.sub(r"(--via|rendezvous) \S+:?\d*(?=$| alice| rv:)", r"\1 HOST", line)
    line = re.sub(r"\| (direct|relay).*(?=; new peer)", "| PATH", line)
    return re.sub(r"[\d.]+ ms", "N ms", line)


def shown_after(prompt):
    """What README shows below a command of the quick start."""
    for language, text in fences(README):
        if language == "console" and text.startswith(prompt):
            return [general(line) for line in text.splitlines()[1:]]
    raise AssertionError(f"README shows nothing after {prompt}")


class Programs(ProgramsTestCase):
    def test_quick_start(self):
        server = self.start_server()
        self.assertEqual([general(line) for line in server.lines[:3]],
                         shown_after("vps$ rendezvous\n"))
        alice = self.start_peer("alice")
        alice.wait_for("on another machine run")
        self.assertEqual([general(line) for line in alice.lines], shown_after("alice$ "))
        bob = self.start_peer("bob", "alice")
        bob.wait_for("new peer alice")
        # A better path may have been found since.
        shown = shown_after("bob$ ")
        self.assertEqual([general(line) for line in bob.lines[:len(shown)]], shown)
        bob.process.stdin.write("hello\n")
        bob.process.stdin.flush()
        self.assertEqual(alice.wait_for("hello"), "bob: hello")

    def test_one_shot(self):
        self.start_server()
        alice = self.start_peer("alice")
        alice.wait_for("on another machine run")
        sent = self.send("bob", "--message", "backup done", "alice")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(alice.wait_for("backup done"), "bob: backup done")
        self.assertIn("alice pk:", self.run_peer("bob", "trust", "list").stdout)
        shown = self.run_peer("bob", "id", "--id", "bob").stdout
        self.assertRegex(shown, r"^bob pk:[a-z2-7]{52}\n$")

    def test_running_peers_are_asked(self):
        self.start_server()
        alice = self.start_peer("alice")
        alice.wait_for("on another machine run")
        self.start_peer("bob", "alice").wait_for("new peer alice")
        for command in ("peer status", "peer wait --timeout 60 --direct alice",
                        "peer trust verify --id bob alice"):
            self.assertIn(command, shell_commands(README))
            done = self.run_peer("bob", *command.split()[1:])
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_chat_that_takes_files(self):
        command = "peer --id alice --via 203.0.113.7 --wait --into Downloads </dev/null"
        self.assertIn(command, shell_commands(README))
        self.start_server()
        into = self.folder / "Downloads"
        into.mkdir()
        alice = self.start_peer("alice", "--wait", "--into", str(into))
        alice.process.stdin.close()
        alice.wait_for("rendezvous ok")
        photo = self.folder / "photo"
        photo.write_text("a photo", encoding="utf-8")
        sent = self.run_peer("bob", "send", "--id", "bob", "--via", self.via, str(photo), "alice")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual((into / "photo").read_text(encoding="utf-8"), "a photo")

    def test_group_key(self):
        key = str(self.folder / "group.key")
        made = self.run_peer("bob", "id", "--new-psk", key)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.start_server()
        alice = self.start_peer("alice", "--psk-file", key)
        alice.wait_for("on another machine run")
        with_key = self.send("bob", "--psk-file", key, "--message", "hi", "alice")
        self.assertEqual(with_key.returncode, 0, with_key.stderr)
        without = self.send("carol", "--message", "hi", "alice")
        self.assertEqual(without.returncode, 6, without.stderr)

    def test_release(self):
        self.start_server()
        alice = self.start_peer("alice")
        alice.wait_for("on another machine run")
        alice.end()
        done = subprocess.run([self.server, "release", "alice"], env=self.environment("server"),
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "alice belongs to nobody now\n"))

    def test_configuration(self):
        (example,) = [text for language, text in fences(README) if language == "toml"]
        file = self.folder / "bob/.config/pinhole/config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(example, encoding="utf-8")
        shown = self.run_peer("bob", "config", "show", "ping")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for number, line in enumerate(example.splitlines(), 1):
            if "=" in line:
                place = re.escape(f"{file}:{number}")
                self.assertRegex(shown.stdout, rf"(?m)^{re.escape(line)} +# {place}$")

    def options_of(self, *helps):
        text = "".join(subprocess.run(words, capture_output=True, text=True, check=True).stdout
                       for words in helps)
        self.assertIn("--", text)
        return set(re.findall(r"--[a-z][a-z-]+", text)), text

    def check_manual(self, page, options, others):
        manual = man_text(page)
        described = manual.split(".SH OPTIONS")[1].split(".SH ")[0]
        for option in options:
            self.assertRegex(described, rf"{option}(?![a-z-])", f"{page.name} lacks {option}")
        for option in set(re.findall(r"--[a-z][a-z-]+", manual)):
            self.assertIn(option, options | others | {"--help", "--version"},
                          f"{page.name} describes what no help shows")

    def options_of_peer(self):
        _, general_help = self.options_of([self.peer, "--help"])
        verbs = re.findall(r"^  ([a-z]+) +\w", general_help.split("options of")[0], re.MULTILINE)
        helps = [[self.peer, "--help"]] + [[self.peer, "help", verb] for verb in verbs]
        return self.options_of(*helps)[0], verbs

    def test_manual_of_peer_has_every_option_and_verb(self):
        options, verbs = self.options_of_peer()
        self.assertIn("ping", verbs)
        # The manuals name each other's options where the two belong together.
        self.check_manual(PEER_MAN, options, self.options_of([self.server, "--help"])[0])
        described = man_text(PEER_MAN).split(".SH VERBS")[1].split(".SH ")[0]
        for verb in verbs:
            self.assertRegex(described, rf"\n\.(B|BR|BI) \"?{verb}\b", f"peer.1 lacks {verb}")

    def test_readme_has_every_verb(self):
        cells = " ".join(row[0] for row in table_rows(section(README, "The verbs")))
        self.assertEqual(set(re.findall(r"`(\w+)`", cells)), set(self.options_of_peer()[1]))

    def test_manual_of_peer_says_what_the_table_says(self):
        parts = make_manual.parts_of(self.run_peer("any", "help", "man").stdout)
        self.assertGreater(len(parts), 20)
        on_page = make_manual.parts_of(PEER_MAN.read_text(encoding="utf-8"))
        self.assertEqual(on_page, parts, "run scripts/make_manual with the program")

    def test_manual_names_the_files_that_are_read(self):
        described = PEER_MAN.read_text(encoding="utf-8").split(".SH FILES")[1].split(".SH ")[0]
        places = self.run_peer("bob", "config", "path").stdout.split()
        self.assertEqual(len(places), 2)
        for place in places:
            place = place.replace(str(self.folder / "bob/.config"), "$XDG_CONFIG_HOME")
            self.assertIn(f"\n.I {place}\n", described)

    def test_words_of_the_option_parser_are_on_the_page(self):
        known = [row[0].strip("`") for row in
                 table_rows(section(TROUBLES, "Words of the option parser"))]
        said = set()
        for words in ([self.peer, "ping", "--nope"], [self.peer, "--via"], [self.peer, "id", "-x"],
                      [self.server, "--nope"], [self.server, "--bind"]):
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, words)
            first = done.stderr.splitlines()[0].partition(": ")[2]
            said.add(re.sub("‘.*?’", "‘FLAG’", first))
        self.assertEqual(said, set(known))

    def test_exit_codes_mean_the_same_everywhere(self):
        text = make_manual.parts_of(self.run_peer("any", "help", "man").stdout)["exit status"]
        manual = dict(re.findall(r"\.B (\d+)\n(.*)\.\n", text))
        rows = dict(table_rows(section(README, "Exit codes")))
        self.assertEqual({code: row[0].upper() + row[1:] for code, row in rows.items()}, manual)

    def test_manual_of_rendezvous_writes_options_as_the_help_does(self):
        _, text = self.options_of([self.server, "--help"])
        usages = re.findall(r"^  (--[a-z-]+(?: \S+)?)  ", text, re.MULTILINE)
        self.assertGreater(len(usages), 3)
        described = man_text(SERVER_MAN).split(".SH OPTIONS")[1].split(".SH ")[0]
        heads = [" ".join(re.sub(r'\\f.|"|^\.[A-Z]+ ', "", line).split())
                 for line in re.findall(r"\.TP\n(.*)", described)]
        for usage in usages:
            self.assertIn(usage, heads)

    def test_manual_of_rendezvous_has_every_option(self):
        options, _ = self.options_of([self.server, "--help"])
        self.check_manual(SERVER_MAN, options, self.options_of_peer()[0])

    def test_example_says_hello_both_ways(self):
        example = os.environ["PINHOLE_EXAMPLE"]
        self.start_server()
        alice = Running(self, [example, self.via, "alice"])
        bob = Running(self, [example, self.via, "bob", "alice"])
        # Without a terminal the C library keeps the lines until the end.
        self.assertEqual(bob.process.wait(60), 0)
        self.assertEqual(alice.process.wait(60), 0)
        self.assertTrue(bob.wait_for("hello from alice"))
        self.assertTrue(alice.wait_for("hello from bob"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
