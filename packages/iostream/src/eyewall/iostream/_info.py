"""Who is at the other end of a stream, as one typed value that names no socket."""

from __future__ import annotations

from typing import NamedTuple

# Whoever evaluates the annotations below, as typing.get_type_hints does, so loads what few streams have.
import eyewall.iostream

Address = tuple[str, int] | tuple[str, int, int, int] | str
"""A socket's address: IPv4, IPv6, or the path of a Unix socket (``""`` if it has none)."""


class StreamInfo(NamedTuple):
    """What is known about the peer of a stream."""

    address: Address | None = None
    """The peer's address, or None if the stream has none; behind a proxy that sent a PROXY header, the client's."""
    tls: eyewall.iostream.TLSInfo | None = None
    """The properties of the TLS session; None on a plain stream, and until the handshake has ended."""
    proxy: eyewall.iostream.ProxyInfo | None = None
    """The contents of the PROXY header; None if there was none."""
    credentials: eyewall.iostream.UnixCredentials | None = None
    """The process at the other end of a Unix socket; None on any other stream, and if the kernel does not tell."""
