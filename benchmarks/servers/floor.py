"""The floor: epoll, ``recv``, a canned ``send``; nothing is parsed.

``python -m benchmarks.servers.floor PORT [ANSWERS [BYTES [close]]]``: so many answers for each read, each with a
body of so many bytes, and then the end of the connection.
"""

from __future__ import annotations

import select
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/html; charset=UTF-8\r\n"
    b"Date: Mon, 23 Nov 2026 08:50:19 GMT\r\nContent-Length: %d\r\n%s\r\n%s"
)


def answer_of(arguments: list[str]) -> bytes:
    """Give what the command line asks for."""
    count, size = (int(argument) for argument in [*arguments[:2], "1", "13"][:2]) if arguments else (1, 13)
    ending = b"Connection: close\r\n" if "close" in arguments else b""
    return _HEAD % (size, ending, b"Hello, world!".ljust(size, b"x")[:size]) * count


def serve(
    port: int, answer: bytes, *, closes: bool = False, greet: Callable[[socket.socket], object] | None = None
) -> None:
    """Send the answer for whatever is read. It takes one read for one request, or for one batch of them.

    ``greet`` is given each connection first, while it still blocks.
    """
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener, select.epoll() as epoll:
        connections: dict[int, socket.socket] = {}
        listening = listener.fileno()
        epoll.register(listening, select.EPOLLIN)
        while True:
            for fd, _ in epoll.poll():
                if fd == listening:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if greet is not None:
                        greet(connection)
                    connection.setblocking(False)
                    connections[connection.fileno()] = connection
                    epoll.register(connection.fileno(), select.EPOLLIN)
                elif received(connections[fd]):
                    connections[fd].send(answer)
                    if closes:
                        connections.pop(fd).close()
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
    serve(int(sys.argv[1]), answer_of(sys.argv[2:]), closes="close" in sys.argv)
