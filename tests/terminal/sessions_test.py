#!/usr/bin/python3
"""What people see: sessions at real terminals, between two NATs of the kernel, compared with the
transcripts in golden/.

    sessions_test.py [--update] [SESSION...]
        --update  writes the transcripts anew, and that of the first run into README.md; look at what
                  `git diff` says then
        SESSION   the names of the golden files; without one, all

The programs are named by PINHOLE_PEER and PINHOLE_RENDEZVOUS. Exits 77 where this machine allows no
network namespaces. What is not compared is in transcript.py.
"""

import sys

sys.dont_write_bytecode = True  # nothing is left in the tree

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import readme_test
from tmux import NotShown, Terminals
from transcript import Transcript, difference, normalised

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETNS_LAB = ROOT / "scripts/netns_lab"
PREFIX = "term"
SKIPPED = 77
SERVER = "198.51.100.10"
PLACE_OF = {"vps": "srv", "alice": "alice", "bob": "bob"}


class Desk:
    """A shell for each of vps, alice and bob, at its place in the lab and with a home of its own."""

    def __init__(self, folder, terminals):
        self.terminals = terminals
        programs = folder / "bin"
        programs.mkdir()
        for name in ("peer", "rendezvous"):
            (programs / name).symlink_to(os.path.realpath(os.environ[f"PINHOLE_{name.upper()}"]))
        self.path = f"{programs}:{os.environ['PATH']}"
        self.folder = folder

    def sit_down(self, name):
        home = self.folder / name
        home.mkdir(mode=0o700)
        environment = {
            "HOME": str(home), "PATH": self.path, "PS1": f"{name}$ ", "TERM": "screen",
            "LC_ALL": "C.UTF-8", "TZ": "UTC", "HISTFILE": "", "XDG_RUNTIME_DIR": str(home),
        }
        shell = ["env", "-i", "-C", str(home), *(f"{key}={value}" for key, value in environment.items()),
                 "bash", "--noprofile", "--norc", "--noediting"]
        screen = self.terminals.open(
            name, [str(NETNS_LAB), "exec", "--prefix", PREFIX, PLACE_OF[name], *shell])
        screen.wait_for_shell()
        return screen


def start_server(vps, options=""):
    vps.enter(f"rendezvous {options}".strip())
    vps.wait_for("^on each machine run")


def start_alice(alice):
    alice.enter(f"peer --id alice --via {SERVER}")
    alice.wait_for("on another machine run")
    alice.wait_for("^alice>")


def start_bob(bob, other="alice"):
    bob.enter(f"peer --id bob --via {SERVER} {other}")
    bob.wait_for(f"bob -> {other}:")
    bob.wait_for("^bob[^\n$]*>")


def start_both(desk):
    vps, alice, bob = (desk.sit_down(name) for name in ("vps", "alice", "bob"))
    start_server(vps)
    start_alice(alice)
    start_bob(bob)
    for screen in (alice, bob):
        screen.wait_for(r"\bdirect \d")
    return vps, alice, bob


def first_run(desk, transcript):
    """Two commands on a server and two machines, and they talk, directly."""
    vps, alice, bob = start_both(desk)
    bob.enter("Hello, is this the right alice?")
    alice.wait_for("bob: Hello")
    alice.enter("It is. No relay, no account?")
    bob.wait_for("alice: It is")
    bob.enter("None. Bye!")
    alice.wait_for("bob: None")
    bob.enter("/quit")
    alice.wait_for("^bob left")
    alice.press("C-d")
    alice.wait_for_shell()
    bob.wait_for_shell()
    for screen in (vps, alice, bob):
        transcript.add(screen.name, screen.text())


def chat(desk, transcript):
    """The prompt survives what comes in, and its commands answer."""
    _, alice, bob = start_both(desk)
    bob.type("half a li")
    bob.wait_for("^bob[^$\n]*> half a li$")
    alice.enter("are you there?")
    bob.wait_for("alice: are you there")
    bob.wait_for(r"^bob[^$\n]*> half a li\Z")
    transcript.add("bob, while he types", bob.text())
    bob.enter("ne")
    alice.wait_for("bob: half a line")
    for line, answer in (("@alice only for you", None),
                         ("@carol are you there?", "carol is not connected"),
                         ("//help is how it begins", None),
                         ("/peers", "alice connected"),
                         ("/path", "^alice: direct"),
                         ("/help", "^//text"),
                         ("/dance", "no command /dance")):
        bob.enter(line)
        if answer is not None:
            bob.wait_for(answer)
    alice.wait_for("bob: /help is how")
    bob.wait_for(r"^bob[^$\n]*>\Z")
    bob.enter("/quit")
    bob.wait_for_shell()
    alice.wait_for("^bob left")
    alice.press("C-c")
    alice.wait_for_shell()
    alice.enter("echo $?")
    alice.wait_for("^130$")
    alice.wait_for_shell()
    transcript.add("bob", bob.text())
    transcript.add("alice", alice.text())


def run_and_tell(screen, line):
    """Runs a command to its end, and shows how it ended."""
    before = screen.text().count(f"{screen.name}$")
    screen.enter(line)
    screen.wait_for(rf"^{screen.name}\$", count=before + 1)
    screen.enter("echo $?")
    screen.wait_for(rf"^{screen.name}\$", count=before + 2)


