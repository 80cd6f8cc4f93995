"""The reads that a stream can be asked for: how much of the buffer each of them wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from .errors import UnsatisfiableReadError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Generator
    from typing import Self

    from eyewall.ioloop import Promise

T = TypeVar("T")

NOT_YET: Final = -1


class Want(Protocol):
    """One kind of read."""

    @property
    def operation(self) -> str:
        """The stream's method."""
        ...

    def length(self, buffer: bytes | bytearray, /) -> int:
        """How many bytes of the buffer to give now, or NOT_YET."""
        ...

    def length_at_end(self, buffer: bytes | bytearray, /) -> int:
        """The same, where nothing more will come."""
        ...

    def restart(self) -> bytes:
        """Forget what was seen of the buffer: it will change at its front. Gives what was taken out of it."""
        ...


class WantBytes:
    """Exactly so many bytes; with ``partial``, as many of them as there are."""

    __slots__ = ("_num_bytes", "_partial")

    operation = "read_bytes"

    def __init__(self, num_bytes: int, partial: bool) -> None:
        self._num_bytes = num_bytes
        self._partial = partial

    def length(self, buffer: bytes | bytearray, /) -> int:
        if len(buffer) >= self._num_bytes:
            return self._num_bytes
        return len(buffer) if self._partial and buffer else NOT_YET

    length_at_end = length

    def restart(self) -> bytes:
        return b""


class WantDelimiter:
    """All up to and including a delimiter. Remembers how far it has looked, so that no byte is searched twice."""

    __slots__ = ("_delimiter", "_max_bytes", "_searched")

    operation = "read_until"

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

    def restart(self) -> bytes:
        self._searched = 0
        return b""


class WantPattern:
    """All up to the end of the first match. Nothing is remembered: what did not match may, with what follows it."""

    __slots__ = ("_max_bytes", "_pattern")

    operation = "read_until_regex"

    def __init__(self, pattern: re.Pattern[bytes], max_bytes: int | None) -> None:
        self._pattern = pattern
        self._max_bytes = max_bytes

    def length(self, buffer: bytes | bytearray, /) -> int:
        match = self._pattern.search(buffer)
        # Unlike a delimiter, a match within max_bytes may hang on what comes after it.
        size = len(buffer) if match is None else match.end()
        if self._max_bytes is not None and size > self._max_bytes:
            raise UnsatisfiableReadError(f"no match of {self._pattern.pattern!r} within {self._max_bytes} bytes")
        return NOT_YET if match is None else size

    length_at_end = length

    def restart(self) -> bytes:
        return b""


class WantAll:
    """All that comes until the peer ends its side."""

    __slots__ = ()

    operation = "read_until_close"

    def length(self, buffer: bytes | bytearray, /) -> int:
        return NOT_YET

    def length_at_end(self, buffer: bytes | bytearray, /) -> int:
        return len(buffer)

    def restart(self) -> bytes:
        return b""


class WantFill:
    """Bytes for a buffer of the reader's own, which takes them as they come."""

    __slots__ = ("_buf", "_filled", "_partial", "_view")

    operation = "read_into"

    def __init__(self, buf: bytearray | memoryview, partial: bool) -> None:
        view = memoryview(buf)
        if view.readonly:
            raise TypeError(f"cannot read into {buf!r}: give a buffer that can be written to, such as a bytearray")
        self._buf = buf
        # Exported while bytes are still to come, so that nobody resizes the buffer.
        self._view: memoryview = view.cast("B")
        self._filled = 0
        self._partial = partial

    def length(self, buffer: bytes | bytearray, /) -> int:
        room = len(self._view) - self._filled
        if len(buffer) >= room:
            return room
        return len(buffer) if self._partial and buffer else NOT_YET

    length_at_end = length

    def absorb(self, buffer: bytes | bytearray) -> bytes:
        """Take all of the stream's buffer, which is less than is wanted; give what is left of it."""
        start, self._filled = self._filled, self._filled + len(buffer)
        self._view[start : self._filled] = buffer
        return b""

    def finish(self, data: bytes) -> int:
        """Take the last bytes; give the number of all."""
        self.absorb(data)
        self._view.release()
        return self._filled

    def restart(self) -> bytes:
        filled, self._filled = self._filled, 0
        return bytes(memoryview(self._buf).cast("B")[:filled]) if filled else b""

    def release(self) -> bytes:
        """Let go of the reader's buffer; give what it holds."""
        self._view.release()
        return self.restart()


class PendingRead(Generic[T]):
    """The future of a read that had to wait.

    A waiter can be cancelled in the very turn in which its bytes arrive: then its promise is done,
    and nobody takes the result. Awaiting goes through this class so that the bytes return to the
    stream instead of being lost.
    """

    __slots__ = ("_data", "_give_back", "promise", "want")

    def __init__(self, want: Want, promise: Promise[T], give_back: Callable[[bytes], None]) -> None:
        self.want = want
        self.promise = promise
        self._give_back = give_back
        self._data = b""

    def resolve(self, data: bytes) -> None:
        """Answer with bytes; its waiter must still be there."""
        self._data = data
        self.promise.set_result(data)  # type: ignore[arg-type] # T is bytes, but for the subclass that overrides this

    def give_up(self) -> None:
        """Return to the stream what the waiter will not get."""
        if data := self._data:
            self._data = b""
            self._give_back(data)

    def __await__(self) -> Generator[Any, Any, T]:
        try:
            return (yield from self.promise.__await__())
        except BaseException:
            self.give_up()
            raise

    def done(self) -> bool:
        return self.promise.done()

    def result(self) -> T:
        return self.promise.result()

    def exception(self) -> BaseException | None:
        return self.promise.exception()

    def add_done_callback(self, callback: Callable[[Self], object], /) -> None:
        self.promise.add_done_callback(lambda _: callback(self))


class PendingFill(PendingRead[int]):
    """The same, for bytes that go into a buffer of the reader's own."""

    __slots__ = ("_fill",)

    def __init__(self, want: WantFill, promise: Promise[int], give_back: Callable[[bytes], None]) -> None:
        super().__init__(want, promise, give_back)
        self._fill = want

    def absorb(self, buffer: bytes | bytearray) -> bytes:
        """Take what has come so far."""
        return self._fill.absorb(buffer)

    def resolve(self, data: bytes) -> None:
        self.promise.set_result(self._fill.finish(data))

    def give_up(self) -> None:
        if data := self._fill.release():
            self._give_back(data)


def cut(buffer: bytes | bytearray, length: int) -> tuple[bytes, bytes | bytearray]:
    """Return the first ``length`` bytes of a buffer, and the buffer of the others."""
    if length == len(buffer):
        return bytes(buffer), b""
    data = bytes(memoryview(buffer)[:length])
    # A bytearray gives up bytes at its front without moving the others.
    if isinstance(buffer, bytearray):
        del buffer[:length]
        return data, buffer
    return data, bytearray(memoryview(buffer)[length:])
