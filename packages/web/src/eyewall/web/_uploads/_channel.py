"""The way of a body from the connection, which reads it, to the handler's method, which takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.iostream import StreamClosedError

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop, Promise


class BodyChannel:
    """Hands over one piece at a time: who puts it waits until the other has done with it and asks for more."""

    __slots__ = ("_chunk", "_closed", "_ended", "_io_loop", "_lost", "_reader", "_writer", "received")

    def __init__(self, io_loop: EventLoop) -> None:
        self._io_loop = io_loop
        self._chunk: bytes | None = None
        self._ended = False
        self._lost = False
        self._closed = False
        self._reader: Promise[None] | None = None
        self._writer: Promise[None] | None = None
        self.received: int = 0
        """Bytes that have come."""

    async def put(self, chunk: bytes) -> None:
        """Hand over a piece; at once where nobody wants any more."""
        self.received += len(chunk)
        if self._closed:
            return
        self._chunk = chunk
        self._writer = self._io_loop.create_future()
        wake(self._reader)
        try:
            await self._writer
        finally:
            self._writer = None

    async def get(self) -> bytes | None:
        """Take the next piece; None at the end. Raises ``StreamClosedError`` if the client has gone before it."""
        if self._chunk is None:
            wake(self._writer)
        while self._chunk is None:
            if self._lost:
                raise StreamClosedError(None)
            if self._ended or self._closed:
                return None
            self._reader = self._io_loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        chunk, self._chunk = self._chunk, None
        return chunk

    def end(self) -> None:
        """The body is complete."""
        self._ended = True
        wake(self._reader)

    def lose(self) -> None:
        """The client has gone."""
        self._lost = not self._ended
        wake(self._reader)
        wake(self._writer)

    def close(self) -> None:
        """Nobody takes any more."""
        self._closed = True
        self._chunk = None
        wake(self._writer)


def wake(promise: Promise[None] | None) -> None:
    """Let go on who waits, if somebody does."""
    if promise is not None and not promise.done():
        promise.set_result(None)
