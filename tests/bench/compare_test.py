#!/usr/bin/python3
"""Does tests/bench/compare see what became worse, and only that?"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPARE = pathlib.Path(__file__).with_name("compare")
BASE = {
    "loopback": [
        {"what": "bulk", "name": "stock ENet, plaintext", "unit": "Mbit/s", "ratio": 1.0},
        {"what": "bulk", "name": "Pinhole, AES-256-GCM", "unit": "Mbit/s", "ratio": 5.0},
        {"what": "request", "name": "Pinhole, AES-256-GCM", "unit": "us, p50", "ratio": 1.1}],
    "links": [
        {"rtt_ms": 50, "loss": 1, "name": "Pinhole", "mbit_per_s": 90, "cpu_send": 4,
         "cpu_receive": 3},
        {"rtt_ms": 50, "loss": 1, "name": "TCP BBR", "mbit_per_s": 95, "cpu_send": 2,
         "cpu_receive": 2}],
    "fairness": [{"rtt_ms": 50, "queue_bdp": 1, "name": "two Pinhole, at once", "share": 0.55}],
    "setup": [{"condition": "clean", "step": "connect", "p50_rtt": 2.0, "p90_rtt": 2.1}],
    "server": [{"peers": 1000, "ratio": 0.9, "bytes_per_peer": 300}],
}


def compare(after, before=BASE):
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("before", "after")]
        for path, results in zip(paths, (before, after)):
            path.write_text(json.dumps(results), encoding="utf-8")
        return subprocess.run([COMPARE, *paths], capture_output=True, text=True, check=False)


class Compare(unittest.TestCase):
    def test_same_results_are_no_worse(self):
        done = compare(BASE)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("worse ", done.stdout.replace("0 worse by", ""))

    def test_sees_each_figure_that_becomes_worse(self):
        for part, row, figure, value in (
                ("loopback", 1, "ratio", 4.0), ("loopback", 2, "ratio", 1.4),
                ("links", 0, "mbit_per_s", 70), ("links", 0, "cpu_send", 5),
                ("fairness", 0, "share", 0.7), ("fairness", 0, "share", 0.3),
                ("setup", 0, "p90_rtt", 3.0), ("server", 0, "bytes_per_peer", 400)):
            after = copy.deepcopy(BASE)
            after[part][row][figure] = value
            done = compare(after)
            self.assertEqual(done.returncode, 1, f"{part} {figure} {value}: {done.stdout}")
            self.assertEqual(done.stdout.count("worse  "), 1, done.stdout)

    def test_a_slower_machine_alone_is_no_worse(self):
        after = copy.deepcopy(BASE)
        for row in after["links"]:
            for figure in ("mbit_per_s", "cpu_send", "cpu_receive"):
                row[figure] /= 2
        self.assertEqual(compare(after).returncode, 0)

    def test_tells_what_became_better(self):
        after = copy.deepcopy(BASE)
        after["server"][0]["ratio"] = 1.2
        done = compare(after)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("better server: 1000: ratio 0.9 -> 1.2", done.stdout)

    def test_results_without_a_common_row_are_an_error(self):
        self.assertEqual(compare({"server": []}).returncode, 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
