"""What is known of a peer beside its address: of its TLS session, its proxy, its process. Loaded where there is any."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from ._info import Address


class TLSInfo(NamedTuple):
    """The result of a TLS handshake."""

    version: str
    """The protocol, such as ``"TLSv1.3"``."""
    cipher: str
    """The cipher suite, by its OpenSSL name."""
    server_name: str | None
    """The name that the client asked for (SNI); unknown to a server whose ``SSLContext`` was made elsewhere."""
    peer_certificate: Mapping[str, object] | None
    """The peer's certificate as from ``ssl.SSLSocket.getpeercert()``; None if none was presented and verified."""
    peer_certificate_der: bytes | None = None
    """The same in DER, even if it was not verified."""
    alpn: str | None = None
    """The application protocol that both sides agreed on, such as ``"http/1.1"``; None if there is none."""
    verified_chain: tuple[bytes, ...] = ()
    """The verified certificates in DER, from the peer's to that of its authority; empty in a resumed session."""
    session_reused: bool = False
    """True if the session resumed an earlier one."""


class UnixCredentials(NamedTuple):
    """Who opened the other end of a Unix socket, according to the kernel (``SO_PEERCRED``)."""

    pid: int
    """The process; 0 if it is outside the namespace of this one."""
    uid: int
    """Its user."""
    gid: int
    """Its group."""


class ProxyTLSInfo(NamedTuple):
    """What a PROXY header said about the TLS session between client and proxy (PP2_TYPE_SSL)."""

    version: str | None
    """The protocol, such as ``"TLSv1.3"``."""
    cipher: str | None
    """The cipher suite, as named by the proxy."""
    common_name: str | None
    """The common name of the client's certificate."""
    has_certificate: bool
    """True if the client presented a certificate, in this connection or in the session it resumed."""
    verified: bool
    """True if that certificate has been verified."""


class ProxyInfo(NamedTuple):
    """The contents of the PROXY header sent by the proxy in front."""

    peer: Address | None
    """The proxy's own address."""
    source: Address | None
    """Where the client connected from; None if the proxy speaks for itself (LOCAL) or does not say (UNKNOWN)."""
    destination: Address | None
    """Where the client connected to; None as above."""
    tlvs: tuple[tuple[int, bytes], ...] = ()
    """All further values (version 2 only): pairs of a type and its bytes, in the order in which they came."""
    alpn: str | None = None
    """The application protocol that client and proxy agreed on (PP2_TYPE_ALPN)."""
    authority: str | None = None
    """The host name that the client asked for, by SNI (PP2_TYPE_AUTHORITY)."""
    unique_id: bytes | None = None
    """The proxy's identifier for the connection (PP2_TYPE_UNIQUE_ID)."""
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
