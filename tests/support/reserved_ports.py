"""Ports of 127.0.0.1 that a test gives to its programs; see reserved_ports.hpp, which shares the names."""

import errno
import os
import socket

LOWEST = 10_000
# One socket for each port, until this process ends.
NAMES = []


def first_of_the_system():
    """The lowest port that the system gives to whoever asks for any."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    return first if first > LOWEST + 1000 else 32_768


def hold_name(port):
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0pinhole-port-{port}")
    except OSError:
        name.close()
        return None
    return name


def is_free(port):
    """On both loopback addresses, as far as there are both."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                with socket.socket(family, kind) as one:
                    one.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def reserved_ports(count=1):
    """The first of so many neighbours that are free for TCP and for UDP, and stay ours."""
    span = first_of_the_system() - LOWEST
    # Tests that run side by side have ids that are close together, and begin apart.
    start = os.getpid() * 16
    for at in range(start, start + span):
        first = LOWEST + at % span
        names = [hold_name(port) for port in range(first, first + count)]
        if all(names) and all(is_free(port) for port in range(first, first + count)):
            NAMES.extend(names)
            return first
        for name in filter(None, names):
            name.close()
    raise OSError("no port is free")
