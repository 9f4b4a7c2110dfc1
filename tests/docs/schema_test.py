#!/usr/bin/python3
"""Does events.schema.json describe what the programs print? See programs.py for how they are run."""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import json
import re
import signal
import socket
import socketserver
import threading
import time
import unittest

from jsonschema import Draft202012Validator

from documents import README, ROOT, fences, read
from programs import ProgramsTestCase, Running

sys.path.insert(0, str(ROOT / "tests/support"))

from reserved_ports import reserved_ports

SCHEMA = json.loads(read("peer/events.schema.json"))
EVENTS = {name.removeprefix("event_") for name in SCHEMA["$defs"] if name.startswith("event_")}
KEY = "a" * 52
FILLED = {"key": f"pk:{KEY}", "server_key": f"rv:{KEY}", "reason": "selected"}


def closed(schema):
    """The schema without what it leaves open: fields that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: value if name == "allOf" else closed(value) for name, value in schema.items()}
    if "properties" in out and "allOf" not in out:
        out.setdefault("additionalProperties", False)
    return out


def with_closed_events(schema):
    out = closed(schema)
    for name in EVENTS:
        out["$defs"][f"event_{name}"]["properties"].update({"v": True, "event": True})
    return out


def ask(port, question):
    """What is answered there; nothing when the connection is reset."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(question)
            return connection.recv(100)
        except ConnectionResetError:
            return b""


VALIDATOR = Draft202012Validator(with_closed_events(SCHEMA))


class SchemaTestCase(unittest.TestCase):
    def check(self, line):
        event = json.loads(line)
        self.assertIn(event["event"], EVENTS, line)
        for error in VALIDATOR.iter_errors(event):
            self.fail(f"{error.json_path}: {error.message}\n{line}")
        return event["event"]


