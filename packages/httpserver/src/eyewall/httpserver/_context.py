"""Who asks: what a request may know of the connection it came on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyewall.iostream import Address, Stream, TLSInfo


class HTTPConnectionContext:
    """The peer of one connection. Everything is looked up when it is first needed."""

    __slots__ = ("_protocol", "_remote_ip", "_stream", "address")

    def __init__(
        self, stream: Stream, address: Address | None, protocol: str | None = None, remote_ip: str | None = None
    ) -> None:
        self._stream = stream
        self._protocol = protocol
        self._remote_ip = remote_ip
        self.address: Address | None = address
        """The peer's address; on a Unix socket a path, which is often empty; None if there is none."""

    @property
    def remote_ip(self) -> str:
        """The client's IP address: that of the peer, unless a trusted proxy named another (``xheaders``).

        It is ``"0.0.0.0"`` if there is none, as on a Unix socket.
        """
        if self._remote_ip is not None:
            return self._remote_ip
        return self.address[0] if isinstance(self.address, tuple) else "0.0.0.0"  # noqa: S104 - Tornado's word for none

    @property
    def protocol(self) -> str:
        """``"http"`` or ``"https"``: as given, or else by whether the client speaks TLS, to us or to a proxy.

        In the latter case the proxy says so in its PROXY header.
        """
        if self._protocol is not None:
            return self._protocol
        info = self._stream.info
        return "http" if info.tls is None and (info.proxy is None or info.proxy.tls is None) else "https"

    @property
    def tls(self) -> TLSInfo | None:
        """The properties of the TLS session, or None on a plain connection."""
        return self._stream.info.tls

    @property
    def peer_ip(self) -> str | None:
        """The IP address at the other end of the socket, which may be a proxy's; None on a Unix socket."""
        proxy = self._stream.info.proxy
        peer = self.address if proxy is None else proxy.peer
        return peer[0] if isinstance(peer, tuple) else None

    def forwarded(self, remote_ip: str, protocol: str) -> HTTPConnectionContext:
        """The same connection, as one request says that it came to the proxy in front."""
        return HTTPConnectionContext(self._stream, self.address, protocol, remote_ip)

    def __repr__(self) -> str:
        return f"<HTTPConnectionContext {self.protocol} from {self.address!r}>"
