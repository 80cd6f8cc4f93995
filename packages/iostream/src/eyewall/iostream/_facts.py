"""What is known of a peer beside its address: of its TLS session, its proxy, its process. Loaded where there is any."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from ._info import Address


class TLSInfo(NamedTuple):
    """What the TLS handshake settled."""

    version: str
    """The protocol, such as ``"TLSv1.3"``."""
    cipher: str
    """The cipher suite, by OpenSSL's name."""
    server_name: str | None
    """The name that the client asked for (SNI); a server with an ``SSLContext`` of its own making is not told."""
    peer_certificate: Mapping[str, object] | None
    """The peer's certificate as ``ssl.SSLSocket.getpeercert()`` gives it; None if none was shown and verified."""
    peer_certificate_der: bytes | None = None
    """The same in DER, also where it was not verified."""
    alpn: str | None = None
    """The application protocol that both sides agreed on, such as ``"http/1.1"``; None if that is none."""
    verified_chain: tuple[bytes, ...] = ()
    """The certificates in DER from the peer's to its authority's, as verified; none in a resumed session."""
    session_reused: bool = False
    """True if the session resumed an earlier one."""


class UnixCredentials(NamedTuple):
    """Who opened the other end of a Unix socket, as its kernel says (``SO_PEERCRED``)."""

    pid: int
    """The process; 0 where it lies outside this one's namespace."""
    uid: int
    """Its user."""
    gid: int
    """Its group."""


class ProxyTLSInfo(NamedTuple):
    """What a PROXY header told of the TLS session between the client and the proxy (PP2_TYPE_SSL)."""

    version: str | None
    """The protocol, such as ``"TLSv1.3"``."""
    cipher: str | None
    """The cipher suite, by the proxy's name for it."""
    common_name: str | None
    """The common name of the client's certificate."""
    has_certificate: bool
    """True if the client has shown a certificate, in this connection or the session it resumed."""
    verified: bool
    """True if that certificate has been verified."""


class ProxyInfo(NamedTuple):
    """What the header of the PROXY protocol said that the proxy in front has sent."""

    peer: Address | None
    """The proxy's own address."""
    source: Address | None
    """Where the client connected from; None if the proxy speaks for itself (LOCAL) or does not say (UNKNOWN)."""
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
    """The client's TLS session with the proxy; None if there is none."""


_UCRED: Final = struct.Struct("iII")


def unix_credentials(sock: socket.socket) -> UnixCredentials | None:
    """Ask the kernel who is at the other end of a connected Unix socket."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or sock.family != socket.AF_UNIX:
        return None
    try:
        return UnixCredentials(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, option, _UCRED.size)))
    except OSError:
        return None
