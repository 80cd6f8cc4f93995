"""Sends the answers of pipelined requests together: one send costs as much as all the rest of a small answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from eyewall.ioloop import CompletedFuture
from eyewall.iostream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from eyewall.ioloop import Future
    from eyewall.iostream import Buffer, Stream

MOST_HELD: Final = 64 * 1024
"""Bytes that are held back at most."""


class Outbox:
    """Holds answers back while a further request is buffered that can be answered at once.

    What is held leaves with :meth:`release`: before the connection waits for anything, before a
    handler first suspends (see :class:`ReleasedFirst`), and at :data:`MOST_HELD`. So nobody is kept
    waiting for an answer that is there.
    """

    __slots__ = ("_bytes_held", "_held", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held: list[Buffer] | None = None
        self._bytes_held = 0

    @property
    def holds(self) -> bool:
        """True while something is held back."""
        return self._bytes_held > 0

    def write(self, *buffers: Buffer) -> Future[None]:
        """Hold back, or send all where that is too much. Raises ``StreamClosedError`` as the stream does."""
        if self._stream.closed():
            raise StreamClosedError
        held = self._held = self._held or []
        for buffer in buffers:
            held.append(buffer if isinstance(buffer, bytes) else bytes(buffer))
            self._bytes_held += len(held[-1])
        if self._bytes_held >= MOST_HELD:
            return self.release()
        return CompletedFuture(self._stream.io_loop, None)

    def release(self) -> Future[None]:
        """Send what is held."""
        held, self._held = self._held or [], None
        self._bytes_held = 0
        return self._stream.write(*held)


class ReleasedFirst:
    """Awaits something, and calls ``release`` if and before that really waits."""

    __slots__ = ("_awaitable", "_release")

    def __init__(self, awaitable: Awaitable[object], release: Callable[[], object]) -> None:
        self._awaitable = awaitable
        self._release = release

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._awaitable.__await__()
        try:
            waited_for = next(steps)
        except StopIteration:
            return
        self._release()
        while True:
            try:
                answer = yield waited_for
            except BaseException as error:  # noqa: BLE001 - passed on to whom it is for
                passed_on = partial(steps.throw, error)
            else:
                passed_on = partial(steps.send, answer)
            try:
                waited_for = passed_on()
            except StopIteration:
                return
