"""What was written and has not gone yet, and who waits for it to go."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import Promise

    from ._transport import Transport
    from .protocols import Buffer

# Far below IOV_MAX, far above what one write brings.
_MOST_BUFFERS: Final = 64


class UnsentBytes:
    """A queue of bytes. A stream has one only while something waits, be it here or in its transport."""

    __slots__ = ("_chunks", "_sent", "_waiters", "size")

    def __init__(self) -> None:
        self.size: int = 0
        self._chunks: deque[memoryview] = deque()
        self._sent = 0
        # Each with the number of bytes that must have gone, of all that went through this queue.
        self._waiters: list[tuple[int, Promise[None]]] = []

    def put(self, data: Buffer, start: int = 0) -> None:
        """Add what stands in ``data`` from ``start`` on."""
        if rest := memoryview(data)[start:]:
            # Whoever wrote a mutable buffer may change it later, so what stays behind of it is copied.
            self._chunks.append(rest if isinstance(rest.obj, bytes) else memoryview(bytes(rest)))
            self.size += len(rest)

    def send_to(self, transport: Transport) -> None:
        """Send all. Raises BlockingIOError where the transport takes no more."""
        chunks = self._chunks
        while chunks:
            if len(chunks) == 1:
                self._drop(transport.send(chunks[0]))
            else:
                self._drop(transport.send_many([chunks[i] for i in range(min(len(chunks), _MOST_BUFFERS))]))

    def _drop(self, count: int) -> None:
        self._sent += count
        self.size -= count
        chunks = self._chunks
        while count and chunks:
            if count < len(chunks[0]):
                chunks[0] = chunks[0][count:]
                return
            count -= len(chunks.popleft())

    def wait(self, promise: Promise[None], most: int = 0) -> None:
        """Answer the promise when no more than ``most`` of what is here now are left."""
        self._waiters.append((self._sent + self.size - most, promise))

    def answer(self, *, held_back: bool) -> None:
        """Answer those whose bytes have gone; the last byte has not while the transport holds something back."""
        if not self._waiters:
            return
        sent = self._sent - held_back
        for position, promise in self._waiters:
            if position <= sent and not promise.done():
                promise.set_result(None)
        self._waiters = [waiter for waiter in self._waiters if waiter[0] > sent]

    def waiting(self) -> Iterator[Promise[None]]:
        """Those who wait."""
        return (promise for _, promise in self._waiters)
