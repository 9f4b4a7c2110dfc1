#!/usr/bin/python3
"""Is every error that the programs can print on the page of troubles, and nothing else?"""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import re
import unittest

from documents import TROUBLES, section, table_rows
from error_texts import ErrorText, Reader, error_texts

SAYS_IT_IN_ONE_LINE = {
    "rendezvous X is shutting down; coming back to it when it does",
    "standard output: X; is there room for it?",
    # Why is said at the other side, and the same command goes on.
    "X refuses: X", "no reason", "X has given it up", "X could not go on receiving",
    "X says what we do not understand; do both sides have the same version?",
    # The files that were left out, and why, are the lines above.
    "there is nothing to send",
    # Ends of a first line; the second follows.
    "did not come back in time", "did not answer in time",
}
# Made by a library; programs_test.py asks the programs for them.
OF_LIBRARIES = "Words of the option parser"
# Words in capitals, also several joined, as in HOST:PORT.
PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_]*(?:[:/@][A-Z][A-Z0-9_]*)*")


def entries(page):
    return [row for title in re.findall(r"^## (.*)$", page, re.MULTILINE)
            if title != OF_LIBRARIES for row in table_rows(section(TROUBLES, title))]


def pattern_of(message):
    """What a source must hold for a message of the page; X stands there for what is filled in."""
    parts = [re.escape(part) for part in PLACEHOLDER.split(message)]
    # The system's own words follow where an exception has its error number.
    whole = ".+".join(parts)
    without_reason = re.sub(r":\\? \.\+$", "", whole)
    return re.compile(f"(?:{whole}|{without_reason})")


class Troubleshooting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = TROUBLES.read_text(encoding="utf-8")
        cls.rows = entries(cls.page)
        cls.patterns = {row[0].strip("`"): pattern_of(row[0].strip("`")) for row in cls.rows}
        cls.texts = error_texts()

    def test_every_error_is_on_the_page(self):
        self.assertGreater(len(self.texts), 200)
        missing = [f"{text.file}:{text.line}: {text.key}" for text in self.texts
                   if not any(p.fullmatch(text.key) for p in self.patterns.values())]
        self.assertEqual(missing, [], "\nadd them to " + TROUBLES.name)

    def test_every_entry_is_an_error(self):
        keys = {text.key for text in self.texts}
        stale = [message for message, pattern in self.patterns.items()
                 if not any(pattern.fullmatch(key) for key in keys)]
        self.assertEqual(stale, [], "\nno source says that")

    def test_entries_say_what_to_do(self):
        messages = [row[0] for row in self.rows]
        self.assertEqual(sorted(set(messages)), sorted(messages), "twice")
        for row in self.rows:
            self.assertEqual(len(row), 3, row)
            self.assertRegex(row[0], "^`.*`$")
            self.assertTrue(row[1] and row[2], row)
            # Else it would stand for everything.
            self.assertRegex(PLACEHOLDER.sub("", row[0]), "[a-z]{2,}.*[a-z]{2,}|=|--[a-z]+:")

    def test_what_ends_the_program_says_what_to_do_next(self):
        silent = [text.key for text in self.texts if text.ends_the_program
                  and "\\n" not in text.text and text.key not in SAYS_IT_IN_ONE_LINE]
        self.assertEqual(silent, [], "the second line of an error is its next step")

    def test_the_scan_sees_what_it_says_it_sees(self):
        source = '''
            // throw Error("a comment is nothing")
            void f() { say("just some news"); throw Error("a thrown "  // joined
                "sentence"); }
            Problem g() { return {ExitCode::kTimeout, x ? fmt::format("it took {} s", 1) : ""}; }
            Problem h() { return {ExitCode::kOk, "all is well"}; }
            void i() { screen.warn(fmt::format("{} warns you", "once")); }
            void j() { fmt::print(stderr, "peer: on its own\\n"); fmt::print(stderr, "by the way\\n"); }
            std::string reason_of(int) { return "half a sentence"; }
            std::string other_of(int) { return "no half at all"; }
        '''
        found = Reader("peer/pipe_words.cpp", source).read()
        self.assertEqual([text.key for text in found],
                         ["a thrown sentence", "it took X s", "X warns you", "on its own",
                          "half a sentence"])

    def test_a_message_fits_its_source_alone(self):
        pattern = pattern_of("cannot read FILE: REASON")
        for key in ("cannot read X", "cannot read X: X"):
            self.assertTrue(pattern.fullmatch(key))
        for key in ("cannot write X", "it cannot read X", "cannot read it"):
            self.assertFalse(pattern.fullmatch(key) and "X" in key)
        self.assertEqual(ErrorText("", 1, r'peer: \"{}\" is {0} a\n  more').key, '"X" is X a')


if __name__ == "__main__":
    unittest.main(verbosity=2)
