"""The reads that a stream can be asked for: how much of the buffer each of them wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from .errors import UnsatisfiableReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

    from eyewall.ioloop import Promise

NOT_YET: Final = -1


class Want(Protocol):
    """One kind of read."""

    def length(self, buffer: bytes | bytearray, /) -> int:
        """How many bytes of the buffer to give now, or NOT_YET."""
        ...

    def length_at_end(self, buffer: bytes | bytearray, /) -> int:
        """The same, where nothing more will come."""
        ...

    def restart(self) -> None:
        """Forget what was seen of the buffer: it has changed at its front."""
        ...


class WantBytes:
    """Exactly so many bytes; with ``partial``, as many of them as there are."""

    __slots__ = ("_num_bytes", "_partial")

    def __init__(self, num_bytes: int, partial: bool) -> None:
        self._num_bytes = num_bytes
        self._partial = partial

    def length(self, buffer: bytes | bytearray, /) -> int:
        if len(buffer) >= self._num_bytes:
            return self._num_bytes
        return len(buffer) if self._partial and buffer else NOT_YET

    length_at_end = length

    def restart(self) -> None:
        pass


class WantDelimiter:
    """All up to and including a delimiter. Remembers how far it has looked, so that no byte is searched twice."""

    __slots__ = ("_delimiter", "_max_bytes", "_searched")

    def __init__(self, delimiter: bytes, max_bytes: int | None) -> None:
        self._delimiter = delimiter
        self._max_bytes = max_bytes
        self._searched = 0

    def length(self, buffer: bytes | bytearray, /) -> int:
        found = buffer.find(self._delimiter, self._searched)
        # Not found, its last byte is still to come: then what is there may not fill max_bytes already.
        size = len(buffer) + 1 if found < 0 else found + len(self._delimiter)
        if self._max_bytes is not None and size > self._max_bytes:
            raise UnsatisfiableReadError(f"no delimiter {self._delimiter!r} within {self._max_bytes} bytes")
        if found >= 0:
            return size
        self._searched = max(0, size - len(self._delimiter))
        return NOT_YET

    length_at_end = length

    def restart(self) -> None:
        self._searched = 0


class WantAll:
    """All that comes until the peer ends its side."""

    __slots__ = ()

    def length(self, buffer: bytes | bytearray, /) -> int:
        return NOT_YET

    def length_at_end(self, buffer: bytes | bytearray, /) -> int:
        return len(buffer)

    def restart(self) -> None:
        pass


class PendingRead:
    """The future of a read that had to wait.

    A waiter can be cancelled in the very turn in which its bytes arrive: then its promise is done,
    and nobody takes the result. Awaiting goes through this class so that the bytes return to the
    stream instead of being lost.
    """

    __slots__ = ("_data", "_give_back", "promise", "want")

    def __init__(self, want: Want, promise: Promise[bytes], give_back: Callable[[bytes], None]) -> None:
        self.want = want
        self.promise = promise
        self._give_back = give_back
        self._data = b""

    def resolve(self, data: bytes) -> None:
        """Answer with bytes; its waiter must still be there."""
        self._data = data
        self.promise.set_result(data)

    def __await__(self) -> Generator[Any, Any, bytes]:
        try:
            return (yield from self.promise.__await__())
        except BaseException:
            if self._data:
                self._give_back(self._data)
                self._data = b""
            raise

    def done(self) -> bool:
        return self.promise.done()

    def result(self) -> bytes:
        return self.promise.result()

    def exception(self) -> BaseException | None:
        return self.promise.exception()

    def add_done_callback(self, callback: Callable[[Self], object], /) -> None:
        self.promise.add_done_callback(lambda _: callback(self))


def cut(buffer: bytes | bytearray, length: int) -> tuple[bytes, bytes | bytearray]:
    """Give the first ``length`` bytes of a buffer, and the buffer of the others."""
    if length == len(buffer):
        return bytes(buffer), b""
    data = bytes(memoryview(buffer)[:length])
    # A bytearray gives up bytes at its front without moving the others.
    if isinstance(buffer, bytearray):
        del buffer[:length]
        return data, buffer
    return data, bytearray(memoryview(buffer)[length:])
