"""Admission: how many connections a server holds at a time, and how many of them one client has."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from ._log import logger, readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address

    from ._connections import Connection, Connections

LOG_SECONDS: Final = 60.0
"""How often, at most, the log says that a server is full."""
_MAPPED: Final = "::ffff:"


class ConnectionLimits:
    """How many connections a :class:`TCPServer` may have at a time; None means no limit.

    ::

        TCPServer(connection_limits=ConnectionLimits(max_connections=10_000, max_per_address=100))

    At ``max_connections`` the server stops accepting, and continues when only ``accept_again_at`` are left (by
    default nine tenths). Nobody gets an error: new connections wait in the kernel's queue, whose length is the
    ``backlog`` of the socket. A connection beyond ``max_per_address`` of its client is closed at once, since the
    kernel's queue cannot hold back single clients. A client is an IPv4 address, or an IPv6 /64 network, which is the
    least that a customer is given; behind a proxy that sends PROXY headers, it is the address in the header. Clients
    on Unix sockets have no address, and are not limited.

    A connection counts until it is closed and its handler has ended. Raises ``ValueError`` for limits below 1, and
    for an ``accept_again_at`` that is not below ``max_connections``.
    """

    __slots__ = ("accept_again_at", "max_connections", "max_per_address")

    def __init__(
        self,
        max_connections: int | None = None,
        *,
        accept_again_at: int | None = None,
        max_per_address: int | None = None,
    ) -> None:
        for name, value in (("max_connections", max_connections), ("max_per_address", max_per_address)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, so nobody could connect; give 1 or more, or None for no limit")
        if accept_again_at is None and max_connections is not None:
            accept_again_at = max_connections * 9 // 10
        if accept_again_at is not None and not 0 <= accept_again_at < (max_connections or 0):
            raise ValueError(f"accept_again_at {accept_again_at} must be below max_connections, {max_connections}")
        self.max_connections: int | None = max_connections
        """The number of connections at which the server stops accepting."""
        self.accept_again_at: int | None = accept_again_at
        """The number of connections at which it continues."""
        self.max_per_address: int | None = max_per_address
        """The number of connections that one client may have."""


class Gate:
    """Keeps a server to its limits: holds its acceptors and releases them, and turns single clients away."""

    def __init__(
        self, limits: ConnectionLimits, connections: Connections, hold: Callable[[bool], object], io_loop: EventLoop
    ) -> None:
        self._limits = limits
        self._connections = connections
        self._hold = hold
        self._io_loop = io_loop
        self._by_client: dict[str, int] = {}
        self._turned_away: set[str] = set()
        self._logged_at = float("-inf")
        self.full: bool = False
        """True from the time the ceiling is reached until the low-water mark is."""

    def on_accept(self) -> None:
        """A connection has come; it may be the last for now."""
        most = self._limits.max_connections
        if most is None or self.full or len(self._connections) < most:
            return
        self.full = True
        self._hold(True)
        now = self._io_loop.time()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            logger.warning(
                "there are max_connections, %d: further ones wait in the kernel's queue until %d are left",
                most,
                self._limits.accept_again_at,
            )

    def on_end(self, connection: Connection) -> None:
        """A connection has gone; there may be room again."""
        if (client := connection.client) is not None:
            connection.client = None
            self._forget(client)
        if self.full and len(self._connections) <= (self._limits.accept_again_at or 0):
            self.full = False
            self._hold(False)

    def admits(self, connection: Connection) -> bool:
        """Count the connection under its client; False if that one has as many as it may."""
        most = self._limits.max_per_address
        client = None if most is None else client_of(connection.address)
        if most is None or client is None:
            return True
        count = self._by_client.get(client, 0)
        if count >= most:
            if client not in self._turned_away:
                self._turned_away.add(client)
                logger.warning(
                    "%s: the connection is closed, %s has max_per_address, %d, already",
                    readable(connection.address),
                    client,
                    most,
                )
            return False
        self._by_client[client] = count + 1
        connection.client = client
        return True

    def _forget(self, client: str) -> None:
        self._turned_away.discard(client)
        count = self._by_client.pop(client) - 1
        if count:
            self._by_client[client] = count


def client_of(address: Address) -> str | None:
    """Return what a client's connections are counted under: an IPv4 address, or a 64-bit network of IPv6."""
    if not isinstance(address, tuple):
        return None
    host = address[0].partition("%")[0]
    if ":" not in host:
        return host
    if host.lower().startswith(_MAPPED) and "." in host:
        return host[len(_MAPPED) :]
    network = socket.inet_pton(socket.AF_INET6, host)[:8]
    return f"{socket.inet_ntop(socket.AF_INET6, network + bytes(8))}/64"
