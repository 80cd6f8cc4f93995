"""What a proxy in front says of its client: X-Real-Ip, X-Forwarded-For, X-Scheme and X-Forwarded-Proto."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ._exchange import Exchange
from ._wrapping import WrappingDelegate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from ._context import HTTPConnectionContext
    from ._headers import HTTPHeaders
    from ._start_line import RequestStartLine, ResponseStartLine
    from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

UNIX: Final = "unix"
"""Stands for every peer on a Unix socket."""
_is_zone: Final = re.compile(r"[0-9A-Za-z._~\-]+").fullmatch


class Hosts:
    """Some IP addresses and networks, and perhaps whoever comes over a Unix socket."""

    __slots__ = ("_networks", "_unix")

    def __init__(self, option: str, hosts: Iterable[str]) -> None:
        """Take addresses (``"10.0.0.1"``), networks (``"10.0.0.0/8"``) and ``"unix"``; else ``ValueError``."""
        from ipaddress import ip_network

        if isinstance(hosts, str) or not hasattr(hosts, "__iter__"):
            raise TypeError(f"{option} is {hosts!r}: give a list of addresses")
        hosts = list(hosts)
        self._unix = UNIX in hosts
        try:
            self._networks: list[IPv4Network | IPv6Network] = [ip_network(host) for host in hosts if host != UNIX]
        except ValueError as error:
            raise ValueError(f"{option}: {error}; give '10.0.0.1', '10.0.0.0/8' or 'unix', say") from error

    def __contains__(self, host: str | None) -> bool:
        if host is None:
            return self._unix
        address = parse_ip(host)
        return address is not None and any(address in network for network in self._networks)


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Read an IP address, or return None if the text is not one. An IPv4-mapped IPv6 address is read as IPv4."""
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return None
    # To ip_address, nearly anything may be the zone of an IPv6 address, markup too.
    if "%" in text and not _is_zone(text.partition("%")[2]):
        return None
    return getattr(address, "ipv4_mapped", None) or address


class BehindProxies:
    """Serves another delegate with requests that come through proxies; an HTTPServerConnectionDelegate.

    ``proxies`` are the peers who are believed, None for all. ``trusted_downstream`` are hosts that
    are passed over in X-Forwarded-For: the client is the last that is none of them.
    """

    __slots__ = ("_delegate", "_downstream", "_proxies")

    def __init__(
        self, delegate: HTTPServerConnectionDelegate, proxies: Iterable[str] | None, trusted_downstream: Iterable[str]
    ) -> None:
        self._delegate = delegate
        self._proxies = None if proxies is None else Hosts("xheaders", proxies)
        self._downstream = Hosts("trusted_downstream", trusted_downstream)

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """Wrap the delegate of a request that may say where it comes from."""
        delegate = self._delegate.start_request(server_conn, request_conn)
        if not isinstance(request_conn, Exchange):
            return delegate
        if self._proxies is not None and request_conn.context.peer_ip not in self._proxies:
            return delegate
        return _Forwarded(delegate, request_conn, self._downstream)

    def on_close(self, server_conn: object, /) -> None:
        """Pass it on."""
        self._delegate.on_close(server_conn)


class _Forwarded(WrappingDelegate):
    __slots__ = ("_connection", "_downstream")

    def __init__(self, delegate: HTTPMessageDelegate, connection: Exchange, downstream: Hosts) -> None:
        super().__init__(delegate)
        self._connection = connection
        self._downstream = downstream

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        # The context is the connection's, which other requests share: this one gets its own.
        self._connection.context = forwarded_context(self._connection.context, headers, self._downstream)
        return self.delegate.headers_received(start_line, headers)


def forwarded_context(context: HTTPConnectionContext, headers: HTTPHeaders, downstream: Hosts) -> HTTPConnectionContext:
    """What the header fields make of the connection's facts; whatever is no address and no protocol is ignored."""
    remote_ip, protocol = context.remote_ip, context.protocol
    client = headers.get("X-Real-Ip") or _last_but(downstream, headers.get("X-Forwarded-For", ""))
    if parse_ip(client) is not None:
        remote_ip = client
    # Of several the last: what the nearest proxy has added.
    scheme = (headers.get("X-Scheme") or headers.get("X-Forwarded-Proto", "")).rpartition(",")[2].strip(" \t")
    if scheme in {"http", "https"}:
        protocol = scheme
    return context.forwarded(remote_ip, protocol)


def _last_but(downstream: Hosts, forwarded_for: str) -> str:
    """The last address that is not one of ``downstream``; where all are, the first."""
    client = ""
    for item in reversed(forwarded_for.split(",")):
        client = item.strip(" \t")
        if client not in downstream:
            break
    return client
