"""The floor over TLS: epoll, Python's own ``ssl`` on bare sockets, a canned answer.

``python -m benchmarks.servers.floor_tls PORT CERTIFICATE KEY``
"""

from __future__ import annotations

import select
import socket
import ssl
import sys

from .floor import answer_of


def serve(port: int, context: ssl.SSLContext, answer: bytes) -> None:
    """Send the answer for whatever is read. The first reads of a connection shake hands, and give nothing."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener, select.epoll() as epoll:
        connections: dict[int, ssl.SSLSocket] = {}
        listening = listener.fileno()
        epoll.register(listening, select.EPOLLIN)
        while True:
            for fd, _ in epoll.poll():
                if fd == listening:
                    accepted, _ = listener.accept()
                    accepted.setblocking(False)
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
                    connections[connection.fileno()] = connection
                    epoll.register(connection.fileno(), select.EPOLLIN)
                    continue
                try:
                    if connections[fd].recv(65536):
                        connections[fd].send(answer)
                        continue
                except ssl.SSLWantReadError:
                    continue
                except OSError:
                    pass
                epoll.unregister(fd)
                connections.pop(fd).close()


if __name__ == "__main__":
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*sys.argv[2:])
    serve(int(sys.argv[1]), tls, answer_of([]))