def key_change(desk, transcript):
    """A name with another key is refused, until somebody says that the key is right."""
    vps, alice, bob = (desk.sit_down(name) for name in ("vps", "alice", "bob"))
    call_bob = f"peer --id alice --via {SERVER} bob"
    be_bob = f"peer --id bob --via {SERVER}"

    def talk(count):
        alice.enter(call_bob)
        alice.wait_for("^alice -> bob:", count)
        alice.wait_for(r"^alice[^$\n]*>\Z")
        for screen in (alice, bob):
            screen.wait_for(r"\bdirect \d", count)
        alice.enter("Is it you?")
        bob.wait_for("alice: Is it you", count)
        alice.enter("/quit")
        alice.wait_for_shell()
        bob.wait_for("^alice left", count)

    start_server(vps)
    bob.enter(be_bob)
    bob.wait_for("^bob>")
    talk(1)
    bob.enter("/quit")
    bob.wait_for_shell()
    run_and_tell(bob, "rm .local/state/pinhole/identities/bob.key")
    run_and_tell(bob, be_bob)
    vps.press("C-c")
    vps.wait_for_shell()
    run_and_tell(vps, "rendezvous release bob")
    vps.enter("rendezvous")
    vps.wait_for("^on each machine run", count=2)
    bob.enter(be_bob)
    bob.wait_for("on another machine run", count=2)
    run_and_tell(alice, call_bob)
    command = re.findall("peer trust replace bob pk:[a-z2-7]{52}", alice.text())
    if not command:
        raise NotShown(f"no command to replace the key:\n{alice.text()}")
    run_and_tell(alice, command[-1])
    talk(2)
    for screen in (alice, bob):
        transcript.add(screen.name, screen.text())


def wrong_id(desk, transcript):
    """Somebody who is not there: an error for scripts, something to wait for at a prompt."""
    vps, bob = (desk.sit_down(name) for name in ("vps", "bob"))
    start_server(vps)
    run_and_tell(bob, f"peer --id bob --via {SERVER} --message hello alise")
    bob.enter(f"peer --id bob --via {SERVER} alise")
    bob.wait_for("^bob -> alise: waiting")
    bob.wait_for("^bob>")
    bob.enter("/quit")
    bob.wait_for_shell()
    transcript.add("bob", bob.text())


def no_udp(desk, transcript):
    """Alice's network lets no UDP out: over TCP, and with the reason on both sides."""
    lab("exec", "--prefix", PREFIX, "nata", "nft",
        "add table inet blocked; add chain inet blocked forward { type filter hook forward priority -10; }; "
        "add rule inet blocked forward meta l4proto udp drop")
    try:
        vps, alice, bob = (desk.sit_down(name) for name in ("vps", "alice", "bob"))
        start_server(vps, "--tcp")
        start_alice(alice)
        start_bob(bob)
        for screen, why in ((alice, "does not get out of this network; data"),
                            (bob, "does not get out of the other side's network")):
            screen.wait_for(f"relay.*{why}")
        bob.enter("Does that get through?")
        alice.wait_for("bob: Does that")
        bob.enter("/quit")
        bob.wait_for_shell()
        alice.wait_for("^bob left")
        for screen in (vps, alice, bob):
            transcript.add(screen.name, screen.text())
    finally:
        lab("exec", "--prefix", PREFIX, "nata", "nft", "delete table inet blocked")


def no_rendezvous(desk, transcript):
    """Nobody answers at that address."""
    bob = desk.sit_down("bob")
    run_and_tell(bob, f"peer --id bob --via {SERVER}:4000 --message hello alice")
    transcript.add("bob", bob.text())


SESSIONS = {session.__name__: session
            for session in (first_run, chat, key_change, wrong_id, no_udp, no_rendezvous)}
ALONE = {"no_rendezvous"}


def lab(*words):
    subprocess.run([str(NETNS_LAB), *words], check=True, timeout=60)


def run_session(name, update):
    """Nothing, or what was wrong."""
    transcript = Transcript()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pinhole-terminal-"))
    began = time.monotonic()
    try:
        with Terminals(folder) as terminals:
            try:
                SESSIONS[name](Desk(folder, terminals), transcript)
            except NotShown as error:
                screens = "\n".join(f"== {screen.name}\n{normalised(screen.text())}"
                                    for screen in terminals.screens)
                return f"{error}\nAll screens:\n{screens}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    return difference(name, transcript.text(), update)


def main():
    words = sys.argv[1:]
    update = "--update" in words
    names = [word for word in words if word != "--update"] or list(SESSIONS)
    for name in names:
        if name not in SESSIONS:
            sys.exit(f"no session {name}; there are: {' '.join(SESSIONS)}")
    if shutil.which("tmux") is None:
        print("skipped: tmux is missing; run scripts/setup")
        sys.exit(SKIPPED)
    if os.environ.get("PINHOLE_LAB") != "inside":
        if subprocess.run([str(NETNS_LAB), "probe"], check=False, timeout=60).returncode == SKIPPED:
            sys.exit(SKIPPED)
        os.execv(NETNS_LAB, [str(NETNS_LAB), "enter", sys.executable, *sys.argv])
    lab("up", "two-nats", "--prefix", PREFIX)
    # Who finds out that nobody answers is in nobody's way, and takes as long as all the others.
    with ThreadPoolExecutor() as aside:
        alone = {name: aside.submit(run_session, name, update) for name in names if name in ALONE}
        said = {name: run_session(name, update) for name in names if name not in ALONE}
        said |= {name: session.result() for name, session in alone.items()}
    lab("down", "--prefix", PREFIX)
    if update and "first_run" in names:
        readme_test.update()
    wrong = {name: text for name, text in said.items() if text}
    for name, said in wrong.items():
        print(f"\n{name} is not as it was:\n{said}")
    if wrong:
        print(f"If that is as it should be: {shlex.join([sys.argv[0], '--update', *wrong])}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