class Page(SchemaTestCase):
    def test_is_a_schema(self):
        Draft202012Validator.check_schema(SCHEMA)
        conditions = [each["if"]["properties"]["event"]["const"] for each in SCHEMA["allOf"]]
        self.assertEqual(set(conditions), EVENTS)
        self.assertEqual([each["then"]["$ref"] for each in SCHEMA["allOf"]],
                         [f"#/$defs/event_{name}" for name in conditions])

    def test_what_it_does_not_know_is_allowed_and_what_it_knows_is_checked(self):
        validator = Draft202012Validator(SCHEMA)
        good = {"v": 1, "event": "delivered", "peer": "bob", "id": 1}
        for event in (good, {**good, "later": 1}, {"v": 1, "event": "later"}):
            self.assertTrue(validator.is_valid(event), event)
        for event in ({**good, "v": 2}, {**good, "id": "1"}, {**good, "peer": "B b"},
                      {"v": 1, "event": "delivered", "id": 1}, {"event": "later"}):
            self.assertFalse(validator.is_valid(event), event)
        self.assertFalse(VALIDATOR.is_valid({**good, "later": 1}), "the tests know no later")

    def test_events_of_the_readme_are_its_events(self):
        (lines,) = [text for language, text in fences(README) if language == "json"]
        lines = re.sub(r"(pk|rv):(KEY|\.\.\.)", rf"\1:{KEY}", lines)
        # Of these only the beginning is shown.
        shown = {self.check(line) if '"event":"doctor"' not in line else "doctor"
                 for line in lines.splitlines() if '"event":"status"' not in line}
        self.assertEqual(shown | {"status"}, EVENTS)

    def test_words_are_those_of_the_sources(self):
        count = 0
        for place, words in self.closed_sets(SCHEMA):
            file, _, function = place.partition(" ")
            body = read(file).split(function)[1].split("\n}")[0]
            returned = set(re.findall(r'return "([^"?]+)"', body))
            self.assertEqual(set(words) - {"unreadable"}, returned, place)
            count += 1
        self.assertGreater(count, 10)

    def closed_sets(self, schema):
        if isinstance(schema, dict):
            if "$comment" in schema:
                yield schema["$comment"], schema["enum"]
            for value in schema.values():
                yield from self.closed_sets(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from self.closed_sets(value)

    def test_golden_lines_fit(self):
        seen = set()
        for path in (ROOT / "tests/unit/peer").rglob("*_test.cpp"):
            for line in self.golden_lines(path.read_text(encoding="utf-8")):
                seen.add(self.check(line))
        self.assertLessEqual({"registered", "path", "ping", "status", "error"}, seen)

    @staticmethod
    def golden_lines(source):
        """Raw strings that begin an event, with those that follow; what is computed between two
        is `FILLED`."""
        piece = re.compile(r'\s*(?:\+[^"]*?\+\s*)?R"(~?)\((.*?)\)\1"', re.DOTALL)
        for start in re.finditer(r'(?=R"~?\(\{"v":1,"event":"\w+",)', source):
            line, at = "", start.start()
            while match := piece.match(source, at):
                field = re.search(r'"(\w+)":"$', line)
                line += (FILLED.get(field[1], "") if field else "") + match[2]
                at = match.end()
            yield line


class Session(SchemaTestCase, ProgramsTestCase):
    def setUp(self):
        super().setUp()
        self.running_server = self.start_server()
        self.seen = set()

    def start(self, who, *words):
        return Running(self, [self.peer, *words], env=self.environment(who))

    def take(self, lines):
        for line in lines:
            if line.startswith("{"):
                self.seen.add(self.check(line))

    def run_json(self, who, *words):
        done = self.run_peer(who, *words, "--json")
        self.assertTrue(done.stdout.endswith("\n"), done.stderr)
        self.take(done.stdout.splitlines())
        return done

    def test_talk(self):
        alice = self.start_peer("alice", "--json")
        alice.wait_for('"registered"')
        bob = self.start_peer("bob", "--json", "alice")
        bob.process.stdin.write("hello\n")
        bob.process.stdin.flush()
        bob.wait_for('"delivered"')
        bob.wait_for('"path":"direct"')
        self.run_json("bob", "status")
        self.run_json("bob", "config", "show", "ping")
        via = ("--via", self.via)
        self.run_json("carol", "ping", "--id", "carol", *via, "--count", "1", "alice")
        self.assertEqual(self.run_json("carol", "--id", "carol", *via, "--message", "hi",
                                       "nobody").returncode, 4)
        bob.end()
        alice.wait_for('"closed"')
        self.running_server.process.terminate()
        alice.wait_for('"server_lost"')
        self.take(alice.lines + bob.lines)
        self.assertEqual(self.seen, {"registered", "introduced", "connected", "path", "message",
                                     "delivered", "closed", "status", "config", "ping", "error",
                                     "server_lost"})

    def test_doctor(self):
        alice = self.start_peer("alice")
        alice.wait_for("on another machine run")
        self.run_json("bob", "doctor", "--id", "bob", "--via", self.via, "alice")
        self.assertLessEqual({"doctor", "registered"}, self.seen)

    def test_files(self):
        source = self.folder / "photos"
        source.mkdir()
        (source / "link").symlink_to("nowhere")
        with (source / "1").open("wb") as file:
            file.truncate(48 << 20)
        into = str(self.folder / "into")
        via = ("--id", "bob", "--via", self.via)
        alice = self.start("alice", "receive", "--id", "alice", "--via", self.via, "--json", into)
        alice.wait_for('"registered"')
        send = ("bob", "send", *via, "--json", str(source), "alice")
        bob = self.start(*send)
        # A receiver that stands still makes the sender tell its progress, and be cut off.
        bob.wait_for('"transfer_started"')
        self.wait_for_chunks(2)
        alice.process.send_signal(signal.SIGSTOP)
        bob.wait_for('"progress"')
        bob.process.send_signal(signal.SIGINT)
        alice.process.send_signal(signal.SIGCONT)
        self.assertEqual(bob.process.wait(20), 130)
        alice.wait_for('"transfer_cut"')
        again = self.start(*send)
        self.assertEqual(again.process.wait(60), 1, "the link is left out")
        alice.wait_for('"transfer_ended"')
        self.take(alice.lines + bob.lines + again.lines)
        self.assertLessEqual({"transfer_started", "progress", "transfer_cut", "file_resumed", "file",
                              "file_left_out", "transfer_ended"}, self.seen)

    def wait_for_chunks(self, count):
        """Until alice has noted so many of a file: a head (partial.hpp), and a hash for each."""
        enough = 27 + 32 * count
        partials = self.folder / "alice/pinhole/partials"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if any(each.stat().st_size >= enough for each in partials.glob("*")):
                return
            time.sleep(0.002)
        self.fail("nothing came")

    def test_pipe(self):
        words = ("--via", self.via, "--json")
        alice = self.start("alice", "pipe", "--id", "alice", *words)
        alice.wait_for('"registered"')
        bob = self.start("bob", "pipe", "--id", "bob", *words, "alice")
        bob.wait_for('"connected"')
        for each in (alice, bob):
            each.process.stdin.close()
        self.assertEqual((alice.process.wait(20), bob.process.wait(20)), (0, 0))
        alice.wait_for('"pipe"')
        self.take(alice.lines + bob.lines)
        self.assertIn("pipe", self.seen)

    def test_forward(self):
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(self.request.recv(100))

        with socketserver.TCPServer(("127.0.0.1", 0), Echo) as target:
            self.addCleanup(target.shutdown)
            threading.Thread(target=target.serve_forever, daemon=True).start()
            port = target.server_address[1]
            words = ("--via", self.via, "--json")
            alice = self.start("alice", "forward", "--id", "alice", *words,
                               "--allow", f"127.0.0.1:{port}")
            alice.wait_for('"registered"')
            open_port, closed_port = reserved_ports(), reserved_ports()
            bob = self.start("bob", "forward", "--id", "bob", *words,
                             "--local", f"127.0.0.1:{open_port}:127.0.0.1:{port}",
                             "--local", f"127.0.0.1:{closed_port}:127.0.0.1:1", "alice")
            bob.wait_for('"connected"')
            self.assertEqual(ask(open_port, b"hello"), b"hello")
            self.assertEqual(ask(closed_port, b"hello"), b"")
            bob.wait_for('"forward_closed"')
            bob.wait_for('"forward_refused"')
            self.take(alice.lines + bob.lines)
        self.assertLessEqual({"forward_listening", "forward_opened", "forward_closed",
                              "forward_refused"}, self.seen)


if __name__ == "__main__":
    unittest.main(verbosity=2)
