"""Any stream as a transport, so that TLS can be spoken over it: in memory, inside other TLS, over yours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.ioloop import READ, WRITE

from .errors import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyewall.ioloop import EventLoop, Future

    from .protocols import Buffer, Stream


class StreamTransport:
    """A stream, as what lies under another. Readiness is level-triggered, as a descriptor's is."""

    __slots__ = ("_events", "_handler", "_scheduled", "_waiting", "_write", "stream")

    buffered = False

    def __init__(self, stream: Stream) -> None:
        self.stream: Stream = stream
        self._handler: Callable[[object, int], None] | None = None
        self._events = 0
        self._scheduled = False
        # The one readable() that the stream may have, and the write that is under way.
        self._waiting: Future[None] | None = None
        self._write: Future[None] | None = None
        stream.set_eof_callback(_go_on)

    @property
    def unsent(self) -> bool:
        """True if the stream still holds bytes: to be closed now, it would drop them."""
        return self._write is not None and not self._write.done()

    def receive(self, num_bytes: int, /) -> bytes:
        while not (data := self.stream.read_nowait()):
            waiting = self._wait()
            if not waiting.done():
                raise BlockingIOError
            # What it waited for may have been taken since.
            self._waiting = None
            if (failure := waiting.exception()) is not None:
                return _end(failure)
        if len(data) > num_bytes:
            self.stream.unread(data[num_bytes:])
        return data[:num_bytes]

    def send(self, data: Buffer, /) -> int:
        self.flush()
        try:
            self._write = self.stream.write(data)
        except StreamClosedError as error:
            raise _cause(error) from None
        if self.unsent:
            self._write.add_done_callback(self._on_written)
        return len(data)

    def send_many(self, buffers: Sequence[Buffer], /) -> int:
        return self.send(buffers[0])

    def flush(self) -> None:
        if self._write is None:
            return
        if not self._write.done():
            raise BlockingIOError
        failure, self._write = self._write.exception(), None
        if failure is not None:
            raise _cause(failure)

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        self._handler = handler
        self._events = events
        self._arm()

    def shutdown_write(self) -> None:
        self.stream.shutdown_write()

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        self._events = 0
        self._handler = None
        self.stream.close(error)

    def _wait(self) -> Future[None]:
        if self._waiting is None:
            self._waiting = self.stream.readable()
            self._waiting.add_done_callback(self._on_ready)
        return self._waiting

    def _arm(self) -> None:
        """See to it that what is watched for is told in a later turn."""
        if self._events & READ:
            self._wait()
        if self._events & WRITE and not self.unsent and not self._scheduled:
            self._scheduled = True
            self.stream.io_loop.add_callback(self._on_written, None)

    def _on_ready(self, waited: object) -> None:
        if self._waiting is waited:
            self._waiting = None
        self._call(READ)

    def _on_written(self, written: object) -> None:
        if written is None:
            self._scheduled = False
        self._call(WRITE)

    def _call(self, event: int) -> None:
        if event & self._events and self._handler is not None:
            self._handler(self, event)
            self._arm()


def _end(failure: BaseException) -> bytes:
    """Return the end of input for an orderly end, and raise any other."""
    if isinstance(failure, StreamClosedError) and failure.real_error is None:
        return b""
    raise _cause(failure)


def _cause(failure: BaseException) -> OSError:
    """Return what lies behind it, as a socket would raise it."""
    cause = failure.real_error if isinstance(failure, StreamClosedError) else failure
    return cause if isinstance(cause, OSError) else StreamClosedError(cause)


def _go_on() -> None:
    """Called at the end of the peer's side; that there is somebody to call leaves the other side open."""
