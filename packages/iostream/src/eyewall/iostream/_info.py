"""Who is at the other end of a stream, as one typed value that names no socket."""

from __future__ import annotations

from typing import NamedTuple

# Whoever evaluates the annotations below, as typing.get_type_hints does, so loads what few streams have.
import eyewall.iostream

Address = tuple[str, int] | tuple[str, int, int, int] | str
"""A socket's address: IPv4, IPv6, or the path of a Unix socket (``""`` if it has none)."""


class StreamInfo(NamedTuple):
    """The peer of a stream."""

    address: Address | None = None
    """The peer's address, or None if the stream has none; behind a proxy that sent a PROXY header, the client's."""
    tls: eyewall.iostream.TLSInfo | None = None
    """TLS facts, or None on a plain stream and before the handshake has ended."""
    proxy: eyewall.iostream.ProxyInfo | None = None
    """What a PROXY header said, or None if there was none."""
    credentials: eyewall.iostream.UnixCredentials | None = None
    """Whose process is at the other end of a Unix socket; None on any other stream, and where no kernel says."""
