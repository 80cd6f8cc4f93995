"""Sends the answers of pipelined requests together: one send costs as much as all the rest of a small answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eyewall.ioloop import CompletedFuture
from eyewall.iostream import StreamClosedError

if TYPE_CHECKING:
    from eyewall.ioloop import Future
    from eyewall.iostream import Buffer, Stream

MOST_HELD: Final = 64 * 1024
"""Bytes that are held back at most."""


class Outbox:
    """Holds answers back while a further request is buffered that can be answered at once.

    What is held leaves with :meth:`release`: before the connection's task waits for anything, and at
    :data:`MOST_HELD`. So nobody is kept waiting for an answer that is there.
    """

    __slots__ = ("_done", "_held", "_stream", "holding")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        # Both are made when something is held: most connections never hold an answer back.
        self._held: bytearray | None = None
        self._done: CompletedFuture[None] | None = None
        self.holding: bool = False
        """True from when another request was seen until :meth:`release`: answers go in here."""

    def write(self, *buffers: Buffer) -> Future[None]:
        """Hold back, or send all where that is too much. Raises ``StreamClosedError`` as the stream does."""
        if self._stream.closed():
            raise StreamClosedError
        if len(buffers) > 1 and max(map(len, buffers)) >= MOST_HELD:
            # A copy would cost more than a send.
            self.release()
            return self._stream.write(*buffers)
        if (held := self._held) is None:
            held = self._held = bytearray()
        for buffer in buffers:
            held += buffer
        if len(held) >= MOST_HELD and (sent := self.release()) is not None:
            return sent
        if self._done is None:
            self._done = CompletedFuture(self._stream.io_loop, None)
        return self._done

    def release(self) -> Future[None] | None:
        """Send what is held, and hold nothing from here on; None where there is nothing, or nobody to send it to."""
        self.holding = False
        if self._held is None:
            return None
        held, self._held = self._held, None
        return None if self._stream.closed() else self._stream.write(held)
