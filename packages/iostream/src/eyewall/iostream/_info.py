"""Who is at the other end of a stream, as one typed value that names no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._facts import ProxyInfo, TLSInfo, UnixCredentials

Address = tuple[str, int] | tuple[str, int, int, int] | str
"""A socket's address: IPv4, IPv6, or the path of a Unix socket (``""`` if it has none)."""


class StreamInfo(NamedTuple):
    """The peer of a stream."""

    address: Address | None = None
    """The peer's address, or None where the stream has none; behind a proxy that sent a PROXY header, the client's."""
    tls: TLSInfo | None = None
    """TLS facts, or None on a plain stream and before the handshake has ended."""
    proxy: ProxyInfo | None = None
    """What a PROXY header said, or None where there was none."""
    credentials: UnixCredentials | None = None
    """Whose process is at the other end of a Unix socket; None on any other stream, and where no kernel says."""
