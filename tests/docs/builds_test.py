#!/usr/bin/python3
"""Do README.md's build instructions work? Configures, and compiles as little as shows it."""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from documents import README, ROOT, fences


class Builds(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def run_ok(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_preset(self):
        # Elsewhere than README puts it, so that nothing is left in the tree.
        self.run_ok("cmake", "--preset", "release", "-S", str(ROOT), "-B", str(self.folder / "preset"),
                    "-DPINHOLE_TESTS=OFF")

    # One floor stands for all: the rest is what every other build compiles.
    def test_plain_build(self):
        self.run_ok("cmake", "-S", str(ROOT), "-B", "plain", "-DPINHOLE_TESTS=OFF")
        self.run_ok("cmake", "--build", "plain", "--target", "pinhole_base")

    def test_tree_is_a_part_of_another_project(self):
        (lists,) = [text for language, text in fences(README) if language == "cmake"]
        lists = lists.replace("find_package(pinhole REQUIRED)",
                              "set(PINHOLE_TESTS OFF)\nadd_subdirectory(pinhole)")
        self.assertIn("add_subdirectory", lists)
        (self.folder / "CMakeLists.txt").write_text(lists, encoding="utf-8")
        shutil.copy(ROOT / "tests/consumer/greeter/greeter.cpp", self.folder)
        (self.folder / "pinhole").symlink_to(ROOT)
        self.run_ok("cmake", "-G", "Unix Makefiles", "-S", ".", "-B", "out")
        # The program alone: the floors behind it are what every other build compiles.
        self.run_ok("make", "-C", "out", "-f", "CMakeFiles/greeter.dir/build.make",
                    "CMakeFiles/greeter.dir/greeter.cpp.o")


if __name__ == "__main__":
    unittest.main(verbosity=2)
