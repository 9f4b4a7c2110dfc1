// The clients and servers on both ends of a forward, as one Python program.
#pragma once

namespace pinhole::cli {

/// Servers print "port N" and run on; clients print one line and end.
inline constexpr const char* kForwardEnds = R"(
import os, socket, struct, sys, threading

HERE = '127.0.0.1'

def read_all(s):
    out = b''
    while piece := s.recv(65536): out += piece
    return out

def serve_tcp(answer):
    listener = socket.create_server((HERE, 0), backlog=200)
    print('port', listener.getsockname()[1], flush=True)
    while True:
        s, _ = listener.accept()
        threading.Thread(target=answer, args=(s,), daemon=True).start()

def echo_after_end(s):
    s.sendall(read_all(s))
    s.close()

def reset_after_byte(s):
    s.recv(1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()

def echo_udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((HERE, 0))
    print('port', s.getsockname()[1], flush=True)
    while True:
        data, client = s.recvfrom(65536)
        s.sendto(data, client)

def many(port, count, size):
    good = []
    def one():
        data = os.urandom(size)
        s = socket.create_connection((HERE, port))
        threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
        if read_all(s) == data: good.append(1)
    threads = [threading.Thread(target=one) for _ in range(count)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(len(good), 'of', count, 'unharmed')

# A datagram may be lost, even here, so each has some tries.
def udp(port):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for s in sockets: s.settimeout(1)
    for size in (0, 1, 1200, 9000, 60000):
        for s in sockets:
            data = os.urandom(size)
            for attempt in range(10):
                s.sendto(data, (HERE, port))
                try:
                    while s.recv(65536) != data: pass
                    break
                except TimeoutError: pass
            else: sys.exit(f'{size} bytes did not come back')
    print('all came back')

def expect_reset(port):
    try:
        s = socket.create_connection((HERE, port))
        s.sendall(b'x')
        print('end' if not s.recv(1) else 'data')
    except ConnectionResetError: print('reset')

what, numbers = sys.argv[1], [int(word) for word in sys.argv[2:]]
{'echo-after-end': lambda: serve_tcp(echo_after_end),
 'reset-after-byte': lambda: serve_tcp(reset_after_byte),
 'echo-udp': echo_udp, 'many': many, 'udp': udp, 'expect-reset': expect_reset}[what](*numbers)
)";

/// An SSH server on 127.0.0.1 that takes the key in ./user: $0 is the program, $1 the port. It
/// wants a user `sshd`, so it gets a list of users of its own, in a mount namespace of its own.
inline constexpr const char* kSshServer = R"(
set -e
cd "$HOME"
for key in host user; do ssh-keygen -q -t ed25519 -N '' -f $key; done
install -m 600 user.pub keys
(cat /etc/passwd; echo 'sshd:x:65000:65534::/run/sshd:/usr/sbin/nologin') >passwd
cat >config <<TEXT
ListenAddress 127.0.0.1:$1
HostKey $PWD/host
AuthorizedKeysFile $PWD/keys
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
TEXT
export SSHD="$0"
exec unshare --mount sh -c '
    mount --bind passwd /etc/passwd && mount -t tmpfs none /run && mkdir /run/sshd &&
        exec "$SSHD" -D -e -f "$PWD/config"'
)";

}  // namespace pinhole::cli
