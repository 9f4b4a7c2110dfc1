#!/usr/bin/python3
"""Are the documents true, as far as reading the tree can tell? Links, commands, tables, manuals."""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import json
import re
import shutil
import subprocess
import textwrap
import unittest

from documents import (MARKDOWN, PEER_MAN, README, ROOT, SERVER_MAN, anchors, command_map, fences,
                       man_text, read, section, shell_commands, string_literals, table_rows)


# A call that reads a variable of the environment.
READS = r'(?:environment|absolute_path|base_directory)\((?:environment, )?"([A-Z_]{4,})"'


class Pages(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for page in MARKDOWN:
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
                if target.startswith(("http:", "https:")):
                    continue
                name, _, anchor = target.partition("#")
                file = (page.parent / name).resolve() if name else page
                with self.subTest(page=page.name, target=target):
                    self.assertTrue(file.exists(), "the file does not exist")
                    if anchor and file.suffix == ".md":
                        self.assertIn(anchor, anchors(file))

    def test_every_command_is_run_or_covered(self):
        known = command_map()
        used = shell_commands(README)
        self.assertGreater(len(used), 10)
        for command in used:
            self.assertIn(command, known, "not in readme_commands.txt")
        for command, how in known.items():
            with self.subTest(command=command):
                self.assertIn(command, used, "README.md no longer shows it")
                self.check_coverage(command, how)

    def check_coverage(self, command, how):
        kind, _, rest = how.partition(" ")
        if kind == "run":
            tests = read("tests/docs/builds_test.py") + read("tests/docs/programs_test.py")
            self.assertIn(f"def test_{rest}(", tests)
        elif kind in ("in", "by"):
            file, _, text = rest.partition(" ")
            self.assertIn(text, read(file))
            for option in re.findall(r"--[a-z][a-z-]+", command):
                self.assertIn(option, read(file), "it runs another command")
        elif kind == "ctest":
            self.assertIn(f"NAME {rest} ", read("tests/docs/CMakeLists.txt"))
        else:
            self.fail(f"'{how}' is no way to cover a command")

    def test_first_commands_are_demo_and_test(self):
        self.assertEqual(shell_commands(README)[:2], ["./scripts/demo", "./scripts/test"])

    def test_examples_are_the_files(self):
        blocks = [text for language, text in fences(README) if language == "cpp"]
        self.assertEqual(blocks, [read("tests/consumer/greeter/greeter.cpp")])
        blocks = [text for language, text in fences(README) if language == "cmake"]
        self.assertEqual(blocks, [read("tests/consumer/greeter/CMakeLists.txt")])
        (excerpt,) = [text for language, text in fences(README) if language == "c"]
        program = read("tests/consumer/greeter/greeter.c")
        self.assertIn(textwrap.indent(excerpt, 8 * " "), program)

    def test_exit_codes_are_those_of_the_tool(self):
        codes = set(re.findall(r"k\w+ = (\d+),", read("peer/exit_code.hpp")))
        rows = {row[0] for row in table_rows(section(README, "Exit codes"))}
        self.assertEqual(rows, codes)
        manual = man_text(PEER_MAN).split(".SH EXIT STATUS")[1].split(".SH ")[0]
        self.assertEqual(set(re.findall(r"^\.B (\d+)$", manual, re.MULTILINE)), codes)

    @staticmethod
    def event_source():
        return read("peer/json_lines.cpp") + read("peer/files/transfer_json.cpp")

    def test_events_are_those_of_the_tool(self):
        events = {"config"}
        for source in sorted((ROOT / "peer").rglob("*.cpp")):
            events |= set(re.findall(r'\bbegin\("(\w+)"\)', source.read_text(encoding="utf-8")))
        self.assertGreater(len(events), 15)
        self.assertIn('object["event"] = "config"', read("peer/config_verb.cpp"))
        shown = set(re.findall(r'"event":"(\w+)"', section(README, "JSON events")))
        self.assertEqual(shown, events)
        manual = man_text(PEER_MAN).split(".SH EVENTS")[1].split(".SH ")[0]
        self.assertEqual(set(re.findall(r"\.TP\n\.B (\w+)$", manual, re.MULTILINE)), events)

    def test_fields_of_events_are_those_of_the_tool(self):
        fields = set(re.findall(r'object\["(\w+)"\]', self.event_source())) | {"v", "event", "id"}
        doctor = read("peer/doctor_json.cpp").split("std::string doctor(")[1]
        fields |= set(re.findall(r'object\["(\w+)"\]', doctor))
        fields |= set(re.findall(r'object\["(\w+)"\]', read("peer/config_verb.cpp")))
        for other in ("peer/pipe_words.cpp", "peer/forward/forward_json.cpp", "peer/status_report.cpp"):
            fields |= set(re.findall(r'object\["(\w+)"\]', read(other)))
        (lines,) = [text for language, text in fences(README) if language == "json"]
        shown = set().union(*(json.loads(line) for line in lines.splitlines()))
        self.assertEqual(shown, fields)

    def test_doctors_report_is_that_of_the_tool(self):
        (shown,) = [text for language, text in fences(README) if language == "text"]
        self.assertIn(shown, read("tests/unit/peer/doctor_test.cpp"))

    def test_reasons_are_those_of_the_traversal(self):
        source = read("shared/traversal/action.cpp").split("sentence_of(Reason")[1]
        sentences = set(re.findall(r'return\s+"([^"?]+)"', source))
        rows = table_rows(section(README, "What you see"))
        shown = {row[0] for row in rows if not row[0].startswith("`")}
        self.assertEqual(shown, sentences)

    def test_words_in_the_manual_are_those_of_the_traversal(self):
        manual = " ".join(read("peer/peer.1").split())
        for place, function in (("action", "name_of(Reason"), ("technique", "name_of(Technique")):
            source = read(f"shared/traversal/{place}.cpp").split(function)[1].split("\n}")[0]
            names = re.findall(r'return "(\w+)"', source)
            self.assertGreater(len(names), 5)
            listed = re.search(rf"\({names[0]}, ([\w, ]+)\)", manual)
            self.assertIsNotNone(listed, names[0])
            words = [names[0], *listed[1].replace(" or ", ", ").split(", ")]
            self.assertEqual(sorted(words), sorted(names))

    def test_files_are_those_of_the_programs(self):
        said = "".join(string_literals(folder) for folder in
                       ("peer", "peer/files", "rendezvous", "shared/net")).splitlines()
        for row in table_rows(section(README, "Files and directories")):
            for part in row[0].strip("`").split("/"):
                end = part.replace("NAME", "{}") if part.endswith(".sock") else part
                if part not in ("STATE", "RUN", "NAME.key"):
                    self.assertTrue(any(end in literal for literal in said), row[0])

    def test_direct_pairs_are_those_of_the_grid(self):
        grid = re.findall(r'\{"(\w+)",\s+"([Dgr ]+)"\}', read("tests/lab/grid_test.cpp"))
        self.assertGreater(len(grid), 10)
        rows = table_rows(section(README, "Which pairs go direct"))[:9]
        names = [row[0] for row in rows]
        classes = [self.class_of(profile) for profile, _ in grid]
        self.assertEqual(set(classes), set(names))
        words = {"D": "direct", "g": "guess", "r": "relay"}
        for a, (_, outcomes) in zip(classes, grid):
            self.assertEqual(len(outcomes.replace(" ", "")), len(grid))
            for b, outcome in zip(classes, outcomes.replace(" ", "")):
                cell = rows[names.index(a)][1 + names.index(b)]
                self.assertEqual(cell, words[outcome], f"{a} x {b}")

    @staticmethod
    def class_of(profile):
        if profile == "open":
            return "public"
        if profile.startswith("linux_masquerade"):
            return "symmetric, random" if profile.endswith("random") else "EIM, APDF"
        mapping, filtering, *allocation = profile.split("_")
        if mapping == "eim":
            return f"EIM, {filtering.upper()}"
        if filtering != "apdf":
            return f"symmetric, {filtering.upper()}"
        if allocation == ["r"]:
            return "symmetric, random"
        return "ADM, preserving" if mapping == "adm" else "symmetric, predictable"

    def test_named_tests_exist(self):
        netns = read("tests/netns/netns_test.cpp")
        rows = table_rows(section(README, "Which pairs go direct"))
        named = [row[2].strip("`") for row in rows if len(row) == 3]
        self.assertGreater(len(named), 5)
        for name in named:
            self.assertIn(f"TEST_F(Programs, {name})", netns)

    def test_man_pages_are_well_formed(self):
        known = {"TH", "SH", "SS", "TP", "PP", "IP", "B", "I", "BR", "BI", "RB", "RI", "IR", "RS",
                 "RE", "nf", "fi", "br"}
        for page in (PEER_MAN, SERVER_MAN):
            text = page.read_text(encoding="utf-8")
            self.assertTrue(text.startswith(".TH "), page)
            for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SIGNALS", "EXIT STATUS",
                          "FILES", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"):
                self.assertIn(f"\n.SH {title}\n", text, page)
            self.assertRegex(text, rf"\.SH NAME\n{page.stem} \\- \w")
            for line in text.splitlines():
                self.assertNotRegex(line, r"^'|\s$|\t", page)
                if line.startswith(".") and not line.startswith('.\\" '):
                    self.assertIn(re.match(r"\.(\w*)", line).group(1), known, line)
            self.assertEqual(text.count("\n.nf\n"), text.count("\n.fi\n"), page)

    def test_man_pages_name_the_variables_that_are_read(self):
        for page, others in ((PEER_MAN, {"STATE_DIRECTORY", "LISTEN_PID", "LISTEN_FDS"}),
                             (SERVER_MAN, {"XDG_CONFIG_HOME"})):
            text = "".join(path.read_text(encoding="utf-8")
                           for folder in (page.parent, ROOT / "shared/net")
                           for path in folder.rglob("*.cpp"))
            variables = set(re.findall(READS, text)) - others
            self.assertIn("HOME", variables)
            described = man_text(page).split(".SH ENVIRONMENT")[1].split(".SH ")[0]
            named = set(re.findall(r"[A-Z_]{4,}", described.replace("\\fB", " ")))
            self.assertLessEqual(variables, named, page)

    def test_man_pages_give_no_warnings(self):
        if not shutil.which("groff"):
            self.skipTest("there is no groff here")
        for page in (PEER_MAN, SERVER_MAN):
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", str(page)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
