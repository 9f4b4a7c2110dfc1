#!/usr/bin/python3
"""Do shells complete the words of peer, which PINHOLE_PEER names? Each question is asked of every
shell that this machine has, of its real completion system where that works without a terminal.
"""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PEER = os.environ["PINHOLE_PEER"]

BASH = r"""
source "$1"; shift
words=("$@")
COMP_WORDS=("${words[@]}"); COMP_CWORD=$((${#words[@]} - 1))
$(complete -p peer | sed 's/.*-F \([^ ]*\) peer/\1/')
printf '%s\n' "${COMPREPLY[@]}"
"""

# Where completion runs, these are parts of zsh; here they show what they are called with.
ZSH = r"""
compset() { PREFIX_SEEN=1 }
compadd() { print -rl -- "${(@)candidates}" }
_files() { print -rl -- ${current}*(N) }
source $1; shift
words=("$@") CURRENT=$#
_peer
"""

FISH = r"""
set -e argv[1]
complete -C (string join ' ' -- $argv)
"""


class Shell:
    """Asks one shell what could stand in place of the last word."""

    def __init__(self, name, folder):
        self.name = name
        self.script = folder / f"peer.{name}"
        done = subprocess.run([PEER, "completion", name], capture_output=True, text=True, check=True)
        self.script.write_text(done.stdout, encoding="utf-8")

    def command(self, words):
        if self.name == "bash":
            return ["bash", "--norc", "-c", BASH, "bash", str(self.script), *self.split(words)]
        if self.name == "zsh":
            return ["zsh", "-f", "-c", ZSH, "zsh", str(self.script), *words]
        return ["fish", "--no-config", "-c", f"source {self.script}\n{FISH}", "-", *words]

    @staticmethod
    def split(words):
        """bash breaks words at an equals sign."""
        out = []
        for word in words:
            out += [part for part in re.split("(=)", word) if part] if word else [""]
        return out

    def ask(self, words, environment):
        done = subprocess.run(self.command(words), capture_output=True, text=True, check=False,
                              env=environment, cwd=environment["HOME"], timeout=60)
        assert done.stderr == "", done.stderr
        lines = [line.split("\t")[0] for line in done.stdout.splitlines()]
        # fish names the whole word, the others what follows the equals sign.
        return {line.partition("=")[2] if line.startswith("--") and "=" in line else line
                for line in lines if line}

    def fits(self, answers, word):
        """zsh and fish sort out what does not begin like the word; zsh does so after us."""
        current = word.partition("=")[2] if word.startswith("--") and "=" in word else word
        return {answer for answer in answers if answer.startswith(current)}


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.shells = [Shell(name, cls.folder) for name in ("bash", "zsh", "fish")
                      if shutil.which(name)]
        cls.home = cls.folder / "home"
        state = cls.home / "pinhole"
        state.mkdir(parents=True, mode=0o700)
        key = cls.run_peer("id", "--id", "bob").stdout.split()[1]
        server = key.replace("pk:", "rv:")
        (state / "known_peers").write_text(
            "pinhole known peers 1\n"
            f"peer alice@{server} {key} 2026-11-22\npeer alfred@{server} {key} 2026-11-22\n",
            encoding="utf-8")
        (cls.home / "group.key").write_text("", encoding="utf-8")

    @classmethod
    def environment(cls):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("PINHOLE_", "XDG_"))}
        return {**kept, "HOME": str(cls.home), "XDG_STATE_HOME": str(cls.home),
                "PATH": f"{Path(PEER).parent}:{os.environ['PATH']}"}

    @classmethod
    def run_peer(cls, *words):
        return subprocess.run([PEER, *words], env=cls.environment(), text=True,
                              capture_output=True, check=True)

    def check(self, *words, offers=(), lacks=(), only=None):
        for shell in self.shells:
            with self.subTest(shell=shell.name, words=words):
                answers = shell.fits(shell.ask(words, self.environment()), words[-1])
                for word in offers:
                    self.assertIn(word, answers)
                for word in lacks:
                    self.assertNotIn(word, answers)
                if only is not None:
                    self.assertEqual(answers, set(only))

    def verbs(self):
        text = self.run_peer("help").stdout.split("options of")[0]
        return re.findall(r"^  ([a-z]+) +\w", text, re.MULTILINE)

    def test_there_is_a_shell_to_ask(self):
        self.assertIn("bash", [shell.name for shell in self.shells])

    def test_every_verb_and_every_flag_of_it(self):
        self.assertGreater(len(self.verbs()), 5)
        self.check("peer", "", offers=self.verbs())
        for verb in self.verbs():
            shown = self.run_peer("help", verb).stdout.split("usage:")[1]
            flags = set(re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE))
            self.check("peer", verb, "--", only=flags | {"--help"})

    def test_chat_needs_no_name(self):
        self.check("peer", "--acc", only=["--accept"])
        self.check("peer", "al", only=["alice", "alfred"])
        self.check("peer", "--wait", "", offers=["alice"], lacks=["ping"])

    def test_known_peers(self):
        self.check("peer", "ping", "--id", "bob", "", only=["alice", "alfred"])
        self.check("peer", "ping", "alice", "", only=[])
        self.check("peer", "chat", "alice", "alf", only=["alfred"])
        self.check("peer", "trust", "remove", "", only=["alice", "alfred"])

    def test_words_in_their_places(self):
        self.check("peer", "trust", "", only=["list", "remove", "replace", "verify"])
        self.check("peer", "trust", "list", "", only=[])
        self.check("peer", "config", "show", "do", only=["doctor"])
        self.check("peer", "completion", "", only=["bash", "zsh", "fish"])
        self.check("peer", "help", "", offers=self.verbs())

    def test_values_of_flags(self):
        self.check("peer", "--color", "", only=["auto", "always", "never"])
        self.check("peer", "ping", "--color", "al", only=["always"])
        self.check("peer", "--color=a", only=["auto", "always"])
        self.check("peer", "--json=f", only=["false"])
        self.check("peer", "--color", "auto", "--accept", "", only=["all", "known", "none"])
        self.check("peer", "--message", "", only=[])
        self.check("peer", "--psk-file", "gr", only=["group.key"])
        self.check("peer", "id", "--new-psk=gr", only=["group.key"])

    def test_names_behind_two_dashes(self):
        self.check("peer", "chat", "--", "al", only=["alice", "alfred"])

    def test_a_broken_file_of_known_keys_offers_nobody(self):
        file = self.home / "pinhole/known_peers"
        text = file.read_text(encoding="utf-8")
        self.addCleanup(file.write_text, text, encoding="utf-8")
        file.write_text("nonsense\n", encoding="utf-8")
        self.check("peer", "ping", "", only=[])


if __name__ == "__main__":
    unittest.main(verbosity=2)
