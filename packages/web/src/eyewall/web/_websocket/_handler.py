"""WebSocketHandler: a handler whose GET becomes a WebSocket connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from eyewall.httpserver import ResponseStartLine

from .._handler import RequestHandler
from .._log import app_log, general_log
from .._xsrf import is_cross_origin
from ..errors import HTTPError
from ._errors import WebSocketClosedError
from ._handshake import VERSION, accept_of, check_request, server_deflate, tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from eyewall.ioloop import Future
    from eyewall.iostream import Stream

    from ._connection import WebSocketConnection

DEFAULT_MAX_MESSAGE_SIZE: Final = 10 * 1024 * 1024
_VERSIONS: Final = f"this server speaks version {VERSION} of WebSocket"


class WebSocketHandler(RequestHandler):
    """Answers GET by switching to WebSocket: define :meth:`on_message`, :meth:`open` and :meth:`on_close`.

    ::

        class Echo(WebSocketHandler):
            async def on_message(self, message: str | bytes) -> None:
                await self.write_message(message)

    All methods run in the task of the connection. If ``on_message`` is a coroutine, the next message is read when it
    has ended, so that a client cannot send faster than it is answered. An exception is logged, and the connection
    closed with 1011. It needs the extra ``eyewall-web[websocket]``.

    Settings: ``websocket_ping_interval`` and ``websocket_ping_timeout``, in seconds (default: no pings; the
    interval), and ``websocket_max_message_size``, in bytes (10 MiB).
    """

    head_is_like_get: ClassVar[bool] = False
    """A HEAD request does not become a WebSocket."""
    ws_connection: WebSocketConnection | None = None
    """The connection while there is one."""
    close_code: int | None = None
    """The code with which the client closed; None if it sent none."""
    close_reason: str | None = None
    """The reason that the client gave."""
    selected_subprotocol: str | None = None
    """What :meth:`select_subprotocol` chose."""

    @classmethod
    def check_route(cls, kwargs: Mapping[str, Any]) -> None:
        """Load the library now, for which the first connection need not wait then. Raises ``ValueError`` without."""
        super().check_route(kwargs)
        from . import _library  # noqa: F401  # pyright: ignore[reportUnusedImport] - to have it

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Switch to WebSocket, and stay until the connection closes."""
        if not (self._is_version_known() and self._is_origin_welcome()):
            return
        try:
            key = check_request(self.request.headers)
        except HTTPError as error:
            self._refuse(error.status_code, str(error.log_message))
            return
        if "Sec-WebSocket-Version" not in self.request.headers:
            self._refuse(426, _VERSIONS)
            return
        extension = self._agree(key)
        await self._serve(self._switch(), extension, args, kwargs)

    def _is_version_known(self) -> bool:
        version = self.request.headers.get("Sec-WebSocket-Version")
        if version in {None, VERSION}:
            return True
        self._refuse(426, _VERSIONS)
        return False

    def _is_origin_welcome(self) -> bool:
        headers = self.request.headers
        origin = headers.get("Origin") or headers.get("Sec-WebSocket-Origin")
        if origin is None and "Sec-Fetch-Site" not in headers:
            return True  # no browser, or one of before 2011
        if not is_cross_origin(self.request) or (origin is not None and self.check_origin(origin)):
            return True
        self._refuse(403, "Cross origin websockets not allowed")
        return False

    def _refuse(self, status: int, why: str) -> None:
        """Answer who asks for no WebSocket, or may have none: it happens all the time, and is not logged."""
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        if status == 426:
            self.set_header("Sec-WebSocket-Version", VERSION)
            self.set_header("Upgrade", "websocket")
        self.finish(why)

    def open(self, *args: Any, **kwargs: Any) -> Awaitable[None] | None:
        """Called with the values that the route took from the path. Messages wait until it has ended."""
        return None

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Called for each message: text as ``str``, binary as ``bytes``."""
        raise NotImplementedError(f"{type(self).__name__} got a message: define on_message")

    def on_close(self) -> None:
        """Called when the connection has closed. :attr:`close_code` and :attr:`close_reason` may say why."""

    def on_ping(self, data: bytes) -> None:
        """Called when a ping has arrived, and has been answered."""

    def on_pong(self, data: bytes) -> None:
        """Called when the answer to a ping has arrived."""

    def check_origin(self, origin: str) -> bool:
        """Say whether pages of another origin may connect: override it to allow some, or return True to allow all.

        Called if the browser says that the page is not from this host. The default is :meth:`check_trusted_origin`.
        Without this check, any page that a signed-in user visits could open a WebSocket here in the user's name.
        """
        return self.check_trusted_origin(origin)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Choose one of the subprotocols that the client offers, or None; the list may be empty."""
        return None

    def get_compression_options(self) -> dict[str, Any] | None:
        """Return a dict to compress messages (RFC 7692) for clients that support it; None (default): no compression.

        ``compression_level`` (0 to 9) and ``mem_level`` (1 to 9) are zlib's. ``persistent=True`` keeps a compression
        window for each connection, which sends fewer bytes but takes about 300 KiB of memory.
        """
        return None

    @property
    def ping_interval(self) -> float | None:
        """Seconds between pings; None: no pings."""
        interval: float | None = self.settings.get("websocket_ping_interval")
        return interval

    @property
    def ping_timeout(self) -> float | None:
        """Seconds that a client has to answer a ping; None: as long as the interval."""
        timeout: float | None = self.settings.get("websocket_ping_timeout")
        return timeout

    @property
    def max_message_size(self) -> int:
        """The maximal size of a message in bytes; a client that sends more is disconnected with 1009."""
        size: int = self.settings.get("websocket_max_message_size", DEFAULT_MAX_MESSAGE_SIZE)
        return size

    def write_message(self, message: str | bytes | Mapping[str, object], binary: bool = False) -> Future[None]:
        """Send a message: text, bytes with ``binary``, or a dict as JSON.

        Await it, so that a client that reads slowly slows you down as well; a client that leaves more than 16 MiB
        unread is disconnected. Raises :class:`WebSocketClosedError` if the connection is not open.
        """
        if self.ws_connection is None:
            raise WebSocketClosedError
        return self.ws_connection.write_message(message, binary=binary)

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping of up to 125 bytes. Raises :class:`WebSocketClosedError` where the connection is not open."""
        if self.ws_connection is None:
            raise WebSocketClosedError
        self.ws_connection.ping(data.encode() if isinstance(data, str) else data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection, optionally with a code and a reason for the client. Idempotent.

        Raises ``ValueError`` for a code that may not be sent: use 1000, or one from 3000 to 4999.
        """
        if self.ws_connection is not None:
            self.ws_connection.close(code, reason)

    def set_nodelay(self, value: bool) -> None:
        """Send small messages immediately (the default), or let the kernel combine them."""
        if self.ws_connection is not None:
            self.ws_connection.stream.set_nodelay(value)

    def _agree(self, key: str) -> Any:
        """Set the fields of the answer; give the extension that was agreed on."""
        fields = self._headers
        self.clear_header("Content-Type")
        fields["Upgrade"], fields["Connection"] = "websocket", "Upgrade"
        fields["Sec-WebSocket-Accept"] = accept_of(key)
        offered = tokens(self.request.headers, "Sec-WebSocket-Protocol")
        self.selected_subprotocol = chosen = self.select_subprotocol(offered)
        if chosen is not None:
            if chosen not in offered:
                raise ValueError(f"select_subprotocol chose {chosen!r}, and the client offers {offered}")
            fields["Sec-WebSocket-Protocol"] = chosen
        options = self.get_compression_options()
        agreed = None if options is None else server_deflate(self.request.headers, options)
        if agreed is None:
            return None
        fields["Sec-WebSocket-Extensions"] = agreed[0]
        return agreed[1]

    def _switch(self) -> Stream:
        self.set_status(101)
        self._headers_written = True
        for field in (self._new_cookies or {}).values():
            self._headers.add("Set-Cookie", field)
        self._connection.write_headers(ResponseStartLine("HTTP/1.1", 101, "Switching Protocols"), self._headers)
        stream = self.detach()
        for name in ("write", "redirect", "set_header", "set_cookie", "set_status", "flush", "finish"):
            setattr(self, name, _refused)
        return stream

    def _connect(self, stream: Stream, extension: Any) -> WebSocketConnection:
        """Make the connection; whatever the program raises until then closes the stream, which nobody else would."""
        from ._connection import WebSocketConnection

        try:
            self.application.log_request(self)
            return WebSocketConnection(
                stream,
                self,
                is_client=False,
                max_message_size=self.max_message_size,
                extensions=[] if extension is None else [extension],
                ping_interval=self.ping_interval,
                ping_timeout=self.ping_timeout,
            )
        except BaseException:
            stream.close()
            self.on_finish()
            raise

    async def _serve(self, stream: Stream, extension: Any, args: Any, kwargs: Any) -> None:
        self.ws_connection = connection = self._connect(stream, extension)
        stream.set_close_callback(self.tell_disconnected)
        try:
            if (waits := self.open(*args, **kwargs)) is not None:
                await waits
            await connection.run()
        except BaseException as error:
            if self._ends_the_task(error):
                raise
            if isinstance(error, WebSocketClosedError) and connection.has_lost_its_peer:
                general_log.info("%s: the client went away: %s", self._request_summary(), error)
            else:
                self.log_exception(type(error), error, error.__traceback__)
            await connection.fail(1011)
        finally:
            connection.abort()
            self.close_code, self.close_reason = connection.close_code, connection.close_reason
            self.ws_connection = None
            self._tell_end()

    def _tell_end(self) -> None:
        try:
            self.on_close()
        except Exception:  # noqa: BLE001 - whatever the program raises is logged
            app_log.exception("Exception in on_close: %s", self._request_summary())
        self.on_finish()


def _refused(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("the response is complete: on a WebSocket there is write_message")


def broadcast(
    handlers: Iterable[WebSocketHandler], message: str | bytes | Mapping[str, object], binary: bool = False
) -> None:
    """Send a message to many connections; it is framed, and compressed, only once for all of them.

    Connections that are not open are skipped. One that leaves more than 16 MiB unread is disconnected, so that it
    does not hold back the others.
    """
    from ._broadcast import SharedFrame

    frame = SharedFrame(message, binary)
    for handler in list(handlers):
        if (connection := handler.ws_connection) is not None:
            connection.send_frame(frame.for_window(connection.shared_window_bits))
