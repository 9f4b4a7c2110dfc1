"""One file from alice to bob, cut again and again: either program is killed and started again with
the same words, either router forgets its mappings or gets another address, or nothing passes for
seconds. What counts at the end: the same bytes, little sent twice, little memory.

Sent again is what one connection was given of the file and the next one had to be given anew: what
was on its way, and what had come of a chunk. A cut that the connection survives costs nothing of
that; what it lost on the way (and, while the direct path is in doubt, what also went by the relay)
is in a column of its own, from the counters of bob's router and the core."""

import hashlib
import json
import random
import signal
import time

from two_homes import SERVER, TwoHomes
from virtual_lab import Failure

MIB = 1 << 20
CHUNK = 256 << 10
AGAIN_MAX = MIB
MEMORY_MAX = 64 * MIB
# A look at the progress costs little, and a chunk comes every few milliseconds.
LOOK = 0.003
START = 20
# Long after both sides have called a connection dead.
STALL = 120
BLACKOUT_SECONDS = (2, 6)
KINDS = ("kill the sender", "kill the receiver", "rebind a NAT", "blackout")


class Side:
    """One of the two programs, over all its lives."""

    def __init__(self, lab, host, argv):
        self.host = host
        self.memory = 0
        self._lab = lab
        self._argv = argv
        self.program = None
        self.start()

    def start(self):
        self.program = self._lab.start(self.host, self._argv, self.host)
        if not self.wait_for("registered", START):
            raise Failure(f"{self.host} does not register")

    def kill(self):
        self.look()
        self.program.process.send_signal(signal.SIGKILL)
        self.program.process.wait()

    def look(self):
        """Notes how much memory it has had, and that it has not ended."""
        try:
            with open(f"/proc/{self.program.process.pid}/status", encoding="utf-8") as file:
                peaks = [line.split()[1] for line in file if line.startswith("VmHWM")]
        except FileNotFoundError:
            peaks = []
        if peaks:
            self.memory = max(self.memory, int(peaks[0]) * 1024)
        return self.program.process.poll()

    def mark(self):
        self.program.pump()
        return len(self.program.lines)

    def events(self, name, since=0):
        self.program.pump()
        found = (event_of(*line) for line in self.program.lines[since:])
        return [event for event in found if event.get("event") == name]

    def wait_for(self, name, seconds, since=0):
        return self.program.wait_for(lambda *line: event_of(*line).get("event") == name, seconds,
                                     since)


def event_of(_at, kind, text):
    return json.loads(text) if kind == "out" and text.startswith("{") else {}


class Cut:
    """What is done at which byte, and what came of it."""

    def __init__(self, kind, at, dice):
        self.kind = kind
        self.at = at
        self.host = dice.choice(("alice", "bob"))
        self.readdresses = dice.random() < 0.5
        self.seconds = dice.uniform(*BLACKOUT_SECONDS)
        # A chunk is not seen before it is whole: the cut falls anywhere into the next one.
        self.share_of_chunk = dice.random()
        self.byte = 0
        self.stood_still = 0
        self.sent_again = 0
        self.lost = 0

    def words(self):
        if self.kind == "rebind a NAT":
            how = "other address" if self.readdresses else "other ports"
            return f"rebind {self.host}'s NAT, {how}"
        if self.kind == "blackout":
            return f"blackout of {self.seconds:.1f} s"
        return self.kind


def planned(cuts, size, dice):
    """Each cut has its share of the bytes, and falls somewhere into it; each kind has its turn."""
    kinds = [KINDS[i % len(KINDS)] for i in range(cuts)]
    dice.shuffle(kinds)
    share = size / (cuts + 1)
    return [Cut(kind, int(share * (i + 0.5 + dice.random() / 2)), dice)
            for i, kind in enumerate(kinds)]


