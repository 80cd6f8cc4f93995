"""TCPClient: a stream to a host by its name, over whichever of its addresses answers first."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream, ssl_options_to_context

from ._log import readable
from ._race import Race
from ._resolver import Resolver, is_valid_ip

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from datetime import timedelta
    from typing import TypeVar

    from eyewall.ioloop import EventLoop, Future
    from eyewall.iostream import Address, SSLOptions

    T = TypeVar("T")


class TCPClient:
    r"""Connects to hosts by name.

    ::

        client = TCPClient()
        stream = await client.connect("example.org", 443, ssl_options={}, timeout=5)
        await stream.write(b"HEAD / HTTP/1.0\r\n\r\n")

    Without a ``resolver``, it has one of its own, which :meth:`close` closes.
    """

    def __init__(self, resolver: Resolver | None = None, *, io_loop: EventLoop | None = None) -> None:
        self.resolver: Resolver = Resolver() if resolver is None else resolver
        """What finds the addresses of a name."""
        self._owns_resolver = resolver is None
        # Nothing of a loop is kept between two calls, so that each may come from another one.
        self._io_loop = io_loop

    def close(self) -> None:
        """Close the resolver, if it is this client's own. Connected streams stay open."""
        if self._owns_resolver:
            self.resolver.close()

    async def connect(
        self,
        host: str,
        port: int,
        af: int = socket.AF_UNSPEC,
        ssl_options: SSLOptions | None = None,
        max_buffer_size: int | None = None,
        source_ip: str | None = None,
        source_port: int | None = None,
        timeout: float | timedelta | None = None,
    ) -> IOStream:
        """Return a stream that is connected to ``host``, a name or an IP address.

        If it has several addresses, each is tried a quarter of a second after the one before, alternating between
        IPv6 and IPv4, and the first that connects is used (RFC 8305). ``af`` restricts them to one family. With
        ``ssl_options`` (``{}`` for the defaults) the stream speaks TLS, and the certificate has to be valid for
        ``host``. ``source_ip`` and ``source_port`` are the local end. ``timeout``, in seconds or as a ``timedelta``,
        applies to the whole.

        Raises :class:`ResolveError`, :class:`ConnectError`, ``TimeoutError`` (which says what took too long),
        ``ssl.SSLError`` if the TLS handshake fails, and ``ValueError`` for a ``source_ip`` that is not an IP address.
        """
        io_loop = self._io_loop or IOLoop.current()
        deadline = io_loop.time() + _seconds(timeout)
        if source_ip is not None and not is_valid_ip(source_ip):
            raise ValueError(f"source_ip {source_ip!r} is not an IP address; give one of this machine's")
        context = None if ssl_options is None else ssl_options_to_context(ssl_options, server_side=False)
        addresses = await _within(
            deadline, io_loop, self.resolver.resolve(host, port, af), lambda: f"Timeout while resolving {host}"
        )
        attempt = partial(_attempt, io_loop, max_buffer_size, (source_ip, source_port))
        race = Race(f"{host}, port {port}", addresses, attempt, io_loop)
        stream = await _within(deadline, io_loop, race.run(), lambda: _connecting_to(race))
        if context is None:
            return stream
        return await _start_tls(stream, context, host, deadline)


def _attempt(
    io_loop: EventLoop,
    max_buffer_size: int | None,
    source: tuple[str | None, int | None],
    family: int,
    address: Address,
) -> tuple[IOStream, Future[IOStream]]:
    """Begin to connect to one address."""
    sock = socket.socket(family)
    try:
        if source != (None, None):
            sock.bind((source[0] or ("::" if family == socket.AF_INET6 else "0.0.0.0"), source[1] or 0))  # noqa: S104
        stream = IOStream(sock, io_loop=io_loop, max_buffer_size=max_buffer_size)
    except BaseException:
        sock.close()
        raise
    return stream, stream.connect(address)


def _connecting_to(race: Race[IOStream]) -> str:
    trying = ", ".join(sorted(map(readable, race.trying)))
    return f"Timeout while connecting to {trying}" if trying else "Timeout while connecting"


def _seconds(timeout: Any) -> float:
    if timeout is None:
        return float("inf")
    seconds = timeout.total_seconds() if hasattr(timeout, "total_seconds") else timeout
    if not isinstance(seconds, int | float):
        raise TypeError(f"a timeout is a number of seconds or a timedelta, not {timeout!r}")
    return seconds


async def _within(deadline: float, io_loop: EventLoop, waiting: Awaitable[T], message: Callable[[], str]) -> T:
    with io_loop.cancel_scope(deadline=deadline):
        return await waiting
    raise TimeoutError(message())


async def _start_tls(stream: IOStream, context: ssl.SSLContext, host: str, deadline: float) -> IOStream:
    address = stream.info.address

    def message() -> str:
        return f"Timeout during TLS handshake with {readable(address or host)}"

    try:
        handshake = stream.start_tls(False, context, host, handshake_timeout=None)
        return await _within(deadline, stream.io_loop, handshake, message)
    except BaseException:
        stream.close()
        raise
