#!/usr/bin/python3
"""Installs the build PINHOLE_BUILD into a folder, builds programs against that and nothing else, and
lets them talk through the installed server on the loopback interface.
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

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "docs"))

import programs_test

FOLDER = Path(tempfile.mkdtemp())
PREFIX = FOLDER / "prefix"


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          check=False, cwd=FOLDER, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def setUpModule():
    run("cmake", "--install", os.environ["PINHOLE_BUILD"], "--prefix", PREFIX)
    (configs,) = PREFIX.rglob("pkgconfig")
    os.environ["PKG_CONFIG_PATH"] = str(configs)
    os.environ["LD_LIBRARY_PATH"] = str(configs.parent)


def tearDownModule():
    shutil.rmtree(FOLDER)


def pkg_config(*words):
    return run("pkg-config", *words).split()


class Consumer(unittest.TestCase):
    def start_server(self):
        # A state of its own: the server of another test knows these names by other keys.
        state = tempfile.mkdtemp(dir=FOLDER)
        for _ in range(5):
            server = programs_test.Running(
                self, [PREFIX / "bin/rendezvous", "--bind", "127.0.0.1:0", "--state-dir", state])
            line = server.wait_for("each machine|cannot listen")
            if "cannot listen" not in line:  # the port after the one it got was somebody else's
                return line.rsplit(" ", 1)[1]
        self.fail(f"no two neighbouring ports are free: {line}")

    def greet(self, *programs):
        """Each program is started with an id of its own; the last one calls the first."""
        via = self.start_server()
        alice = programs_test.Running(self, [*programs[0], via, "alice"])
        bob = programs_test.Running(self, [*programs[-1], via, "bob", "alice"])
        self.assertEqual(bob.process.wait(60), 0, bob.lines)
        self.assertEqual(alice.process.wait(60), 0, alice.lines)
        bob.wait_for("hello from alice")
        alice.wait_for("hello from bob")

    def test_cpp_program_finds_the_package(self):
        source = HERE / "greeter/greeter.cpp"
        self.assertLess(len(source.read_text(encoding="utf-8").splitlines()), 40)
        run("cmake", "-S", HERE / "greeter", "-B", "cpp", f"-DCMAKE_PREFIX_PATH={PREFIX}",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        run("cmake", "--build", "cpp")
        self.greet([FOLDER / "cpp/greeter"])
        # What we ask of ourselves is not asked of others.
        commands = (FOLDER / "cpp/compile_commands.json").read_text(encoding="utf-8")
        self.assertNotRegex(commands, r"-W(all|error|conversion|shadow)|-fstack-protector|_GLIBCXX")

    def test_cpp_program_builds_by_pkg_config(self):
        run(os.environ["CXX"], "-std=c++20", HERE / "greeter/greeter.cpp", "-o", "by_pkg_config",
            *pkg_config("--cflags", "--libs", "pinhole-cpp"))
        done = subprocess.run([FOLDER / "by_pkg_config"], check=False)
        self.assertEqual(done.returncode, 2)  # no arguments

    def test_c_program_builds_by_pkg_config(self):
        run(os.environ["CC"], "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            HERE / "greeter/greeter.c", "-o", "c", *pkg_config("--cflags", "--libs", "pinhole"))
        self.greet([FOLDER / "c"], [sys.executable, HERE / "greeter/greeter.py"])

    @unittest.skipIf(os.environ["PINHOLE_ENET_IS_INSIDE"] == "1",
                     "this library has an ENet of its own inside, which no other can displace")
    def test_c_program_with_a_foreign_enet_is_refused(self):
        """Where the system's ENet comes first it keeps its own sockets, and sends plaintext."""
        run(os.environ["CC"], HERE / "greeter/greeter.c", "-o", "foreign", "-Wl,--no-as-needed",
            "-lenet", *pkg_config("--cflags", "--libs", "pinhole"))
        done = subprocess.run([FOLDER / "foreign", "127.0.0.1:9", "alice"], text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("link it after pinhole", done.stderr)

    def test_only_public_headers_are_installed(self):
        headers = {path.name for path in PREFIX.rglob("*.hpp")}
        self.assertLessEqual({"pinhole.hpp", "node.hpp", "driver.hpp", "key_file.hpp"}, headers)
        self.assertEqual([path.name for path in PREFIX.rglob("*.h")], ["pinhole.h"])
        for path in PREFIX.rglob("*.hpp"):
            includes = re.findall(r"#include <(.*)>", path.read_text(encoding="utf-8"))
            hidden = [name for name in includes if re.match("enet/|sodium|openssl/|natpmp|mini", name)]
            self.assertEqual(hidden, [], path)

    def test_programs_and_manuals_are_installed(self):
        version = re.search(r"\d+\.\d+\.\d+", run(PREFIX / "bin/peer", "--version"))[0]
        self.assertEqual(run(PREFIX / "bin/rendezvous", "--version"), f"rendezvous {version}\n")
        for package in ("pinhole", "pinhole-cpp"):
            self.assertEqual(pkg_config("--modversion", package), [version])
        for page in ("man1/peer.1", "man8/rendezvous.8"):
            self.assertTrue(list(PREFIX.rglob(page)), page)
        for page in ("LICENSE", "TROUBLESHOOTING.md", "events.schema.json"):
            self.assertTrue(list(PREFIX.rglob(f"share/doc/*/{page}")), page)

    def test_units_name_the_installed_programs(self):
        for unit, program in (("system/pinhole-rendezvous.service", "rendezvous"),
                              ("user/pinhole-peer@.service", "peer")):
            text = (PREFIX / "lib/systemd" / unit).read_text(encoding="utf-8")
            self.assertRegex(text, rf"(?m)^ExecStart={PREFIX}/bin/{program}\b")
            self.assertNotIn("@CMAKE", text)

    def test_completions_are_where_shells_look(self):
        for shell, file in (("bash", "bash-completion/completions/peer"),
                            ("zsh", "zsh/site-functions/_peer"),
                            ("fish", "fish/vendor_completions.d/peer.fish")):
            self.assertEqual((PREFIX / "share" / file).read_text(encoding="utf-8"),
                             run(PREFIX / "bin/peer", "completion", shell))

    def test_the_manifest_names_every_file(self):
        build = Path(os.environ["PINHOLE_BUILD"])
        named = set((build / "install_manifest.txt").read_text(encoding="utf-8").split("\n"))
        found = {str(path) for path in PREFIX.rglob("*") if not path.is_dir()}
        self.assertEqual(found - named, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
