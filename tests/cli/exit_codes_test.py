#!/usr/bin/python3
"""Has every exit code of the tool a test that runs a program until it ends so? Its name says which:
`OfflinePeerIs4`."""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST = re.compile(r"^TEST_F\(\w+, (\w+)\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)


class ExitCodes(unittest.TestCase):
    def test_each_has_a_test(self):
        codes = dict(re.findall(r"^    k(\w+) = (\d+),", (ROOT / "peer/exit_code.hpp").read_text(), re.MULTILINE))
        self.assertGreater(len(codes), 10)
        tests = [found for folder in ("cli", "netns") for file in (ROOT / "tests" / folder).glob("*_test.cpp")
                 for found in TEST.findall(file.read_text(encoding="utf-8"))]
        self.assertGreater(len(tests), 50)
        for name, code in codes.items():
            with self.subTest(code=code):
                # The body compares with the number, or with its name.
                named = [body for test, body in tests if re.search(rf"Is{code}(?!\d)", test)]
                self.assertTrue(named, f"no test is called ...Is{code}")
                self.assertTrue(any(re.search(rf"\b{code}\b|\bk{name}\b", body) for body in named))


if __name__ == "__main__":
    unittest.main()
