#!/usr/bin/python3
"""units_test.py UNITS PEER RENDEZVOUS: are the service units sound, and how exposed is the server?

UNITS is the folder of the unit files' sources. Their programs are replaced by those that were built,
since nothing is installed here. Exits 77 without systemd-analyze.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
# In tenths: systemd calls up to 2 "safe".
EXPOSURE_MAX = 15
UNITS, PROGRAMS = None, {}


def analyze(folder, *words):
    # For a user's unit it wants a place that only a session has.
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})
    return done.returncode, done.stdout + done.stderr


class Units(unittest.TestCase):
    def copies(self, folder):
        for name in ("pinhole-rendezvous.service", "pinhole-peer@.service"):
            text = (UNITS / f"{name}.in").read_text(encoding="utf-8")
            program = re.search(r"^ExecStart=\S*/(peer|rendezvous)\b", text, re.MULTILINE)
            self.assertIsNotNone(program, name)
            text = re.sub(r"^ExecStart=\S*", f"ExecStart={PROGRAMS[program.group(1)]}", text,
                          flags=re.MULTILINE)
            # Pages are not installed here either.
            text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)
            copy = folder / name.replace("@.", "@alice.")
            copy.write_text(text, encoding="utf-8")
            yield copy

    def test_systemd_understands_them(self):
        with tempfile.TemporaryDirectory() as folder:
            for unit in self.copies(pathlib.Path(folder)):
                with self.subTest(unit=unit.name):
                    mode = ["--user"] if "peer" in unit.name else []
                    code, said = analyze(folder, "verify", *mode, unit)
                    ours = [line for line in said.splitlines() if unit.name in line]
                    self.assertEqual((code, ours), (0, []), said)

    def test_the_server_is_hardened(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = next(self.copies(pathlib.Path(folder)))
            code, said = analyze(folder, "security", "--offline=true",
                                 f"--threshold={EXPOSURE_MAX}", unit)
            self.assertEqual(code, 0, said)

    def test_their_options_are_those_of_the_programs(self):
        for unit in UNITS.iterdir():
            command = re.search(r"^ExecStart=\S*/(\w+)(.*)$", unit.read_text(encoding="utf-8"),
                                re.MULTILINE)
            words = command.group(2).split()
            verb = words[:1] if words and not words[0].startswith("-") else []
            text = subprocess.run([PROGRAMS[command.group(1)], *verb, "--help"], check=True,
                                  capture_output=True, text=True, timeout=60).stdout
            for flag in re.findall(r"--[\w-]+", command.group(2)):
                self.assertIn(flag, text, unit.name)


if __name__ == "__main__":
    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is not installed")
        sys.exit(SKIPPED)
    UNITS = pathlib.Path(sys.argv[1])
    PROGRAMS = {"peer": sys.argv[2], "rendezvous": sys.argv[3]}
    unittest.main(argv=sys.argv[:1], verbosity=2)
