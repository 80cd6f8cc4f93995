"""A WebSocket client, for tests and for programs that talk to other servers."""

from __future__ import annotations

import os
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from eyewall.httpserver import HTTPHeaders, parse_response_start_line
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import TCPClient

from ._errors import HTTPClientError, WebSocketError
from ._handler import DEFAULT_MAX_MESSAGE_SIZE
from ._handshake import VERSION, accept_of, client_deflate, client_offer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eyewall.ioloop import Future, Promise
    from eyewall.iostream import SSLOptions, Stream
    from eyewall.tcpserver import Resolver

MAX_HEAD: Final = 64 * 1024
_is_target: Final = re.compile(r"/[\x21-\x7e]*").fullmatch
MAX_WAITING: Final = 16
"""How many messages are read ahead of who asks for them."""


class RequestLike(Protocol):
    """A URL with header fields, such as Tornado's ``HTTPRequest``."""

    url: str
    headers: Any


class WebSocketClientConnection:
    """An open connection to a server, as returned by :func:`websocket_connect`.

    ::

        connection = await websocket_connect("ws://localhost:8080/chat")
        await connection.write_message("hello")
        print(await connection.read_message())
        connection.close()
    """

    def __init__(
        self,
        stream: Stream,
        headers: HTTPHeaders,
        *,
        on_message_callback: Callable[[str | bytes | None], object] | None,
        extensions: Sequence[Any],
        max_message_size: int,
        ping_interval: float | None,
        ping_timeout: float | None,
    ) -> None:
        from ._connection import WebSocketConnection

        self.headers: Final = headers
        """The header fields of the server's answer."""
        self.selected_subprotocol: Final = headers.get("Sec-WebSocket-Protocol")
        """The subprotocol that the server chose, or None."""
        self.close_code: int | None = None
        """The code with which the server closed."""
        self.close_reason: str | None = None
        """The reason that the server gave."""
        self._callback = on_message_callback
        self._messages: deque[str | bytes | None] = deque()
        self._reader: Promise[str | bytes | None] | None = None
        self._room: Promise[None] | None = None
        self._ended = False
        self._io_loop = stream.io_loop
        self.protocol: Final = WebSocketConnection(
            stream,
            self,
            is_client=True,
            max_message_size=max_message_size,
            extensions=extensions,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        """The connection beneath."""
        self._io_loop.spawn(self._run(), name="WebSocketClientConnection")

    def write_message(self, message: str | bytes | Mapping[str, object], binary: bool = False) -> Future[None]:
        """Send a message: see :meth:`WebSocketHandler.write_message`."""
        return self.protocol.write_message(message, binary=binary)

    def read_message(
        self, callback: Callable[[Future[str | bytes | None]], object] | None = None
    ) -> Future[str | bytes | None]:
        """Return the next message; None once the connection has closed. One reader at a time."""
        if self._reader is not None and not self._reader.done():
            raise RuntimeError("another reader is already waiting: wait for that message first")
        promise: Promise[str | bytes | None] = self._io_loop.create_future()
        if self._messages:
            promise.set_result(self._messages.popleft())
            self._make_room()
        elif self._ended:
            promise.set_result(None)
        else:
            self._reader = promise
        if callback is not None:
            promise.add_done_callback(callback)
        return promise

    def ping(self, data: bytes = b"") -> None:
        """Send a ping."""
        self.protocol.ping(data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection: see :meth:`WebSocketHandler.close`."""
        self.protocol.close(code, reason)

    def on_ping(self, data: bytes) -> None:
        """A ping has arrived, and has been answered."""

    def on_pong(self, data: bytes) -> None:
        """The answer to a ping has arrived."""

    async def _run(self) -> None:
        try:
            await self.protocol.run()
        finally:
            self.protocol.abort()
            self.close_code, self.close_reason = self.protocol.close_code, self.protocol.close_reason
            self._ended = True
            self._make_room()
            self._deliver_end()

    def _deliver_end(self) -> None:
        if self._callback is not None:
            self._callback(None)
        elif self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def on_message(self, message: str | bytes) -> None:
        """A message has come: keep it for whoever asks."""
        if self._callback is not None:
            self._callback(message)
        elif self._reader is not None and not self._reader.done():
            self._reader.set_result(message)
        else:
            self._messages.append(message)
            if len(self._messages) >= MAX_WAITING:
                self._room = self._io_loop.create_future()
                await self._room

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)


async def websocket_connect(
    url: str | RequestLike,
    callback: Callable[[WebSocketClientConnection], object] | None = None,
    connect_timeout: float | None = None,
    on_message_callback: Callable[[str | bytes | None], object] | None = None,
    compression_options: Mapping[str, Any] | None = None,
    ping_interval: float | None = None,
    ping_timeout: float | None = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    subprotocols: Sequence[str] | None = None,
    resolver: Resolver | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    ssl_options: SSLOptions | None = None,
) -> WebSocketClientConnection:
    """Connect to a server at ``ws://…`` or ``wss://…``; ``connect_timeout`` is in seconds (default 20).

    With ``on_message_callback``, it is called with each message, and with None at the end; otherwise use
    ``read_message``. Raises :class:`HTTPClientError` if the server answers with a status other than 101,
    :class:`WebSocketError` if its response is not a valid answer to this handshake, and whatever
    :class:`~eyewall.tcpserver.TCPClient` raises.
    """
    if not isinstance(url, str):
        headers = {**dict(url.headers or {}), **(headers or {})}
        url = url.url
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    secure = parts.scheme in {"wss", "https"}
    if not (secure or parts.scheme in {"ws", "http"}) or parts.hostname is None:
        raise ValueError(f"{url!r} is not the URL of a WebSocket: it begins with ws:// or wss:// and a host")
    io_loop = IOLoop.current()
    client = TCPClient(resolver)
    timeout = 20.0 if connect_timeout is None else connect_timeout
    try:
        with io_loop.cancel_scope(deadline=io_loop.time() + timeout) as scope:
            stream = await client.connect(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl_options=({} if ssl_options is None else ssl_options) if secure else None,
            )
            connection = await client_handshake(
                stream,
                parts.netloc.rpartition("@")[2],
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                headers=headers or {},
                compression_options=compression_options,
                on_message_callback=on_message_callback,
                max_message_size=max_message_size,
                ping_interval=ping_interval,
                ping_timeout=ping_timeout,
                subprotocols=subprotocols or (),
            )
    finally:
        client.close()
    if scope.cancelled_caught:
        raise TimeoutError(f"no WebSocket at {url!r} within {timeout} s")
    if callback is not None:
        callback(connection)
    return connection


async def client_handshake(
    stream: Stream,
    host: str,
    target: str,
    *,
    headers: Mapping[str, str],
    compression_options: Mapping[str, Any] | None = None,
    on_message_callback: Callable[[str | bytes | None], object] | None = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    ping_interval: float | None = None,
    ping_timeout: float | None = None,
    subprotocols: Sequence[str] = (),
) -> WebSocketClientConnection:
    """Ask the server at the other end of a stream to switch; closes the stream where it does not."""
    from base64 import b64encode

    if not _is_target(target):
        stream.close()
        raise ValueError(
            f"{target!r} is not the path of a WebSocket: percent-encode what is not printable ASCII, and blanks"
        )
    key = b64encode(os.urandom(16)).decode()
    fields = HTTPHeaders({"Host": host, "Upgrade": "websocket", "Connection": "Upgrade"})
    fields["Sec-WebSocket-Key"], fields["Sec-WebSocket-Version"] = key, VERSION
    if subprotocols:
        fields["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
    factory = None
    if compression_options is not None:
        fields["Sec-WebSocket-Extensions"], factory = client_offer(compression_options)
    fields.update(headers)
    try:
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.get_all())]
        await stream.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = _checked_answer(await _read_head(stream), key, subprotocols)
        extensions = client_deflate(answer, factory)
    except BaseException:
        stream.close()
        raise
    return WebSocketClientConnection(
        stream,
        answer,
        on_message_callback=on_message_callback,
        extensions=extensions,
        max_message_size=max_message_size,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )


async def _read_head(stream: Stream) -> str:
    return (await stream.read_until(b"\r\n\r\n", max_bytes=MAX_HEAD)).decode("latin-1")


def _checked_answer(head: str, key: str, subprotocols: Sequence[str]) -> HTTPHeaders:
    line, _, rest = head.partition("\r\n")
    start_line, fields = parse_response_start_line(line), HTTPHeaders.parse(rest)
    if start_line.code != 101:
        raise HTTPClientError(start_line.code, start_line.reason, fields)
    if fields.get("Sec-WebSocket-Accept") != accept_of(key) or fields.get("Upgrade", "").lower() != "websocket":
        raise WebSocketError("the server's response does not answer this handshake: its key or its Upgrade is wrong")
    chosen = fields.get("Sec-WebSocket-Protocol")
    if chosen is not None and chosen not in subprotocols:
        raise WebSocketError(f"the server chose the subprotocol {chosen!r}, which was not offered")
    return fields