class Transfer:
    def __init__(self, lab, programs, size, dice):
        self.lab = lab
        self.size = size
        self.source = lab.work / "photo.raw"
        self.target = lab.work / "received"
        self.target.mkdir()
        self.hash = self._write_source(dice)
        lab.start("srv", [programs["rendezvous"], "--state-dir", lab.work / "rendezvous"], "srv")
        common = ["--via", SERVER, "--json"]
        self.bob = Side(lab, "bob", [programs["peer"], "receive", "--id", "bob", *common, "--once",
                                     self.target])
        self.alice = Side(lab, "alice", [programs["peer"], "send", "--id", "alice", *common,
                                         "--wait", self.source, "bob"])
        # Where the connection that stands began.
        self.base = 0

    def _write_source(self, dice):
        out = hashlib.sha256()
        left = self.size
        with open(self.source, "wb") as file:
            while left > 0:
                piece = dice.randbytes(min(left, MIB))
                left -= file.write(piece)
                out.update(piece)
        return out.hexdigest()

    def stored(self):
        sizes = [0]
        for entry in self.target.iterdir():
            try:
                sizes.append(entry.stat().st_size)
            except FileNotFoundError:
                pass  # it got its name just now
        return max(sizes)

    def wait_for_more_than(self, bytes_stored):
        """Until so much is stored; the seconds that took."""
        begun = moved = time.monotonic()
        before = self.stored()
        while (now := self.stored()) <= bytes_stored:
            if now != before:
                before, moved = now, time.monotonic()
            for side in (self.alice, self.bob):
                if side.look() is not None:
                    raise Failure(f"{side.host} ended at {mib(now)}")
            if time.monotonic() - moved > STALL:
                raise Failure(f"nothing moves any more at {mib(now)}")
            time.sleep(LOOK)
        return time.monotonic() - begun

    def make(self, cut):
        rate = self._rate()
        self.wait_for_more_than(cut.at)
        time.sleep(cut.share_of_chunk * CHUNK / rate)
        lost = self.lab.lost()
        marks = {side: side.mark() for side in (self.alice, self.bob)}
        begun = time.monotonic()
        self._do(cut, marks)
        cut.byte = self.stored()
        self.wait_for_more_than(cut.byte)
        cut.stood_still = time.monotonic() - begun
        cut.lost = self.lab.lost() - lost
        cut.sent_again = self._sent_again(marks)

    def _rate(self):
        progress = self.alice.events("progress")
        return max(progress[-1]["rate"] if progress else 0, 4 * MIB)

    def _do(self, cut, marks):
        if cut.kind == "kill the sender":
            self.alice.kill()
            self.alice.start()
            marks[self.alice] = 0
        elif cut.kind == "kill the receiver":
            self.bob.kill()
            self.bob.start()
            marks[self.bob] = 0
        elif cut.kind == "blackout":
            self.lab.black_out()
            time.sleep(cut.seconds)
            self.lab.light_up()
        elif cut.readdresses:
            self.lab.readdress(cut.host)
        else:
            self.lab.map_anew(cut.host)

    def _sent_again(self, marks):
        """Bytes of the file that were sent over a connection that is no more, and not stored."""
        if not self.alice.wait_for("transfer_started", 0.5, marks[self.alice]):
            return 0  # It survived.
        resumed = self.alice.events("file_resumed", marks[self.alice])
        goes_on_at = resumed[-1]["bytes"] if resumed else 0
        # Who lives tells how much it was; the sender knows more.
        tellers = [side.events("transfer_cut", marks[side]) for side in (self.alice, self.bob)]
        ways = [(event["sent"] if "sent" in event else event["carried"])
                for events in tellers for event in events]
        if not ways:
            raise Failure("nobody tells how much was sent before the cut")
        sent, self.base = self.base + max(ways) - goes_on_at, goes_on_at
        return sent

    def finish(self):
        """Until both programs have ended well."""
        deadline = time.monotonic() + STALL
        while self.alice.look() is None or self.bob.look() is None:
            if time.monotonic() > deadline and self.stored() < self.size:
                raise Failure(f"nothing moves any more at {mib(self.stored())}")
            time.sleep(LOOK)
        for side in (self.alice, self.bob):
            status = side.program.wait_for_end(START)
            if status != 0:
                raise Failure(f"{side.host} ended with {status}")
        whole = self.target / self.source.name
        if [entry.name for entry in self.target.iterdir()] != [whole.name]:
            raise Failure("there is not exactly the one file at bob's")
        with open(whole, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self.hash:
                raise Failure("the hashes are not equal")


def mib(count):
    return f"{count / MIB:.1f} MiB"


def kib(count):
    return f"{count / 1024:.0f} KiB"


def broken_bounds(cuts, sides):
    """Words about each bound that does not hold."""
    out = [f"cut {number} ({cut.words()}) made {kib(cut.sent_again)} be sent again, more "
           f"than {kib(AGAIN_MAX)}" for number, cut in enumerate(cuts, 1)
           if cut.sent_again > AGAIN_MAX]
    return out + [f"{side.host} took {mib(side.memory)} of memory, not less than {mib(MEMORY_MAX)}"
                  for side in sides if side.memory >= MEMORY_MAX]


def soak(programs, size, cuts, seed, rate):
    """Prints what happens; the bounds that were broken, in words."""
    dice = random.Random(seed)
    with TwoHomes(rate) as lab:
        try:
            transfer = Transfer(lab, programs, size, dice)
            plan = planned(cuts, size, dice)
            begun = time.monotonic()
            print(f"{mib(size)} over {rate} between two NATs, {cuts} cuts, seed {seed}\n"
                  f"{'':4}{'at byte':>12}  {'what':32}{'stood still':>12}{'sent again':>12}"
                  f"{'lost':>10}", flush=True)
            for number, cut in enumerate(plan, 1):
                transfer.make(cut)
                print(f"{number:3} {cut.byte:12}  {cut.words():32}{cut.stood_still:10.1f} s"
                      f"{kib(cut.sent_again):>12}{kib(cut.lost):>10}", flush=True)
            transfer.finish()
        except Failure as failure:
            raise Failure(f"{failure}\n{lab.log()}") from failure
        sides = (transfer.alice, transfer.bob)
        seconds = time.monotonic() - begun
        again = sum(cut.sent_again for cut in plan)
        worst = max((cut.sent_again for cut in plan), default=0)
        print(f"SHA-256 {transfer.hash} at both sides\n"
              f"sent again: {mib(again)} in all, at most {kib(worst)} for one cut\n"
              f"memory: " + ", ".join(f"{side.host} {mib(side.memory)}" for side in sides) +
              f"\ntime: {seconds:.0f} s")
        return broken_bounds(plan, sides)
