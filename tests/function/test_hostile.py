"""Clients that mean no good, as bytes of HTTP/2: afterwards the server answers others, and holds no more memory or files."""
import socket
import struct
import time

import pytest
from process_usage import usage

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
METHOD = "/apiextensions.fn.proto.v1.FunctionRunnerService/RunFunction"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    """A literal that is not indexed (RFC 7541, 6.2.2); both parts are shorter than 127 bytes."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


REQUEST = (field(":method", "POST") + field(":scheme", "http") + field(":path", METHOD) + field(":authority", "x")
           + field("content-type", "application/grpc") + field("te", "trailers"))
EMPTY_MESSAGE = b"\0\0\0\0\0"
GRPC_STATUS = (b"grpc-status", b"\x9a\xca\xc8\xb2\x12\x34\xda\x8f")  # plain, and in HPACK's Huffman code


def start(settings=b""):
    return PREFACE + frame(SETTINGS, payload=settings)


def small_call(stream=1):
    return frame(HEADERS, END_HEADERS, stream, REQUEST) + frame(DATA, END_STREAM, stream, EMPTY_MESSAGE)


def resets():
    yield start()
    for stream in range(1, 20001, 2):
        yield small_call(stream) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def resets_of_large_messages():
    yield start()
    message = b"\0" + struct.pack(">I", 900000) + b"\xff" * 900000
    for stream in range(1, 801, 2):
        yield frame(HEADERS, END_HEADERS, stream, REQUEST)
        for at in range(0, len(message), 16384):
            yield frame(DATA, END_STREAM if at + 16384 >= len(message) else 0, stream, message[at:at + 16384])
        yield frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def continuations():
    yield start() + frame(HEADERS, 0, 1, REQUEST)
    for _ in range(20000):
        yield frame(CONTINUATION, 0, 1, field("x-more", "y" * 100) * 100)


def header_bomb():
    """One long field in the table, named again and again by one byte each."""
    yield start() + frame(HEADERS, END_HEADERS, 1, b"\x40\x01x\x7f\x81\x1e" + b"y" * 4000)
    for stream in range(3, 2003, 2):
        yield frame(HEADERS, END_HEADERS, stream, REQUEST + b"\xbe" * 16000)


def settings():
    yield start()
    for _ in range(50000):
        yield frame(SETTINGS, payload=struct.pack(">HI", 4, 65535))


def pings():
    yield start()
    for _ in range(100000):
        yield frame(PING, payload=b"12345678")


def empty_data():
    yield start() + frame(HEADERS, END_HEADERS, 1, REQUEST)
    for _ in range(100000):
        yield frame(DATA, 0, 1)


def no_window():
    """Asks, and lets nobody answer."""
    yield start(struct.pack(">HI", 4, 0))
    for stream in range(1, 257, 2):
        yield small_call(stream)


def half_messages():
    yield start()
    for stream in range(1, 201, 2):
        yield frame(HEADERS, END_HEADERS, stream, REQUEST) + frame(DATA, 0, stream, b"\0" + struct.pack(">I", 4000000) + b"x" * 100)


def wrong_frames():
    yield start() + frame(DATA, 0, 1, b"x") + frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 0)) + frame(99, 255, 7, b"x" * 100)
    yield frame(HEADERS, END_HEADERS, 2, REQUEST) + frame(GOAWAY, 0, 0, b"\0" * 8) + b"\xff" * 100


ATTACKS = [resets, resets_of_large_messages, continuations, header_bomb, settings, pings, empty_data, no_window, half_messages,
           wrong_frames]


def connect(server):
    host, port = server.target.split(":")
    s = socket.create_connection((host, int(port)), timeout=10)
    s.settimeout(3)
    return s


def attack(server, frames):
    """Sends until the server closes, or all is said; reads nothing but what is in the way."""
    with connect(server) as s:
        try:
            for piece in frames():
                s.sendall(piece)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError:
            pass


def answers(server, patience=20):
    """Whether a plain call is answered with trailers."""
    until, text = time.monotonic() + patience, b""
    with connect(server) as s:
        s.sendall(start() + small_call())
        while not any(name in text for name in GRPC_STATUS):
            if time.monotonic() > until:
                return False
            try:
                data = s.recv(65536)
            except TimeoutError:
                continue
            if not data:
                return False
            text += data
    return True


def let_go(server, files):
    """Waits until no more files than these are open; how many there are."""
    until = time.monotonic() + 20
    while usage(server.process.pid)["files"] > files and time.monotonic() < until:
        time.sleep(0.1)
    return usage(server.process.pid)["files"]


@pytest.fixture(scope="module")
def attacked(function_server):
    assert answers(function_server)
    return function_server


@pytest.mark.parametrize("frames", ATTACKS, ids=lambda f: f.__name__)
def test_an_attack_harms_nobody(attacked, frames):
    files = usage(attacked.process.pid)["files"]
    attack(attacked, frames)
    assert attacked.process.poll() is None and answers(attacked)
    assert let_go(attacked, files) <= files and usage(attacked.process.pid)["rss_mb"] < 400, usage(attacked.process.pid)


def test_more_connections_than_there_may_be(attacked):
    files, sockets = usage(attacked.process.pid)["files"], []
    try:
        for _ in range(1200):
            try:
                sockets.append(connect(attacked))
            except OSError:
                break
    finally:
        for s in sockets:
            s.close()
    let_go(attacked, files)
    assert answers(attacked) and let_go(attacked, files) <= files
