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
    peer_certificate_der: bytes | None = None
    """The same in DER, also where it was not verified."""


class ProxyTLSInfo(NamedTuple):
    """What a PROXY header told of the TLS session between the client and the proxy (PP2_TYPE_SSL)."""

    version: str | None
    """The protocol, such as ``"TLSv1.3"``."""
    cipher: str | None
    """The cipher suite, by the proxy's name for it."""
    common_name: str | None
    """The common name of the client's certificate."""
    has_certificate: bool
    """True where the client has shown a certificate, in this connection or the session it resumed."""
    verified: bool
    """True where that certificate has been verified."""


class ProxyInfo(NamedTuple):
    """What the header of the PROXY protocol said that the proxy in front has sent."""

    peer: Address | None
    """The proxy's own address."""
    source: Address | None
    """Where the client connected from; None where the proxy speaks for itself (LOCAL) or does not say (UNKNOWN)."""
    destination: Address | None
    """Where the client connected to; None as above."""
    tlvs: tuple[tuple[int, bytes], ...] = ()
    """All further values, of version 2 only: pairs of a type and its bytes, in the order they came."""
    alpn: str | None = None
    """The application protocol that client and proxy agreed on (PP2_TYPE_ALPN)."""
    authority: str | None = None
    """The host name that the client asked for, by SNI (PP2_TYPE_AUTHORITY)."""
    unique_id: bytes | None = None
    """The proxy's name for the connection (PP2_TYPE_UNIQUE_ID)."""
    tls: ProxyTLSInfo | None = None
    """The client's TLS session with the proxy; None where there is none."""


class StreamInfo(NamedTuple):
    """The peer of a stream."""

    address: Address | None = None
    """The peer's address, or None where the stream has none; behind a proxy that sent a PROXY header, the client's."""
    tls: TLSInfo | None = None
    """TLS facts, or None on a plain stream and before the handshake has ended."""
    proxy: ProxyInfo | None = None
    """What a PROXY header said, or None where there was none."""
