"""The floor of WebSocket: epoll, ``recv``, and the canned echo of 64 bytes; no frame is read.

``python -m benchmarks.servers.floor_websocket PORT``
"""

from __future__ import annotations

import select
import socket
import sys

from .floor import received

_UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_ECHO = b"\x81\x40" + b"x" * 64


def serve(port: int) -> None:
    """Open a WebSocket on each connection, and send the echo for whatever is read then."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener, select.epoll() as epoll:
        connections: dict[int, socket.socket] = {}
        listening = listener.fileno()
        epoll.register(listening, select.EPOLLIN)
        while True:
            for fd, _ in epoll.poll():
                if fd == listening:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if received(connection):
                        connection.sendall(_UPGRADED)
                    connection.setblocking(False)
                    connections[connection.fileno()] = connection
                    epoll.register(connection.fileno(), select.EPOLLIN)
                elif received(connections[fd]):
                    connections[fd].send(_ECHO)
                else:
                    epoll.unregister(fd)
                    connections.pop(fd).close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
