#!/usr/bin/python3
"""Does PINHOLE_ENET=fetch give an ENet that runs on our platform layer? Asked of a small stand-in for
ENet's sources, with its files, the functions of its unix.c and the system's headers; and of the real
ones where ENET_SOURCES names them.
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

ROOT = Path(__file__).resolve().parents[2]

# All of ENet that calls the system. As there, time and sockets are not ours.
UNIX = ("initialize deinitialize host_random_seed time_get time_set address_set_host_ip "
        "address_set_host address_get_host_ip address_get_host socket_bind socket_get_address "
        "socket_listen socket_create socket_set_option socket_get_option socket_connect "
        "socket_accept socket_shutdown socket_destroy socket_send socket_receive "
        "socketset_select socket_wait").split()

# As much of a host as the probe looks at. It needs every function of unix.c: if our layer lacked one,
# the linker would take that file, and find the others twice.
HOST = r"""
#include <stdlib.h>
#include <enet/enet.h>
void* const used[] = {USED};
int enet_initialize_with_callbacks(ENetVersion version, const ENetCallbacks* ours) { return 0; }
ENetVersion enet_linked_version(void) { return used[0] != 0 ? ENET_VERSION : 0; }
ENetHost* enet_host_create(const ENetAddress* at, size_t peers, size_t channels, enet_uint32 in,
                           enet_uint32 out) {
    ENetHost* host = calloc(1, sizeof *host);
    host->peers = calloc(1, sizeof *host->peers);
    host->socket = enet_socket_create(ENET_SOCKET_TYPE_DATAGRAM);
    return host;
}
ENetPeer* enet_host_connect(ENetHost* host, const ENetAddress* to, size_t channels, enet_uint32 data) {
    host->peers->address = *to;
    return host->peers;
}
int enet_host_service(ENetHost* host, ENetEvent* event, enet_uint32 timeout) {
    ENetBuffer connect = {.data = "connect", .dataLength = 7};
    host->serviceTime = enet_time_get();
    return enet_socket_send(host->socket, &host->peers->address, &connect, 1) == 7 ? 0 : -1;
}
void enet_host_destroy(ENetHost* host) {
    enet_socket_destroy(host->socket);
    free(host->peers);
    free(host);
}
"""


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


class FetchedEnet(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def configure(self, sources):
        return run("cmake", "-S", ROOT / "tests/consumer/fetched_enet", "-B", self.folder / "build",
                   f"-DPINHOLE={ROOT}", "-DPINHOLE_ENET=fetch",
                   f"-DFETCHCONTENT_SOURCE_DIR_ENET={sources}")

    def probe(self, sources):
        done = self.configure(sources)
        for words in (["cmake", "--build", self.folder / "build"], [self.folder / "build/probe"]):
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            done = run(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_our_platform_layer_wins_over_the_one_in_the_sources(self):
        found = run("pkg-config", "--variable=includedir", "libenet").stdout.strip()
        if not found:
            self.skipTest("the stand-in needs the headers of libenet-dev")
        sources = self.folder / "enet"
        shutil.copytree(Path(found) / "enet", sources / "include/enet")
        cmake = (ROOT / "scripts/cmake/PinholeEnet.cmake").read_text(encoding="utf-8")
        for name in re.search(r"set\(PINHOLE_ENET_SOURCES\s+(.*?)\)", cmake)[1].split():
            (sources / name).write_text(f"int {name[:-2]}_is_compiled;\n", encoding="utf-8")
        (sources / "unix.c").write_text(
            "".join(f"int enet_{name}(void) {{ return 1; }}\n" for name in UNIX), encoding="utf-8")
        used = ", ".join(f"(void*)enet_{name}" for name in UNIX)
        (sources / "host.c").write_text(HOST.replace("USED", used), encoding="utf-8")
        self.probe(sources)

    @unittest.skipUnless(os.environ.get("ENET_SOURCES"), "ENET_SOURCES names no sources of ENet")
    def test_real_sources_run_on_our_platform_layer(self):
        self.probe(os.environ["ENET_SOURCES"])

    def test_a_folder_without_sources_is_refused(self):
        done = self.configure(self.folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(" ".join(done.stderr.split()), r"holds no ENet sources \(include/enet/enet\.h\)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
