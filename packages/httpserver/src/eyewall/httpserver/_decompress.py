"""Undoes the Content-Encoding of messages: a delegate that wraps the one which wants the content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._codings import decoder_for
from ._exchange import Exchange
from ._wrapping import WrappingDelegate
from .errors import HTTPInputError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ._codings import Decoder
    from ._headers import HTTPHeaders
    from ._start_line import RequestStartLine, ResponseStartLine
    from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

CONSUMED: Final = "X-Consumed-Content-Encoding"
"""The field in which the delegate inside sees the coding that was undone, in place of Content-Encoding."""
_CHUNK_SIZE: Final = 64 * 1024


class Decompressing:
    """Serves another delegate with requests whose bodies are decompressed; an HTTPServerConnectionDelegate."""

    __slots__ = ("_delegate",)

    def __init__(self, delegate: HTTPServerConnectionDelegate) -> None:
        self._delegate = delegate

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """Wrap the delegate of a request."""
        delegate = self._delegate.start_request(server_conn, request_conn)
        return DecompressingDelegate(delegate, request_conn) if isinstance(request_conn, Exchange) else delegate

    def on_close(self, server_conn: object, /) -> None:
        """Pass it on."""
        self._delegate.on_close(server_conn)


class DecompressingDelegate(WrappingDelegate):
    """Gives the delegate inside the content of a message, in pieces of at most ``chunk_size``.

    A coding that is not known, or several at once, are left to it. The limits of the connection's
    parameters hold for what comes out, and the ``max_body_size`` of the message too.
    """

    __slots__ = ("_chunk_size", "_connection", "_decoder", "_over", "_received", "_size")

    def __init__(self, delegate: HTTPMessageDelegate, connection: Exchange) -> None:
        super().__init__(delegate)
        self._connection = connection
        self._chunk_size = connection.params.chunk_size or _CHUNK_SIZE
        self._decoder: Decoder | None = None
        self._over = False
        self._received = 0
        self._size = 0

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Find what undoes the coding, and pass the head on without it."""
        # Only what stands there by our word is true.
        headers.pop(CONSUMED, None)
        coding = headers.get("Content-Encoding")
        if coding is not None and (decoder := decoder_for(coding)) is not None:
            self._decoder = decoder
            del headers["Content-Encoding"]
            headers[CONSUMED] = coding
        return self.delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Pass on what is in it."""
        if self._decoder is None:
            return self.delegate.data_received(chunk)
        return self._decompress(self._decoder, chunk)

    def finish(self) -> Awaitable[object] | None:
        """Pass the end on, if it is one of the content as well."""
        if self._decoder is not None and self._received and not self._decoder.complete:
            # The message is complete, and nobody else tells the delegate inside that its content is not.
            self.on_connection_close()
            raise HTTPInputError("invalid compressed data: it ends too early")
        return self.delegate.finish()

    def on_connection_close(self) -> None:
        """Pass on, once, that no more will come."""
        if not self._over:
            self._over = True
            self.delegate.on_connection_close()

    async def _decompress(self, decoder: Decoder, chunk: bytes) -> None:
        self._received += len(chunk)
        while True:
            piece = decoder.decode(chunk, self._chunk_size)
            chunk = b""
            if piece:
                self._size += len(piece)
                self._connection.params.limiter.check_decompressed(self._received, self._size)
                self._check_body_size()
                if (waiting := self.delegate.data_received(piece)) is not None:
                    await waiting
            if decoder.needs_input:
                return

    def _check_body_size(self) -> None:
        if self._size > self._connection.max_body_size:
            limit = self._connection.max_body_size
            raise HTTPInputError(f"decompressed body too large: max_body_size is {limit} bytes", status=413)
