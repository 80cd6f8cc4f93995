"""The floor: epoll, ``recv``, a canned ``send``; nothing is parsed.

``python -m benchmarks.servers.floor PORT [ANSWERS]``: so many answers for each read.
"""

from __future__ import annotations

import select
import socket
import sys

ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/html; charset=UTF-8\r\n"
    b"Date: Mon, 23 Nov 2026 08:50:19 GMT\r\nContent-Length: 13\r\n\r\nHello, world!"
)


def serve(port: int, answer: bytes) -> None:
    """Send the answer for whatever is read. It takes one read for one request, or for one batch of them."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener, select.epoll() as epoll:
        connections: dict[int, socket.socket] = {}
        listening = listener.fileno()
        epoll.register(listening, select.EPOLLIN)
        while True:
            for fd, _ in epoll.poll():
                if fd == listening:
                    connection, _ = listener.accept()
                    connection.setblocking(False)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[connection.fileno()] = connection
                    epoll.register(connection.fileno(), select.EPOLLIN)
                elif received(connections[fd]):
                    connections[fd].send(answer)
                else:
                    epoll.unregister(fd)
                    connections.pop(fd).close()


def received(connection: socket.socket) -> bytes:
    """Give what has come; nothing where the peer has gone."""
    try:
        return connection.recv(65536)
    except OSError:
        return b""


if __name__ == "__main__":
    serve(int(sys.argv[1]), ANSWER * int(sys.argv[2] if len(sys.argv) > 2 else 1))
