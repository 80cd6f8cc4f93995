"""What a TCP server asks of whoever serves its connections, and a supervisor of a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from eyewall.iostream import Address, Stream


class StreamHandler(Protocol):
    """Serves connections; called once for each."""

    def handle_stream(self, stream: Stream, address: Address, /) -> Awaitable[object] | None:
        """Take over a new connection, and close it in the end.

        If this returns an awaitable, usually a coroutine, that is awaited in a task of its own. Exceptions are
        logged, and close the stream.
        """
        ...


class Server(Protocol):
    """What the worker of a :class:`Supervisor` runs; every :class:`TCPServer` is one."""

    def add_sockets(self, sockets: Iterable[socket.socket], /) -> None:
        """Start accepting connections on listening sockets."""
        ...

    def drain(self, grace: float, /) -> Awaitable[object]:
        """Stop accepting, let connections end for ``grace`` seconds, cut what is left, and return."""
        ...


Servers: TypeAlias = Server | Mapping[str, Server]
"""A server, or one for each name of the sockets."""

MakeServer: TypeAlias = Callable[[], Servers | Awaitable[Servers] | AbstractAsyncContextManager[Servers]]
"""What a :class:`Supervisor` calls in each worker: plain, ``async``, or returning an asynchronous context manager."""
