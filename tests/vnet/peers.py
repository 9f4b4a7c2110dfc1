"""The real programs, `rendezvous` and `peer`, in a virtual lab: start them, read their events,
say how they are connected."""

import dataclasses
import json
import os
import pathlib
import time

from virtual_lab import SERVER, Failure

# Reasons that a later one replaces.
PASSING_REASONS = {"checking", "guessing"}
START_SECONDS = 15


@dataclasses.dataclass
class Programs:
    vnet: str
    peer: str
    rendezvous: str

    @staticmethod
    def in_folder(folder):
        """The programs of a build directory."""
        found = {}
        for name, place in (("vnet", "tests/vnet"), ("peer", "peer"), ("rendezvous", "rendezvous")):
            path = pathlib.Path(folder) / place / name
            if not path.is_file():
                raise Failure(f"there is no program {path}")
            found[name] = str(path.resolve())
        return Programs(**found)

    @staticmethod
    def from_environment():
        """As ctest names them."""
        names = {"vnet": "PINHOLE_VNET", "peer": "PINHOLE_PEER", "rendezvous": "PINHOLE_RENDEZVOUS"}
        missing = [name for name in names.values() if name not in os.environ]
        if missing:
            raise Failure(f"{' and '.join(missing)} must name the programs; ctest sets them")
        return Programs(**{key: os.environ[name] for key, name in names.items()})


def server_options(topology):
    """What a topology wants of its rendezvous: the words of its line "# server: ..."."""
    for line in pathlib.Path(topology).read_text(encoding="utf-8").splitlines():
        if line.startswith("# server: "):
            return line.removeprefix("# server: ").split()
    return []


def start_rendezvous(lab, programs):
    """The server of the lab's topology, listening."""
    options = server_options(lab.topology)
    server = lab.start("srv", [programs.rendezvous, "--state-dir", lab.work / "state", *options],
                       name="rendezvous")
    if not server.wait_for(lambda _at, _kind, text: "listening on udp" in text, START_SECONDS):
        raise Failure("the rendezvous does not say that it listens")
    return server


class ChatPeer:
    """A `peer --json` that chats."""

    def __init__(self, lab, programs, name, *, calls=(), options=()):
        self.name = name
        self.program = lab.start(name, [programs.peer, "--id", name, "--via", SERVER, "--json",
                                        *options, *calls])

    def events(self, **wanted):
        """(time, event) of all events so far that have these fields."""
        self.program.pump()
        for at, kind, text in self.program.lines:
            event = as_event(kind, text)
            if event and all(event.get(key) == value for key, value in wanted.items()):
                yield at, event

    def wait_for(self, seconds, **wanted):
        """The time of the first event with these fields, or None."""

        def accept(_at, kind, text):
            event = as_event(kind, text)
            return event is not None and all(event.get(k) == v for k, v in wanted.items())

        line = self.program.wait_for(accept, seconds)
        return line[0] if line else None

    def wait_until_registered(self):
        at = self.wait_for(START_SECONDS, event="registered")
        if at is None:
            raise Failure(f"{self.name} does not register")
        return at

    def path(self):
        """The last path event, or an empty one."""
        last = {}
        for _at, last in self.events(event="path"):
            pass
        return last

    def say(self, text):
        self.program.say(text)

    def leave(self):
        """Ends in good order, as at the end of input; the exit status or None."""
        self.program.close_input()
        return self.program.wait_for_end(20)


def as_event(kind, text):
    if kind != "out":
        return None
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


@dataclasses.dataclass
class Outcome:
    """How two peers ended up."""

    path: str  # direct, relay, lost, none, or mixed while the two do not agree
    reason: str  # of a relay
    seconds: float  # until both had that path
    datagrams: int  # that both have sent until then
    guesses: int = 0  # of ports, that were begun until then

    def __str__(self):
        return f"{self.path} {self.reason}".strip()


def outcome_of(lab, peers, begin, sent_before):
    """The outcome as it stands now."""
    paths = [peer.path() for peer in peers]
    words = {path.get("path", "none") for path in paths}
    word = words.pop() if len(words) == 1 else "mixed"
    reasons = {path.get("reason", "") for path in paths if path.get("path") == "relay"}
    times = []
    for peer in peers:
        times += [at for at, event in peer.events(event="path", path=word)][:1]
    seconds = max(times) - begin if times else time.monotonic() - begin
    datagrams = sum(lab.sent_by(peer.name) for peer in peers) - sent_before
    reason = "" if word == "direct" else " ".join(sorted(reasons))
    guesses = max(path.get("guesses", 0) for path in paths)
    return Outcome(word, reason, seconds, datagrams, guesses)


def settle(lab, peers, begin, *, seconds, sent_before=0, expected=None):
    """Waits until both are direct, or relayed for a lasting reason and not expected to get better;
    what it is at the end of the time otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        now = outcome_of(lab, peers, begin, sent_before)
        is_final = now.path == "direct" or (
            now.path == "relay" and not PASSING_REASONS & set(now.reason.split()) and
            expected in (None, str(now)))
        if is_final or time.monotonic() > deadline:
            return now
        for peer in peers:
            if peer.program.process.poll() is not None:
                raise Failure(f"{peer.name} ended by itself")
        time.sleep(0.02)


def talk(peers, seconds=15):
    """A text each way, confirmed to its sender."""
    for speaker, listener in (peers, reversed(peers)):
        text = f"hello from {speaker.name}"
        before = sum(1 for _ in speaker.events(event="delivered"))
        speaker.say(text)
        if listener.wait_for(seconds, event="message", peer=speaker.name, text=text) is None:
            raise Failure(f"{listener.name} did not get: {text}")
        deadline = time.monotonic() + seconds
        while sum(1 for _ in speaker.events(event="delivered")) == before:
            if time.monotonic() > deadline:
                raise Failure(f"{speaker.name} was not told of the delivery of: {text}")
            time.sleep(0.02)
