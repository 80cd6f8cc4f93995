"""The floor of uploads and downloads: one connection at a time, on blocking sockets; of HTTP, only the lengths.

``python -m benchmarks.servers.floor_transfer PORT``
"""

from __future__ import annotations

import re
import socket
import sys

from ._work import MEBIBYTE

_PIECE = bytes(65536)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def serve(connection: socket.socket) -> None:
    """Answer requests until the peer goes away."""
    room = memoryview(bytearray(len(_PIECE)))
    while head := read_head(connection):
        if length := re.search(rb"content-length: *([0-9]+)", head.lower()):
            missing = int(length[1]) - len(head.partition(b"\r\n\r\n")[2])
            while missing > 0:
                missing -= connection.recv_into(room) or missing
            connection.sendall(_HEAD % len(length[1]) + length[1])
        else:
            wanted = re.match(rb"GET /download/([0-9]+)", head)
            size = int(wanted[1]) * MEBIBYTE if wanted else 0
            connection.sendall(_HEAD % size)
            for _ in range(size // len(_PIECE)):
                connection.sendall(_PIECE)


def read_head(connection: socket.socket) -> bytes:
    """Give the head of a request, and what has come with it; nothing where the peer has gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := connection.recv(65536)):
            return b""
        head += data
    return head


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        while True:
            accepted, _ = listener.accept()
            with accepted:
                serve(accepted)
