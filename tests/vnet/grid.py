"""Every pair of NATs with the real programs: who goes direct, how fast, at what cost. What is
expected of each cell stands in grid_expected.txt."""

import dataclasses
import math
import pathlib
import re
import statistics
import sys

from peers import ChatPeer, settle, start_rendezvous, talk
from virtual_lab import Failure, Lab, Refused, topology_path

PROFILES = ("open", "eim_eif", "eim_apdf", "apdm_random")
# Lines of their own may name these, too.
FURTHER_PROFILES = ("linux_masquerade_random",)
# Who is there first. alice always calls bob, and the pairs are ordered.
ORDERS = ("bob first", "alice first")
# Those that draw the port of every new mapping among PORTS.
RANDOM = ("apdm_random", "linux_masquerade_random")
PORTS = 65536 - 1024
EXPECTED = pathlib.Path(__file__).with_name("grid_expected.txt")
SECONDS = 60


def constants():
    """The numbers of a spray, as the programs have them."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "shared/traversal"
    text = "".join((folder / name).read_text(encoding="utf-8")
                   for name in ("shots.hpp", "shots.cpp", "spare.hpp"))
    return {name: int(value) for name, value in re.findall(r"constexpr \S+ (k\w+) = (\d+);", text)}


def first_spray_theory(pair, options):
    """The chance that one spray meets: P = 1 - exp(-K*N/M). None where nothing is drawn, or nothing
    is guessed."""
    known = constants()
    drawn = sum(nat in RANDOM for nat in pair)
    if drawn == 2 and "--low-ports" in options:
        shots = known["kLowPortSockets"] * known["kCrossfireTargets"]
        ports = known["kLowPortLast"] - known["kLowPortFirst"] + 1
        return 1 - math.exp(-(shots / ports) ** 2)
    # Who lets everybody in is found without a guess.
    if drawn == 1 and "eim_apdf" in pair:
        return 1 - math.exp(-known["kBirthdaySockets"] * known["kShotsMax"] / PORTS)
    return None


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What one line of the file says."""

    pair: tuple  # alice's NAT, bob's NAT
    outcome: str  # "direct" or "relay REASON"
    options: tuple = ()  # that both peers get, besides the usual ones

    @property
    def name(self):
        return " ".join((" x ".join(self.pair), *self.options))


def expectations(path=EXPECTED):
    """All lines; every ordered pair has at least one."""
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        options = tuple(word for word in words if word.startswith("--"))
        words = [word for word in words if not word.startswith("--")]
        is_sound = words[2:] == ["direct"] or len(words) == 4 and words[2] == "relay"
        expected = Expectation(tuple(words[:2]), " ".join(words[2:]), options)
        is_new = all(expected.name != other.name for other in out)
        if not (is_sound and is_new and set(expected.pair) <= {*PROFILES, *FURTHER_PROFILES}):
            raise Failure(f"{path.name}:{number}: not NAT NAT direct | relay REASON, or there twice")
        out.append(expected)
    missing = {(a, b) for a in PROFILES for b in PROFILES} - {each.pair for each in out}
    if missing:
        raise Failure(f"{path.name}: nothing is expected of {sorted(missing)}")
    return out


def run_once(programs, expected, order, *, seed):
    """One meeting; the outcome, after which both have talked."""
    pair = expected.pair
    with Lab(topology_path("two-homes"), programs.vnet, seed=seed,
             params={"a": pair[0], "b": pair[1]}) as lab:
        try:
            start_rendezvous(lab, programs)
            sent_before = 0
            peers = {}
            begin = 0.0
            for name in ("bob", "alice") if order == "bob first" else ("alice", "bob"):
                sent_before = sum(lab.sent_by(known) for known in peers)
                peers[name] = ChatPeer(lab, programs, name,
                                       calls=["bob"] if name == "alice" else [],
                                       options=expected.options)
                begin = peers[name].wait_until_registered()
            couple = (peers["alice"], peers["bob"])
            outcome = settle(lab, couple, begin, seconds=SECONDS, sent_before=sent_before,
                             expected=expected.outcome)
            if outcome.path in ("direct", "relay"):
                talk(couple)
            for peer in couple:
                status = peer.leave()
                if status != 0:
                    raise Failure(f"{peer.name} ends with {status}")
            return outcome
        except Failure as failure:
            raise Failure(f"{failure}\n{lab.log()}\n{lab.tell('stats')}") from None


@dataclasses.dataclass
class Cell:
    expected: Expectation
    outcomes: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)

    @property
    def good(self):
        return [outcome for outcome in self.outcomes if str(outcome) == self.expected.outcome]

    @property
    def runs(self):
        return len(self.outcomes) + len(self.failures)

    @property
    def first_spray(self):
        """How many of the guessing runs their first spray won, beside theory."""
        guessed = [outcome for outcome in self.good if outcome.guesses > 0]
        theory = first_spray_theory(self.expected.pair, self.expected.options)
        if not guessed:
            return "- | -"
        first = sum(outcome.guesses == 1 for outcome in guessed)
        said = "-" if theory is None else f"{theory:.2%}"
        return f"{first}/{len(guessed)} = {first / len(guessed):.2%} | {said}"

    def row(self):
        """Cells of a table in Markdown."""
        times = [outcome.seconds * 1000 for outcome in self.good] or [0]
        sent = [outcome.datagrams for outcome in self.good] or [0]
        return (f"| {self.expected.name} | {self.expected.outcome} | {len(self.good)}/{self.runs} "
                f"| {statistics.median(times):.0f} ms | {max(times):.0f} ms "
                f"| {statistics.median(sent):.0f} | {max(sent)} | {self.first_spray} |")


HEAD = ("| alice's NAT x bob's NAT | path | runs | median | worst | datagrams, median | worst "
        "| first spray | theory |\n"
        "|---|---|---|---|---|---|---|---|---|")


def run_cell(programs, expected, runs):
    cell = Cell(expected)
    for order in ORDERS:
        for seed in range(1, runs + 1):
            where = f"{expected.name}, {order}, seed {seed}"
            try:
                outcome = run_once(programs, expected, order, seed=seed)
            except Refused:
                raise
            except Failure as failure:
                cell.failures.append(f"{where}: {failure}")
                continue
            cell.outcomes.append(outcome)
            if str(outcome) != expected.outcome:
                print(f"{where}: {outcome}, expected {expected.outcome}", file=sys.stderr)
    for text in cell.failures:
        print(text, file=sys.stderr)
    return cell


def run(programs, *, runs):
    """All cells, `runs` times in each order; prints the table. 0 if all is as expected."""
    expected_cells = expectations()
    print(HEAD, flush=True)
    is_good = True
    for expected in expected_cells:
        cell = run_cell(programs, expected, runs)
        print(cell.row(), flush=True)
        is_good &= len(cell.good) == cell.runs
    return 0 if is_good else 1
