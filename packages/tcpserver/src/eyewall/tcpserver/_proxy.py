"""Behind a proxy: who may send a PROXY header, and reading it off a socket before anything else."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Literal

from eyewall.ioloop import READ

from ._log import logger, readable
from ._proxy_header import V1_MAX_BYTES, ProxyHeader
from .errors import ProxyHeaderError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from eyewall.ioloop import EventLoop, Promise
    from eyewall.iostream import Address, ProxyInfo

DEFAULT_TIMEOUT: Final = 5.0
DEFAULT_MAX_BYTES: Final = 4096


class ProxyProtocol:
    """Makes a :class:`TCPServer` expect a PROXY header, version 1 or 2, at the start of each connection.

    ::

        TCPServer(proxy_protocol=ProxyProtocol(["10.0.0.0/8", "::1"]))

    ``trusted`` are the addresses and networks of the proxies; ``"unix"`` stands for every peer on a Unix socket.
    Their headers are believed, so nobody else must be able to send one: connections from other addresses are closed
    or, with ``others="serve"``, served without expecting a header. A header has to arrive completely within
    ``timeout`` seconds, and may have at most ``max_bytes`` bytes.

    Raises ``ValueError`` for something that is neither an address nor a network, and if nobody is trusted.
    """

    def __init__(
        self,
        trusted: Iterable[str],
        *,
        others: Literal["refuse", "serve"] = "refuse",
        timeout: float = DEFAULT_TIMEOUT,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        from ipaddress import ip_network

        if isinstance(trusted, str):
            raise TypeError(f"trusted is a list of addresses and networks; write [{trusted!r}]")
        if timeout <= 0 or max_bytes < V1_MAX_BYTES:
            raise ValueError(f"timeout {timeout} must be above 0, and max_bytes {max_bytes} {V1_MAX_BYTES} or more")
        if others not in {"refuse", "serve"}:
            raise ValueError(f"others is 'refuse' or 'serve', not {others!r}")
        names = list(trusted)
        if not names:
            raise ValueError("nobody is trusted, so nobody could connect; give the addresses of the proxies")
        self.others: Literal["refuse", "serve"] = others
        """What to do with connections from other addresses."""
        self.timeout: float = timeout
        """Seconds within which a header must arrive."""
        self.max_bytes: int = max_bytes
        """The maximal length of a version 2 header."""
        self._trusts_unix = "unix" in names
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(name) for name in names if name != "unix"]

    def trusts(self, address: Address) -> bool:
        """True if a connection from this address must begin with a header."""
        if not isinstance(address, tuple):
            return self._trusts_unix
        from ipaddress import ip_address

        ip = ip_address(address[0].partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None)
        return any((mapped or ip) in network for network in self._networks)

    async def read_header(self, sock: socket.socket, peer: Address, io_loop: EventLoop) -> ProxyInfo:
        """Read the header from a connected socket, and not a byte more.

        Raises :class:`ProxyHeaderError`, also if the connection ends first, and any ``OSError`` of the socket.
        """
        header = ProxyHeader(self.max_bytes)
        with io_loop.cancel_scope(deadline=io_loop.time() + self.timeout):
            while not header.complete:
                await _take(sock, header, io_loop)
            return header.info(peer)
        raise ProxyHeaderError(f"it is not complete after {self.timeout:g} s")


async def read_proxy_header(
    proxy: ProxyProtocol, sock: socket.socket, peer: Address, io_loop: EventLoop
) -> ProxyInfo | None:
    """Read a header for a server: None, with the socket closed and a line in the log, where none came."""
    sock.setblocking(False)
    try:
        return await proxy.read_header(sock, peer, io_loop)
    except ProxyHeaderError as error:
        logger.warning("%s: the connection is closed, its PROXY header was refused: %s", readable(peer), error)
    except OSError as error:
        # Whoever sent nothing has looked whether somebody listens, as health checks of proxies do.
        logger.debug("%s: %s", readable(peer), error)
    except BaseException:
        sock.close()
        raise
    sock.close()
    return None


async def _take(sock: socket.socket, header: ProxyHeader, io_loop: EventLoop) -> None:
    """Feed the header with what has come, or wait until something has."""
    try:
        # What follows the header is for the stream, or for TLS: so look first, and take what is the header's.
        data = sock.recv(DEFAULT_MAX_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        await _readable(sock, io_loop)
        return
    if not data:
        if not header.begun:
            raise ConnectionAbortedError("the connection ended before a PROXY header")
        raise ProxyHeaderError("the connection ended in the middle of it")
    sock.recv(header.feed(data))


async def _readable(sock: socket.socket, io_loop: EventLoop) -> None:
    ready: Promise[None] = io_loop.create_future()

    def wake(_sock: socket.socket, _events: int) -> None:
        io_loop.remove_handler(fd)
        if not ready.done():
            ready.set_result(None)

    fd = sock.fileno()
    io_loop.add_handler(sock, wake, READ)
    try:
        await ready
    finally:
        io_loop.remove_handler(fd)
