"""greeter.py SERVER MY_ID [PEER_ID]: as greeter.c, by way of ctypes."""

import ctypes
import sys

pinhole = ctypes.CDLL("libpinhole.so.0")


class Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("id", ctypes.c_char_p), ("server", ctypes.c_char_p),
                ("key_file", ctypes.c_char_p), ("key", ctypes.c_void_p),
                ("psk_file", ctypes.c_char_p), ("server_key", ctypes.c_char_p),
                ("accept", ctypes.c_int), ("flags", ctypes.c_uint32)]


class Event(ctypes.Structure):  # of `as` only the message
    _fields_ = [("type", ctypes.c_int), ("peer", ctypes.c_uint32), ("id", ctypes.c_char_p),
                ("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("channel", ctypes.c_uint8)]


CONNECTED, MESSAGE, CLOSED = 4, 5, 7
KEEP_TRYING = 1
pinhole.pinhole_last_error.restype = ctypes.c_char_p
pinhole.pinhole_next_event.restype = ctypes.POINTER(Event)


def check(code):
    if code < 0:
        sys.exit(pinhole.pinhole_last_error().decode())


def main(server, me, other=None):
    config = Config(size=ctypes.sizeof(Config), id=me.encode(), server=server.encode())
    node = ctypes.c_void_p()
    check(pinhole.pinhole_open(ctypes.byref(config), ctypes.byref(node)))
    if other:
        check(pinhole.pinhole_connect(node, other.encode(), KEEP_TRYING, None))
    done = False
    while not done:
        check(pinhole.pinhole_poll(node, -1))
        while event := pinhole.pinhole_next_event(node):
            event = event.contents
            if event.type == CONNECTED:
                text = f"hello from {me}".encode()
                check(pinhole.pinhole_send(node, event.peer, 1, text, ctypes.c_size_t(len(text)), 0))
            elif event.type == MESSAGE:
                print(ctypes.string_at(event.data, event.size).decode())
                if other:
                    check(pinhole.pinhole_disconnect(node, event.peer))
            elif event.type == CLOSED:
                done = True
    pinhole.pinhole_close(node)


main(*sys.argv[1:])
