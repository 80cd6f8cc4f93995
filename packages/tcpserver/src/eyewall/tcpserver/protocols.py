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
    """Serves connections, one call for each."""

    def handle_stream(self, stream: Stream, address: Address, /) -> Awaitable[object] | None:
        """Take over a new connection; whoever takes it closes it.

        What is returned, most often a coroutine, is awaited in a task of its own. What it raises
        is logged, and the stream closed.
        """
        ...


class Server(Protocol):
    """What a worker of a :class:`Supervisor` runs; every :class:`TCPServer` is one."""

    def add_sockets(self, sockets: Iterable[socket.socket], /) -> None:
        """Accept connections on listening sockets from now on."""
        ...

    def drain(self, grace: float, /) -> Awaitable[object]:
        """Stop accepting, let connections end for ``grace`` seconds, cut what is left, and be done."""
        ...


Servers: TypeAlias = Server | Mapping[str, Server]
"""A server, or one for each name that the sockets have."""

MakeServer: TypeAlias = Callable[[], Servers | Awaitable[Servers] | AbstractAsyncContextManager[Servers]]
"""What a :class:`Supervisor` calls in each worker: plain, ``async``, or giving an asynchronous context manager."""
