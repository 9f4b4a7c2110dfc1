#!/usr/bin/python3
"""Does README.md show the first run as it was recorded (golden/first_run.txt)? `sessions_test.py
--update first_run` writes it there."""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import re
import unittest
from pathlib import Path

from transcript import GOLDEN, sections

README = Path(__file__).resolve().parents[2] / "README.md"
SECTION = re.compile(r"^## A first run\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recorded():
    """What was on each screen."""
    return list(sections((GOLDEN / "first_run.txt").read_text(encoding="utf-8")).values())


def update():
    """Puts the recording into the page."""
    page = README.read_text(encoding="utf-8")
    screens = iter(recorded())
    part = BLOCK.sub(lambda _: f"```console\n{next(screens)}```", SECTION.search(page)[0])
    README.write_text(SECTION.sub(lambda _: part, page), encoding="utf-8")


class Readme(unittest.TestCase):
    def test_first_run_is_the_recording(self):
        part = SECTION.search(README.read_text(encoding="utf-8"))
        self.assertIsNotNone(part, "there is no section 'A first run'")
        self.assertEqual(len(recorded()), 3)
        self.assertEqual(BLOCK.findall(part[0]), recorded())


if __name__ == "__main__":
    unittest.main()
