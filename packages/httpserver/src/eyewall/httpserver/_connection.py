"""HTTP1Connection: one request read from a stream, and its answer written."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from eyewall.ioloop import CompletedFuture
from eyewall.iostream import StreamClosedError

from ._client import ClientRole
from ._framing import FINISHED, NO_REQUEST, NOT_BEGUN, answer_head, frame_chunk
from ._headers import HTTPHeaders
from ._parser import RequestParser
from ._reasons import reason_of, responses, status_lines
from ._record import Account
from ._start_line import RequestStartLine, ResponseStartLine
from .errors import HTTPInputError, HTTPOutputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from eyewall.ioloop import Future
    from eyewall.iostream import Buffer

    from ._parser import MessageParser
    from ._record import Cause, RequestRecord
    from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

logger = logging.getLogger("eyewall.httpserver")

_OK: Final = 200
_CONTINUE: Final = 100
_SWITCHING_PROTOCOLS: Final = 101
# A head and a body that are together about this long leave as one buffer: a copy costs less than a second one.
_JOIN_BELOW: Final = 64 * 1024


class HTTP1Connection(ClientRole):
    """One request and its response on a stream; satisfies :class:`~eyewall.httpserver.HTTPConnection`.

    An :class:`HTTP1ServerConnection` creates one for each request. To serve a single request directly::

        connection = HTTP1Connection(stream)
        keep_alive = await connection.read_response(delegate)

    If you do, call :meth:`abandon` when the stream closes, and :meth:`peer_ended` when only the peer's side ends.
    With ``is_client``, it is the other end::

        connection = HTTP1Connection(stream, is_client=True)
        connection.write_headers(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "example.org"}))
        connection.finish()
        keep_alive = await connection.read_response(delegate)
    """

    __slots__ = ()

    account: Account | None
    """What is counted of this request, if anybody wants to know."""
    keep_alive: bool
    """Whether another request may follow this one; decided when the response begins."""
    reads: bool
    """True while it waits for its peer to send more."""

    # The request

    async def read_response(self, delegate: HTTPMessageDelegate) -> bool:
        """Read one request, let the delegate answer it, and say whether another may follow.

        The name is Tornado's, where a server's connection "reads a response" too. Errors of the peer and of the
        delegate are answered and logged, not raised.

        A client's connection reads the response to the request that was written with :meth:`write_headers`, and says
        whether another request may follow; if not, its stream is closed, unless it was detached. A response that is
        malformed or exceeds a limit is logged. Raises ``StreamClosedError`` if the stream ends before the response is
        complete. In both cases the delegate's ``on_connection_close`` is called instead of ``finish``.
        """
        if self.is_client:
            return await self._read_answer(delegate)
        if self.params.decompress:
            from ._decompress import DecompressingDelegate

            delegate = DecompressingDelegate(delegate, self)
        parser = self._parser = RequestParser(self.params.limiter, self.params.chunk_size)
        try:
            return await self.serve(_OneRequest(delegate), None)
        finally:
            self.stream.unread(parser.take_rest())

    async def serve(self, delegate: HTTPServerConnectionDelegate, server_conn: object) -> bool:
        """Do the same for the delegate that ``start_request`` gives; what is left over stays in the parser."""
        buffered = self._parser is not None and self._parser.buffered
        rest = self.begin(delegate, server_conn, b"" if buffered else self.stream.read_nowait())
        return self.keep_alive if rest is None else await rest

    def begin(
        self, delegate: HTTPServerConnectionDelegate, server_conn: object, data: bytes
    ) -> Coroutine[Any, Any, bool] | None:
        """Begin to :meth:`serve` with the bytes that have arrived; return what is left to be awaited.

        If the request is there as a whole and its delegate has answered it, that is nothing: most requests need no
        coroutine, and are finished within this call.
        """
        parser = self._parser
        if parser is None:
            raise RuntimeError("one connection serves one request: make another")
        try:
            self._delegate = message = delegate.start_request(server_conn, self)
            waiting = parser.begin(message, self, data)
        except Exception as error:  # noqa: BLE001 - as in _go_on
            self.fail(error)
        except BaseException:
            self._break_off()
            raise
        else:
            if waiting is not None or self._left > FINISHED or not parser.complete:
                return self._go_on(parser, waiting)
            self._parser = self._delegate = None
            return None
        self._leave(parser)
        return None

    async def _go_on(self, parser: MessageParser[Any], waiting: Awaitable[object] | None) -> bool:
        """Read on, after what the delegate has to wait for; say whether another request may follow."""
        try:
            while True:
                if self._peer_ended and (parser.complete or waiting is not None):
                    # Not before the handler has begun, which may have to prepare for this.
                    self.io_loop.add_callback(self.peer_ended)
                if waiting is not None:
                    await waiting
                if parser.complete or (self.finished and not self.keep_alive):
                    # Where no other request may follow, the rest of an answered one is not read.
                    break
                data = b""
                if waiting is None and not self._tell_to_continue():
                    self.reads = True
                    await self.stream.readable()
                    self.reads = False
                    data = self.stream.read_nowait()
                waiting = parser.feed(data)
            if not self.finished:
                await self._wait_until_finished()
        except Exception as error:  # noqa: BLE001 - whatever a delegate raises ends its answer, not the server
            self.fail(error)
        except BaseException:
            self._break_off()
            raise
        finally:
            self._leave(parser)
        return self.keep_alive

    def _break_off(self) -> None:
        """Somebody ends the task."""
        if not self.finished:
            self.stream.close()
        self._tell_gone()

    def _leave(self, parser: MessageParser[Any]) -> None:
        """The request is over: let go of what the connection needs for the next."""
        if not parser.complete:
            self._left_early = parser.waits
            parser.stop()
        self._parser = self._delegate = None

    def _tell_to_continue(self) -> bool:
        """Ask a client that holds its body back for it, once, unless it is answered (RFC 9110 section 10.1.1)."""
        if self._parser is None or not self._parser.holds_body or self._left != NOT_BEGUN:
            return False
        self.send_informational(_CONTINUE)
        return True

    def head_read(self, start_line: RequestStartLine, keep_alive: bool, /) -> None:
        """Take what the parser has read of the request's head."""
        self._request = start_line
        # An answer that has begun before the head was read has said that the connection ends.
        if keep_alive and not self.is_last and self._left == NOT_BEGUN:
            self.keep_alive = True
        if (parser := self._parser) is not None and parser.buffered and (outbox := self._outbox) is not None:
            outbox.holding = outbox.holding or parser.another_follows()

    @property
    def waits_for_request(self) -> bool:
        """True while bytes of the request are still to come."""
        return self._left_early or not self.head_seen if self._parser is None else self._parser.waits

    @property
    def bytes_received(self) -> int:
        """Bytes of the request's body that have arrived, while it is being read."""
        return 0 if self._parser is None else self._parser.bytes_received

    @property
    def head_seen(self) -> bool:
        """True once the request's head has been read."""
        return self._request is not NO_REQUEST

    # The answer

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        /,
        chunk: Buffer | None = None,
    ) -> Future[None]:
        """Begin the response, or a client's request, and send ``chunk`` with it, in one piece if both are small.

        Framing is done here (RFC 9112 section 6): without ``Content-Length`` in ``headers``, the body is sent in
        chunks, or to HTTP/1.0 until the connection closes; ``Date`` and the necessary ``Connection`` field are added,
        and a length is left out if the status does not allow one. Raises :class:`HTTPOutputError` if the response has
        already begun, its length is not a number, its start line is invalid, or ``headers`` contain a
        ``Transfer-Encoding``; the response has then not begun.
        """
        if self.is_client:
            return self._write_request(start_line, headers, chunk)
        if self._left != NOT_BEGUN:
            raise HTTPOutputError("the headers have been sent already: an answer begins once")
        keep_alive = self.keep_alive
        if keep_alive and self._parser is not None and self._parser.waits:
            keep_alive = self._will_read_on(self._parser)
        head, left, keep_alive = answer_head(start_line, headers, self._request, keep_alive)
        body: tuple[Buffer, ...] = ()
        if chunk:
            if type(chunk) is bytes and left == len(chunk) <= _JOIN_BELOW:
                head += chunk
                left = 0
            else:
                body, left = frame_chunk(chunk, left)
        self._left = left
        self.keep_alive = keep_alive
        if self.account is not None:
            self.account.status = start_line[1]  # type: ignore[assignment] # an answer's: it has a status line
        return self._send_all((head, *body)) if body else self._send(head)

    def send_informational(self, status: int, headers: HTTPHeaders | None = None, /) -> Future[None]:
        """Send something ahead of the response: 103 Early Hints, 102, or 100 ahead of time (RFC 9110 section 15.2).

        Nothing is sent to HTTP/1.0, which has no such messages. Raises :class:`HTTPOutputError` for any other status,
        including 101, which is a final response; for fields that frame a body; and once the response has begun.
        """
        if self._left != NOT_BEGUN:
            raise HTTPOutputError(f"{status} comes before the answer, and that has begun")
        if not _CONTINUE <= status < _OK or status == _SWITCHING_PROTOCOLS:
            raise HTTPOutputError(f"{status} is not an informational status: give 100, 102, 103 or another below 200")
        if headers is not None and ("Content-Length" in headers or "Transfer-Encoding" in headers):
            raise HTTPOutputError(f"leave Content-Length and Transfer-Encoding out of {status}: it has no body")
        if not self.head_seen or self._request.version == "HTTP/1.0":
            return CompletedFuture(self.io_loop, None)
        if status == _CONTINUE and self._parser is not None:
            self._parser.told_to_continue()
        status_line = status_lines[ResponseStartLine("", status, responses.get(status, ""))]
        return self._send(f"{status_line}{headers.to_lines() if headers else ''}\r\n".encode("latin-1"))

    def _will_read_on(self, parser: MessageParser[Any]) -> bool:
        """True where what is still to come of an answered request is read and thrown away, for the next to follow."""
        missing = parser.bytes_missing
        if missing is None or parser.holds_body:
            return False
        most = self.params.limits.max_unwanted_body
        if missing > most:
            logger.info(
                "closes the connection of %s after its response: %d bytes of the request are missing, more than "
                "max_unwanted_body, %d",
                *(self.context.remote_ip, missing, most),
            )
        return missing <= most

    # What goes wrong

    def peer_ended(self) -> None:
        """The peer has ended its side: it has gone, though it may still read, or waits, as ``half_closed`` says.

        While the request is incomplete, reading on tells whether it is cut off; so does, where the delegate
        is busy and nobody reads, that the rest has not come.
        """
        self._peer_ended = True
        parser = self._parser
        if parser is None or self.params.half_closed != "gone":
            return
        if self._is_cut_off(parser):
            parser.stop()
            self._tell_gone()
        elif parser.complete:
            self._tell_gone()
        elif not parser.waits:
            # Its delegate is busy with the head, and can be told nothing before its ``finish``.
            callback, self._close_callback = self._close_callback, None
            self._tell(callback)

    def _is_cut_off(self, parser: MessageParser[Any]) -> bool:
        if self.reads or not self.head_seen:
            return False
        unread = self.stream.read_nowait()
        self.stream.unread(unread)
        return not parser.may_end_with(unread)

    def abandon(self) -> None:
        """The stream has closed: notify the delegate, and whoever waits for the response."""
        self._peer_ended = True
        if self._parser is not None:
            self._parser.stop()
        if self.account is not None:
            self.account.end("aborted", "the connection has closed")
        self._tell_gone()
        self._wake(StreamClosedError(None))

    def fail(self, error: Exception, cause: Cause = "refused") -> None:
        """End the exchange because of an error, of the peer or of the application.

        The error is logged and answered with a status. A response that has begun is cut off; a complete one stays.
        """
        if isinstance(error, StreamClosedError) and (self._peer_ended or self.stream.closed()):
            self._note("aborted", error)
            self.keep_alive = False
            self._tell_gone()
        elif not isinstance(error, HTTPInputError):
            self._note("failed", repr(error))
            logger.error("uncaught exception in %r from %s", self._summary(), self.context.remote_ip, exc_info=error)
            self._answer_status(500)
        elif self.finished:
            # It came behind an answer that told the peer that the rest is not read.
            self.keep_alive = False
        else:
            self._note(cause, error)
            if cause == "timed out":
                self._tell_gone()
            # As text: the error knows this connection, and whoever keeps the record would keep both.
            logger.info("refused a request from %s with %d: %s", self.context.remote_ip, error.status, str(error))
            self._answer_status(error.status)

    def record(self, bytes_received: int) -> RequestRecord | None:
        """Give what was counted of this request, once; None where nothing was."""
        account, self.account = self.account, None
        if account is None:
            return None
        method, target, _ = self._request if self.head_seen else ("", "", "")
        seconds = self.io_loop.time() - account.began
        account.end("aborted", "the connection has closed")
        return account.record(self.context.remote_ip, method, target, bytes_received, seconds)

    def _note(self, cause: Cause, reason: object) -> None:
        if self.account is not None:
            self.account.end(cause, reason)

    def _answer_status(self, status: int) -> None:
        """Answer with a status and its name, and let no request follow; where an answer has begun, cut it."""
        if self._parser is not None and not self._parser.complete:
            self._parser.stop()
            self._tell_gone()
        if self.finished:
            return
        if self._left != NOT_BEGUN:
            self._cut()
            return
        reason = reason_of(status)
        body = f"{status} {reason}\n".encode("latin-1")
        fields = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        self.write_headers(ResponseStartLine("HTTP/1.1", status, reason), HTTPHeaders(fields), body)
        self.finish()

    def _tell_gone(self) -> None:
        """Tell the delegate, once, that nobody reads its answer, or that its request ends here."""
        delegate, self._delegate = self._delegate, None
        callback, self._close_callback = self._close_callback, None
        if self.finished:
            return
        self._tell(None if delegate is None else delegate.on_connection_close)
        self._tell(callback)

    def _tell(self, call: Callable[[], object] | None) -> None:
        if call is not None:
            try:
                call()
            except Exception:
                logger.exception("uncaught exception on the end of %r", self._summary())

    def _summary(self) -> str:
        return " ".join(self._request[:2])[:200] if self.head_seen else ""


class _OneRequest:
    """Begins a request with a delegate that is there already; an HTTPServerConnectionDelegate."""

    __slots__ = ("_delegate",)

    def __init__(self, delegate: HTTPMessageDelegate) -> None:
        self._delegate = delegate

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """Give the delegate."""
        return self._delegate

    def on_close(self, server_conn: object, /) -> None:
        """Nothing is kept."""
