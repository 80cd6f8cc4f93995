"""The floor of WebSocket: epoll, ``recv``, and the canned echo of 64 bytes; no frame is read.

``python -m benchmarks.servers.floor_websocket PORT``
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .floor import received, serve

if TYPE_CHECKING:
    import socket

_UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_ECHO = b"\x81\x40" + b"x" * 64


def upgrade(connection: socket.socket) -> None:
    """Open a WebSocket for whoever asks."""
    if received(connection):
        connection.sendall(_UPGRADED)


if __name__ == "__main__":
    serve(int(sys.argv[1]), _ECHO, greet=upgrade)
