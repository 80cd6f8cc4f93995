"""Who is at the other end of a stream, as one typed value that names no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Address = tuple[str, int] | tuple[str, int, int, int] | str
"""A socket's address: IPv4, IPv6, or the path of a Unix socket (``""`` if it has none)."""


class TLSInfo(NamedTuple):
    """What the TLS handshake settled."""

    version: str
    """The protocol, such as ``"TLSv1.3"``."""
    cipher: str
    """The cipher suite, by OpenSSL's name."""
    server_name: str | None
    """The name that this client asked for and verified; None on a server."""
    peer_certificate: Mapping[str, object] | None
    """The peer's certificate as ``ssl.SSLSocket.getpeercert()`` gives it; None where there is none."""


class StreamInfo(NamedTuple):
    """The peer of a stream."""

    address: Address | None = None
    """The peer's address, or None where the stream has none."""
    tls: TLSInfo | None = None
    """TLS facts, or None on a plain stream and before the handshake has ended."""
