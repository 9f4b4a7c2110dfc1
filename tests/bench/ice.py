"""libnice beside us: the same call on the same link, for first_message.py."""

import socket
import threading

from runs import SLACK, Failure, figures
from virtual_lab import SERVER

STUN_PORT = 34780  # that of the benchmarks' rendezvous, which answers STUN as well
# One for each call: the last one's connections linger.
SIGNALLING_PORTS = {"prepared": 34790, "trickled": 34791}
MISSING = "libnice: not measured, ice_message was not built; scripts/setup --bench installs libnice"
# What is in a row's time, said beside it: an offer and an answer each cross the relay of lines,
# whose TCP connections stand before the call. One crossing takes what our rendezvous takes.
HOW = ("libnice: unsealed; offer and answer, 1 RTT each, by TCP through a relay at the rendezvous, "
       "whose connections stand before")
STEPS = {
    "libnice, gathered before: call to connected": ("prepared_call", "connected_ms"),
    "libnice, gathered before: call to message": ("prepared_arrived", "message_ms"),
    "libnice, from nothing: call to connected": ("trickled_call", "connected_ms"),
    "libnice, from nothing: call to message": ("trickled_arrived", "message_ms"),
}


class Relay:
    """Passes bytes between the two that connect first, in the server's namespace."""

    def __init__(self, lab, port):
        self._listener = lab.socket("srv", (SERVER, port), kind=socket.SOCK_STREAM)
        self._listener.listen(2)
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while len(self._ends) < 2:
                end = self._listener.accept()[0]
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._ends.append(end)
        except OSError:
            return
        for here, there in (self._ends, self._ends[::-1]):
            threading.Thread(target=self._pass, args=(here, there), daemon=True).start()

    @staticmethod
    def _pass(here, there):
        try:
            while data := here.recv(65536):
                there.sendall(data)
        except OSError:
            pass

    def close(self):
        for one in (self._listener, *self._ends):
            one.close()


def is_built(build):
    return program(build).exists()


def program(build):
    return build / "tests/bench/ice_message"


def call_both(lab, build):
    """The figures of a call with candidates gathered before, and of one from nothing. Of a call
    that libnice gives up there are none."""
    out = {}
    for mode in ("prepared", "trickled"):
        try:
            printed = call(lab, build, mode)
        except Failure:
            continue
        out |= {f"{mode}_{line}": values for line, values in printed.items()}
        out["libnice_call"] = printed["call"]
    return out


def call(lab, build, mode):
    """What both ends printed of one call."""
    port = SIGNALLING_PORTS[mode]
    relay = Relay(lab, port)
    options = ["--stun", f"{SERVER}:{STUN_PORT}", "--signalling", f"{SERVER}:{port}",
               *(["--trickle"] if mode == "trickled" else [])]
    try:
        bob = lab.start("bob", [program(build), "--answer", *options], name=f"bob-{mode}")
        if not bob.wait_for(lambda _at, _kind, text: text == "ready", SLACK):
            raise Failure(lab.log())
        alice = lab.start("alice", [program(build), "--call", *options], name=f"alice-{mode}")
        arrived = bob.wait_for(lambda _at, _kind, text: text.startswith("arrived"), SLACK)
        if not arrived or alice.wait_for_end(SLACK) != 0:
            raise Failure(lab.log())
        return figures("\n".join([arrived[2], *(text for _at, _kind, text in alice.lines)]))
    finally:
        relay.close()
