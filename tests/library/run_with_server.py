#!/usr/bin/python3
"""run_with_server RENDEZVOUS PROGRAM: runs PROGRAM with the address of a rendezvous on the loopback
interface and a folder of its own as arguments. The exit code is the program's.
"""

import subprocess
import sys
import tempfile


def start(rendezvous, folder):
    for _ in range(5):
        server = subprocess.Popen([rendezvous, "--bind", "127.0.0.1:0", "--state-dir", folder],
                                  stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "on each machine" in line:
                return server, line.split()[-1]
        server.wait()  # the port after the one it got was somebody else's
    sys.exit("".join(lines))


def main():
    rendezvous, program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(rendezvous, folder + "/server")
        try:
            return subprocess.run([program, address, folder], timeout=100, check=False).returncode
        finally:
            server.terminate()
            server.communicate()


if __name__ == "__main__":
    sys.exit(main())
