"""HTTP1Connection: one request read from a stream, and its answer written."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from eyewall.iostream import StreamClosedError

from ._dates import date_line
from ._exchange import OK, Exchange
from ._head import has_token
from ._headers import HTTPHeaders, fields_of
from ._outbox import ReleasedFirst
from ._parser import RequestParser
from ._reasons import responses, status_lines
from ._start_line import RequestStartLine, ResponseStartLine
from .errors import HTTPInputError, HTTPOutputError

if TYPE_CHECKING:
    from eyewall.ioloop import Future
    from eyewall.iostream import Buffer

    from ._head import RequestHead
    from .protocols import HTTPMessageDelegate

logger = logging.getLogger("eyewall.httpserver")

# What a client is taken to have asked whose request could not be read.
_NO_REQUEST: Final = RequestStartLine("GET", "*", "HTTP/1.1")
_END_OF_HEAD: Final = b"\r\n\r\n"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# A head and a body that are together about this long leave as one buffer: a copy costs less than a second one.
_JOIN_BELOW: Final = 64 * 1024
_WITHOUT_BODY: Final = frozenset({204, 304})
_WITH_LENGTH: Final = frozenset({OK, 304})


class HTTP1Connection(Exchange):
    """One request and its answer on a stream; satisfies :class:`~eyewall.httpserver.HTTPConnection`.

    An :class:`HTTP1ServerConnection` makes one for each request. To serve a single request by hand::

        connection = HTTP1Connection(stream)
        keep_alive = await connection.read_response(delegate)

    Whoever does tells it when the stream closes, with :meth:`abandon`, and when only the peer's side
    ends, with :meth:`peer_ended`.
    """

    __slots__ = ()

    # The request

    async def read_response(self, delegate: HTTPMessageDelegate) -> bool:
        """Read one request, let the delegate answer it, and say whether another may follow.

        The name is Tornado's, for which a server's connection "reads a response" too. Whatever the
        peer or the delegate does wrong is answered and logged, not raised.
        """
        self._delegate = delegate
        params, stream = self.params, self.stream
        parser = RequestParser(delegate, self._on_head, params.limiter)
        self._parser = parser
        try:
            data = stream.read_nowait()
            while not parser.complete:
                waiting = parser.feed(data)
                if self._peer_ended and parser.complete:
                    # Not before the handler has begun, which may have to prepare for this.
                    self.io_loop.add_callback(self._tell_gone)
                if waiting is not None:
                    await (ReleasedFirst(waiting, self.release) if self._holds else waiting)
                    data = b""
                elif self._tell_to_continue():
                    data = b""
                elif parser.waits and not self._finished:
                    self.release()
                    await stream.readable()
                    data = stream.read_nowait()
                if self._finished:
                    # Where it was answered before all of it was read, its rest is not waited for.
                    break
            if not self._finished:
                self._unread(parser)
                await self._wait_until_finished()
        except Exception as error:  # noqa: BLE001 - whatever a delegate raises ends its answer, not the server
            self.fail(error)
        except BaseException:
            stream.close()
            self._tell_gone()
            raise
        finally:
            if parser.rest:
                self._unread(parser)
            # The parser knows this connection, and would keep it until the next garbage collection.
            self._waits_for_request = parser.waits
            self._parser = None
            self._delegate = None
        return self.keep_alive

    def _tell_to_continue(self) -> bool:
        """Ask a client that holds its body back for it, once, unless it is answered (RFC 9110 section 10.1.1)."""
        if self._head is None or not self._head.expects_continue or self._started or not self.waits_for_request:
            return False
        self._head = self._head._replace(expects_continue=False)
        self.release()
        self.stream.write_nowait(_CONTINUE)
        return True

    def _on_head(self, head: RequestHead) -> None:
        self._head = head
        # An answer that has begun before the head was read has said that the connection ends.
        self.keep_alive = head.keep_alive and not self.params.no_keep_alive and not self._started
        if self._parser is not None and self._parser.rest and self._outbox is not None:
            self._holds = self._outbox.holds or _END_OF_HEAD in self._parser.rest

    @property
    def waits_for_request(self) -> bool:
        """True while bytes of the request are still to come."""
        return self._waits_for_request if self._parser is None else self._parser.waits

    @property
    def head_seen(self) -> bool:
        """True once the request's head has been read."""
        return self._head is not None

    # The answer

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, /, chunk: Buffer | None = None
    ) -> Future[None]:
        """Begin the answer, and send ``chunk`` with it, in one piece where both are small.

        Framing is seen to here (RFC 9112 section 6): without ``Content-Length`` in ``headers`` the
        body is sent in chunks, or to HTTP/1.0 until the connection closes; ``Date`` and what
        ``Connection`` has to say are added, and a length is left out where the status has none.
        Raises :class:`HTTPOutputError` where the answer has begun already, its length is no number,
        its start line cannot be one, or ``headers`` hold a ``Transfer-Encoding``; the answer has not
        begun then.
        """
        if self._started:
            raise HTTPOutputError("the headers have been sent already: an answer begins once")
        status_line = status_lines[start_line]
        framing = self._framing(start_line.code, headers)
        if self._without_body and self._without_body not in _WITH_LENGTH and "Content-Length" in headers:
            headers = headers.copy()
            del headers["Content-Length"]
        head = f"{status_line}{headers.to_lines()}{framing}\r\n".encode("latin-1")
        if not chunk:
            self._started = True
            return self._send(head)
        if self._body_left == len(chunk) <= _JOIN_BELOW and type(chunk) is bytes:
            self._started = True
            self._body_left = 0
            return self._send(b"".join((head, chunk)))
        body = self._framed(chunk)
        self._started = True
        return self._send(head, *body)

    def _framing(self, code: int, headers: HTTPHeaders) -> str:
        """The field lines that say where the body and the connection end, as far as they are not there."""
        fields = fields_of(headers)
        if "Transfer-Encoding" in fields:
            raise HTTPOutputError("leave Transfer-Encoding out: a body without Content-Length is sent in chunks anyway")
        method, _, version = _NO_REQUEST if self._head is None else self._head.start_line
        if self._parser is None or self._parser.waits:
            # Whoever is answered before the request is complete has to be told that its rest is not read.
            self.keep_alive = False
        lines = "" if "Date" in fields else date_line()
        # Nothing is left of an answer that was refused before this one.
        self._without_body, self._chunked, self._body_left = 0, False, None
        if code < OK:
            # To the client this is no answer yet: it would take that to its next request for the one to this.
            self._without_body = code
            self.keep_alive = False
        elif code in _WITHOUT_BODY:
            self._without_body = code
        elif method == "HEAD":
            self._without_body = OK
        elif (length := fields.get("Content-Length")) is not None:
            self._body_left = _promised_length(length)
        elif version == "HTTP/1.0":
            self.keep_alive = False
        else:
            self._chunked = True
            lines += "Transfer-Encoding: chunked\r\n"
        if self.keep_alive and version != "HTTP/1.0" and "Connection" not in fields:
            return lines
        return lines + self._connection_line(code, headers.get("Connection"))

    def _connection_line(self, code: int, given: str | None) -> str:
        if given is None:
            return "Connection: Keep-Alive\r\n" if self.keep_alive else "Connection: close\r\n"
        if has_token(given, "close"):
            self.keep_alive = False
        elif not self.keep_alive and code >= OK:
            # Whatever the application thinks of the connection, it is told that it ends.
            return "Connection: close\r\n"
        return ""

    # What goes wrong

    def peer_ended(self) -> None:
        """The peer has ended its side: it has gone, though it may still read.

        While the request is incomplete, reading on tells whether it is cut off.
        """
        self._peer_ended = True
        if self._parser is not None and self._parser.complete:
            self._tell_gone()

    def abandon(self) -> None:
        """The stream has closed: tell the delegate, and whoever waits for the answer."""
        self._peer_ended = True
        if self._parser is not None:
            self._parser.stop()
        self._tell_gone()
        self._wake(StreamClosedError(None))

    def fail(self, error: Exception) -> None:
        """End the exchange on account of an error: the peer's, or the application's.

        It is logged and answered with a status; an answer that has begun is cut, one that is complete stays.
        """
        if isinstance(error, StreamClosedError) and (self._peer_ended or self.stream.closed()):
            self.keep_alive = False
            self._tell_gone()
        elif not isinstance(error, HTTPInputError):
            logger.error("uncaught exception in %r from %s", self._summary(), self.context.remote_ip, exc_info=error)
            self._answer_status(500)
        elif self._finished:
            # It came behind an answer that told the peer that the rest is not read.
            self.keep_alive = False
        else:
            logger.info("refused a request from %s with %d: %s", self.context.remote_ip, error.status, error)
            self._answer_status(error.status)

    def _answer_status(self, status: int) -> None:
        """Answer with a status and its name, and let no request follow; where an answer has begun, cut it."""
        if self._parser is not None and not self._parser.complete:
            self._parser.stop()
            self._tell_gone()
        if self._finished:
            return
        if self._started:
            self._cut()
            return
        reason = responses.get(status, "Unknown")
        body = f"{status} {reason}\n".encode("latin-1")
        fields = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        self.write_headers(ResponseStartLine("HTTP/1.1", status, reason), HTTPHeaders(fields), body)
        self.finish()

    def _tell_gone(self) -> None:
        """Tell the delegate, once, that nobody reads its answer, or that its request ends here."""
        delegate, self._delegate = self._delegate, None
        callback, self._close_callback = self._close_callback, None
        if self._finished:
            return
        for call in (None if delegate is None else delegate.on_connection_close, callback):
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("uncaught exception on the end of %r", self._summary())

    def _summary(self) -> str:
        return "" if self._head is None else " ".join(self._head.start_line[:2])[:200]


def _promised_length(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise HTTPOutputError(f"Content-Length {value!r} is no single plain number")
    return int(value)
