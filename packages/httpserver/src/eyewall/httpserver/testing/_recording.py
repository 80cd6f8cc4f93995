"""RecordingConnection: keeps what a real connection would send, and insists on the same contract."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from eyewall.ioloop import CompletedFuture, IOLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

from .._context import HTTPConnectionContext
from .._framing import FORBIDDEN_TRAILERS
from .._headers import HTTPHeaders, adopted
from .._reasons import forbids_body, status_lines
from ..errors import HTTPOutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future, HasFileno, Promise
    from eyewall.iostream import Address, Buffer, Stream, TLSInfo

    from .._start_line import ResponseStartLine


class RecordingConnection:
    """An :class:`~eyewall.httpserver.HTTPConnection` that records the response to one request.

    ``method`` is that of the request: the body of a response to HEAD is dropped, as in a server. ``address`` and
    ``tls`` are what :attr:`context` says about the client. A violation of the contract raises ``HTTPOutputError``, as
    it would in a server::

        connection = RecordingConnection(io_loop)
        delegate = application.start_request(object(), connection)
        ...
        assert connection.start_line.code == 200
        assert connection.body == b"Hello"
        assert connection.finished
    """

    def __init__(
        self,
        io_loop: EventLoop | None = None,
        *,
        method: str = "GET",
        address: Address | None = ("192.0.2.1", 49152),
        tls: TLSInfo | None = None,
    ) -> None:
        self.io_loop: EventLoop = io_loop or IOLoop.current()
        """The loop that the connection runs on."""
        self.method: str = method
        """The method of the request."""
        self.start_line: ResponseStartLine | None = None
        """The start line; None until it is written."""
        self.headers: HTTPHeaders | None = None
        """A copy of the header fields that were written; None until then."""
        self.chunks: list[bytes] = []
        """The pieces of the body, one for each call that supplied one; empty for HEAD."""
        self.informational: list[tuple[int, HTTPHeaders]] = []
        """What :meth:`send_informational` sent ahead of the response."""
        self.sent_trailers: HTTPHeaders | None = None
        """The trailers with which the response was finished."""
        self.trailers: HTTPHeaders = HTTPHeaders()
        """The trailers of the request; set them for the code under test."""
        self.finished: bool = False
        """True once the answer is complete."""
        self.closed: bool = False
        """True after :meth:`close`."""
        self.detached: bool = False
        """True after :meth:`detach`."""
        self.max_body_size: int | None = None
        """What :meth:`set_max_body_size` set."""
        self.body_timeout: float | None = None
        """What :meth:`set_body_timeout` set."""
        self._address = address
        self._tls = tls
        self._streams: tuple[Stream, Stream] | None = None
        self._close_callback: Callable[[], object] | None = None
        self._holds = False
        self._waiting: list[Promise[None]] = []
        self._bytes_left: int | None = None

    @property
    def body(self) -> bytes:
        """The body so far."""
        return b"".join(self.chunks)

    @property
    def context(self) -> HTTPConnectionContext:
        """The client and its protocol, as given to the constructor."""
        return HTTPConnectionContext(self._ends()[1], self._address)

    @property
    def client(self) -> Stream:
        """The client's end of the stream that :meth:`detach` returns."""
        return self._ends()[0]

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, /, chunk: Buffer | None = None
    ) -> Future[None]:
        """Record the beginning of the answer."""
        if self.start_line is not None:
            raise HTTPOutputError("the headers were written already")
        headers = adopted(headers)
        _ = status_lines[start_line]  # refuses what cannot be one
        if "Transfer-Encoding" in headers:
            raise HTTPOutputError("leave Transfer-Encoding out: the connection sees to the framing")
        self._bytes_left = self._expected_size(start_line.code, headers)
        self.start_line = start_line
        self.headers = headers.copy()
        self._record(chunk)
        return self._written()

    def write(self, chunk: Buffer, /) -> Future[None]:
        """Record a piece of the body."""
        if self.start_line is None:
            raise HTTPOutputError("a body was written before the headers")
        if self.finished:
            raise HTTPOutputError("a body was written after finish()")
        self._record(chunk)
        return self._written()

    async def write_file(self, file: int | HasFileno, /, offset: int = 0, count: int | None = None) -> None:
        """Record a piece of the body that is in a file."""
        fd = file if isinstance(file, int) else file.fileno()
        count = os.fstat(fd).st_size - offset if count is None else count
        chunk = os.pread(fd, count, offset)
        await self.write(chunk)
        if len(chunk) < count:
            raise HTTPOutputError(f"{count} bytes of {file!r} were to be sent, and there were only {len(chunk)}")

    def send_informational(self, status: int, headers: HTTPHeaders | None = None, /) -> Future[None]:
        """Record what is told before the answer."""
        if self.start_line is not None:
            raise HTTPOutputError(f"{status} after the headers of the answer")
        if not 100 <= status < 200 or status == 101:
            raise HTTPOutputError(f"{status} is not an informational status")
        self.informational.append((status, HTTPHeaders() if headers is None else headers.copy()))
        return self._written()

    def finish(self, trailers: HTTPHeaders | None = None) -> None:
        """Record that the answer is complete."""
        if self.start_line is None:
            raise HTTPOutputError("finish() before the headers were written")
        if self.finished:
            raise HTTPOutputError("finish() was called twice")
        if self._bytes_left:
            raise HTTPOutputError(f"the body is {self._bytes_left} bytes shorter than its Content-Length")
        if trailers:
            if forbidden := FORBIDDEN_TRAILERS.intersection(trailers):
                raise HTTPOutputError(f"{', '.join(sorted(forbidden))} among the trailers")
            if self.headers is not None and "Content-Length" in self.headers:
                raise HTTPOutputError("trailers behind a body with Content-Length")
            self.sent_trailers = trailers.copy()
        self.finished = True
        self._close_callback = None

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function when :meth:`close` is called before the response is complete."""
        self._close_callback = callback

    def set_max_body_size(self, max_body_size: int, /) -> None:
        """Record the limit."""
        self.max_body_size = max_body_size

    def set_body_timeout(self, timeout: float, /) -> None:
        """Record the time."""
        self.body_timeout = timeout

    def detach(self) -> Stream:
        """Return the server's end of a stream in memory; :attr:`client` is the other."""
        self.detached = True
        return self._ends()[1]

    def hold_writes(self) -> None:
        """Let every write wait from now on, as for a client that reads nothing, until :meth:`release_writes`."""
        self._holds = True

    def release_writes(self) -> None:
        """Complete the waiting writes, and let further ones complete at once."""
        self._holds = False
        for promise in self._taken():
            promise.set_result(None)

    def close(self, error: BaseException | None = None) -> None:
        """Simulate a client that disconnects: call the close callback, and fail waiting and further writes.

        Idempotent; has no effect once the response is complete.
        """
        if self.closed:
            return
        self.closed = True
        for promise in self._taken():
            _fail(promise, error)
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            callback()

    def _expected_size(self, code: int, headers: HTTPHeaders) -> int | None:
        if forbids_body(code):
            return 0
        length = headers.get("Content-Length")
        if length is None or self.method == "HEAD":
            return None
        if not (length.isascii() and length.isdigit()):
            raise HTTPOutputError(f"Content-Length {length!r} is not a single plain number")
        return int(length)

    def _record(self, chunk: Buffer | None) -> None:
        if not chunk:
            return
        if self._bytes_left is not None:
            if len(chunk) > self._bytes_left:
                raise HTTPOutputError(f"the body is {len(chunk) - self._bytes_left} bytes longer than it may be")
            self._bytes_left -= len(chunk)
        if self.method != "HEAD" and not self.closed:
            self.chunks.append(bytes(chunk))

    def _written(self) -> Future[None]:
        if not self.closed and not self._holds:
            return CompletedFuture(self.io_loop, None)
        promise: Promise[None] = self.io_loop.create_future()
        if self.closed:
            _fail(promise, None)
        else:
            self._waiting.append(promise)
        return promise

    def _taken(self) -> list[Promise[None]]:
        waiting, self._waiting = self._waiting, []
        return [promise for promise in waiting if not promise.done()]

    def _ends(self) -> tuple[Stream, Stream]:
        if self._streams is None:
            self._streams = memory_streams(self.io_loop, address=self._address, tls=self._tls)
        return self._streams


def _fail(promise: Promise[None], error: BaseException | None) -> None:
    promise.set_exception(StreamClosedError(error))
    promise.exception()  # seen: nobody has to await a write
