"""The half of HTTP1Connection that is a client's: it writes a request, and reads the answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from eyewall.iostream import StreamClosedError

from ._exchange import Exchange
from ._framing import IN_CHUNKS, NOT_BEGUN, frame_chunk, promised_length
from ._head import has_token
from ._headers import check_headers, fields_of
from ._start_line import REQUEST_LINE, RequestStartLine, ResponseStartLine
from .errors import HTTPInputError, HTTPOutputError

if TYPE_CHECKING:
    from eyewall.ioloop import Future
    from eyewall.iostream import Buffer

    from ._answer_parser import AnswerParser
    from ._headers import HTTPHeaders
    from ._pace import Pace
    from .protocols import HTTPMessageDelegate

logger = logging.getLogger("eyewall.httpserver")

_CONTINUE: Final = 100
# Methods whose requests have no body unless its length is given.
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class ClientRole(Exchange):
    """Writes a request, and reads the answer."""

    __slots__ = ("_holds_body",)

    keep_alive: bool
    """Whether another request may follow this one; settled when the answer begins."""
    is_last: bool
    """True if no other request may follow."""
    # Whether a request that has begun waits for a 100 before its body is written.
    _holds_body: bool

    # The request

    def _write_request(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, chunk: Buffer | None
    ) -> Future[None]:
        if isinstance(start_line, ResponseStartLine):
            raise HTTPOutputError(f"{start_line!r} is for the other end: a client writes requests, a server answers")
        if self._left != NOT_BEGUN:
            raise HTTPOutputError("the headers have been sent already: a request begins once")
        check_headers(headers)
        line = f"{start_line.method} {start_line.path} HTTP/1.1"
        if not REQUEST_LINE.fullmatch(line):
            raise HTTPOutputError(f"{start_line!r} cannot begin a request: percent-encode what a target cannot hold")
        lines, left, keep_alive = frame_request(start_line.method, headers, bool(chunk), self.is_last)
        buffers: tuple[Buffer, ...] = (f"{line}\r\n{headers.to_lines()}{lines}\r\n".encode("latin-1"),)
        if chunk:
            body, left = frame_chunk(chunk, left)
            buffers += body
        self._holds_body = has_token(headers.get("Expect", ""), "100-continue")
        self.is_last = not keep_alive
        self._request, self._left = start_line, left
        return self._send_all(buffers)

    # The answer

    async def _read_answer(self, delegate: HTTPMessageDelegate) -> bool:
        if self.params.decompress:
            from ._decompress import DecompressingDelegate

            delegate = DecompressingDelegate(delegate, self)
        from ._answer_parser import AnswerParser

        parser = AnswerParser(self.params.limiter, self._request.method, self.params.chunk_size)
        self._parser, self._delegate = parser, delegate
        parser.begin(delegate, _AnswerListener(self))
        try:
            await self._feed(parser)
            self._delegate = None
            if parser.buffered and not self.detached:
                # Nobody has asked for it, and it would be taken for the answer to the next request (RFC 9112 9.2).
                logger.info("input from %s behind its answer: the connection is closed", self.context.remote_ip)
                self.keep_alive = False
            await self._wait_until_sent()
        except Exception as error:
            self._log_end(error)
            self._give_up()
            if isinstance(error, StreamClosedError):
                raise
        except BaseException:
            self._give_up()
            raise
        finally:
            if rest := parser.take_rest():
                self.stream.unread(rest)
            parser.stop()
            self._parser = None
        if not self.keep_alive and not self.detached:
            self.stream.close()
        return self.keep_alive

    async def _feed(self, parser: AnswerParser) -> None:
        """Read until the answer is complete, or somebody has taken the stream over."""
        data = self.stream.read_nowait()
        from ._pace import Pace

        pace = Pace(self)
        while True:
            waiting = parser.feed(data)
            if waiting is not None:
                pace.hold()
                await waiting
                pace.go_on()
            if parser.complete or self.detached:
                return
            data = b""
            if waiting is None:
                try:
                    data = await self._more(parser, pace)
                except StreamClosedError as error:
                    # Where it broke, nobody knows how much is missing.
                    if error.real_error is not None or not parser.ends_with_stream:
                        raise
                    if (waiting := parser.end()) is not None:
                        await waiting
                    return

    async def _more(self, parser: AnswerParser, pace: Pace) -> bytes:
        while True:
            with self.io_loop.cancel_scope(deadline=pace.until(parser.phase, parser.bytes_received)) as scope:
                await self.stream.readable()
            if not scope.cancelled_caught:
                return self.stream.read_nowait()

    def answer_begins(self, code: int, keep_alive: bool, /) -> None:
        """Take the status of an answer, or of an informational one before it, and whether its server would go on."""
        self.keep_alive = keep_alive and not self.is_last
        if code == _CONTINUE:
            self._holds_body = False

    async def _wait_until_sent(self) -> None:
        """Wait for the end of a request that was answered before it, so that the next can follow.

        A body that was held back for a 100 which did not come will not be sent: the connection ends.
        """
        if self._left <= NOT_BEGUN:
            return
        if not self.keep_alive or self._holds_body:
            self.keep_alive = False
            return
        self.stream.set_close_callback(lambda: self._wake(StreamClosedError(None)))
        try:
            await self._wait_until_finished()
        except StreamClosedError:
            # The answer is complete: only that no other can follow.
            self.keep_alive = False
        finally:
            self.stream.set_close_callback(None)

    def _log_end(self, error: Exception) -> None:
        if isinstance(error, HTTPInputError):
            logger.info("refused the answer of %s: %s", self.context.remote_ip, error)
        elif not isinstance(error, StreamClosedError):
            logger.error("uncaught exception at the answer of %s", self.context.remote_ip, exc_info=error)

    def _give_up(self) -> None:
        """Close the connection, and tell the delegate, once, that no more will come."""
        self.keep_alive = False
        self._peer_ended = True
        if not self.detached:
            self.stream.close()
        delegate, self._delegate = self._delegate, None
        callback, self._close_callback = self._close_callback, None
        for call in (None if delegate is None else delegate.on_connection_close, callback):
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("uncaught exception on the end of the connection to %s", self.context.remote_ip)


class _AnswerListener:
    """Tells a client's connection of the heads that its parser has read."""

    __slots__ = ("_client",)

    def __init__(self, client: ClientRole) -> None:
        self._client = client

    def head_read(self, start_line: ResponseStartLine, keep_alive: bool, /) -> None:
        self._client.answer_begins(start_line.code, keep_alive)


def frame_request(method: str, headers: HTTPHeaders, has_body: bool, is_last: bool) -> tuple[str, int, bool]:
    """Return the field lines that a request lacks, what is to be written of its body, and whether another may follow.

    Without ``Content-Length`` a body is sent in chunks, and there is one where ``has_body`` or the
    method says so (RFC 9112 section 6.3). Raises :class:`HTTPOutputError`.
    """
    fields = fields_of(headers)
    if "Host" not in fields:
        raise HTTPOutputError("a request needs a Host field (RFC 9112 section 3.2): headers['Host'] = 'example.org'")
    if "Transfer-Encoding" in fields:
        raise HTTPOutputError("leave Transfer-Encoding out: a body without Content-Length is sent in chunks anyway")
    closes = has_token(headers.get("Connection", ""), "close")
    lines = "Connection: close\r\n" if is_last and not closes else ""
    if (length := headers.get("Content-Length")) is not None:
        left = promised_length(length)
    elif has_body or method not in _WITHOUT_BODY:
        left = IN_CHUNKS
        lines += "Transfer-Encoding: chunked\r\n"
    else:
        left = 0
    return lines, left, not is_last and not closes
