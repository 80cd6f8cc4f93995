"""Who asks: what a request may know of the connection it came on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyewall.iostream import Address, Stream, TLSInfo


class HTTPConnectionContext:
    """One connection's peer. Everything is looked up when it is asked for."""

    __slots__ = ("_protocol", "_stream", "address")

    def __init__(self, stream: Stream, address: Address | None, protocol: str | None = None) -> None:
        self._stream = stream
        self._protocol = protocol
        self.address: Address | None = address
        """The peer's address; a path, often empty, on a Unix socket; None where there is none."""

    @property
    def remote_ip(self) -> str:
        """The peer's IP address; ``"0.0.0.0"`` where it has none, as on a Unix socket."""
        return self.address[0] if isinstance(self.address, tuple) else "0.0.0.0"  # noqa: S104 - Tornado's word for none

    @property
    def protocol(self) -> str:
        """``"http"`` or ``"https"``."""
        return self._protocol or ("http" if self.tls is None else "https")

    @property
    def tls(self) -> TLSInfo | None:
        """What TLS settled, or None on a plain connection."""
        return self._stream.info.tls

    def __repr__(self) -> str:
        return f"<HTTPConnectionContext {self.protocol} from {self.address!r}>"
