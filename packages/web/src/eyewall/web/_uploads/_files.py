"""The files of a form: in memory while they are small, and then in a file that has no name on the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop

    from ._parts import FormPart

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_CHUNK_SIZE: Final = 256 * 1024


class Memory:
    """What the files of one form may take in memory."""

    __slots__ = ("_left",)

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> bool:
        """Take so many bytes of it; False if there are not that many."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """Have so many bytes more."""
        self._left += size


class UploadedFile:
    """A file that came with a form. It can be read until the request ends, and is deleted then.

    ::

        photo = form.file("photo")
        await photo.save("/srv/photos/1.jpg")

    A file that does not fit into memory is stored in an unnamed file, which the system removes when it is closed or
    when the process dies. It is written and read in a thread of the loop's executor. :attr:`filename` is whatever the
    client sent: choose names of your own.
    """

    def __init__(self, part: FormPart, io_loop: EventLoop, memory: Memory, folder: str | None) -> None:
        self.name: Final[str] = part.name
        """The name of the field."""
        self.filename: Final[str] = part.filename or ""
        """The name that the client gave it."""
        self.content_type: Final[str] = part.content_type
        """The media type that the client gave."""
        self.size: int = 0
        """How many bytes it has."""
        self._io_loop = io_loop
        self._memory = memory
        self._folder = folder
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._taken = 0
        self._content: bytes | None = None
        self._file: BinaryIO | None = None
        self._position = 0
        self._closed = False

    @property
    def in_memory(self) -> bool:
        """Whether all of it is in memory, so that no disk was needed."""
        return self._file is None

    @property
    def closed(self) -> bool:
        """True once the request is over."""
        return self._closed

    async def read(self, size: int = -1) -> bytes:
        """Read ``size`` bytes, or fewer at the end; everything that is left if it is negative."""
        self._check_open()
        left = self.size - self._position
        size = left if size < 0 else min(size, left)
        start = self._position
        self._position += size
        if self._file is None:
            return (self._content or b"")[start : self._position]
        return await self._in_thread(_read_at, self._file, start, size)

    def seek(self, position: int) -> None:
        """Continue with the next :meth:`read` at this position, counted from the beginning of the file."""
        if position < 0:
            raise ValueError(f"{position} is before the beginning of the file")
        self._position = min(position, self.size)

    def __aiter__(self) -> UploadedFile:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece, from where the last reading has ended."""
        chunk = await self.read(_CHUNK_SIZE)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write it to a path of your choice. Raises ``FileExistsError`` if a file is there, unless ``overwrite``.

        Nobody can see a partial file under this path: the file is first written next to it, and then renamed.
        """
        self._check_open()
        await self._in_thread(_save, self._content or b"", self._file, self.size, os.fspath(path), overwrite)

    def close(self) -> None:
        """Discard the file; done automatically when the request ends."""
        self._closed = True
        self._chunks.clear()
        self._content = None
        if self._file is not None:
            self._file.close()

    def __repr__(self) -> str:
        where = "closed" if self._closed else "in memory" if self.in_memory else "on the disk"
        return f"<UploadedFile {self.filename!r}, {self.size} bytes, {where}>"

    async def fill(self, part: FormPart) -> None:
        """Take the content of a part: what the form does."""
        async for chunk in part:
            self.size += len(chunk)
            self._chunks.append(chunk)
            self._waiting += len(chunk)
            if self._file is None and self._memory.take(len(chunk)):
                self._taken += len(chunk)
            elif self._file is None or self._waiting >= _CHUNK_SIZE:
                await self._spill()
        if self._file is not None:
            await self._spill()
        else:
            self._content = b"".join(self._chunks)
            self._chunks.clear()

    async def _spill(self) -> None:
        chunks, self._chunks, self._waiting = self._chunks, [], 0
        # Shielded within: a file that is made is known here, and so it is closed.
        self._file = await self._in_thread(_append, self._file, chunks, self._folder)
        self._memory.give_back(self._taken)
        self._taken = 0

    async def _in_thread(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Do it in a thread, and wait for its end whatever happens: nobody closes the file beneath it."""
        with self._io_loop.cancel_scope(shield=True):
            return await self._io_loop.run_in_executor(None, function, *args)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.filename!r} was forgotten when its request was over: save it before")


def _append(file: BinaryIO | None, chunks: list[bytes], folder: str | None) -> BinaryIO:
    made = file
    if made is None:
        from tempfile import TemporaryFile  # slow to import, and needed here only

        made = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with the request
    try:
        for chunk in chunks:
            _write_all(made, chunk)
    except BaseException:
        if file is None:
            made.close()
        raise
    return made


def _write_all(file: BinaryIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def _read_at(file: BinaryIO, start: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := os.pread(file.fileno(), size, start)):
        pieces.append(piece)
        start += len(piece)
        size -= len(piece)
    return b"".join(pieces)


def _save(content: bytes, file: BinaryIO | None, size: int, path: str, overwrite: bool) -> None:
    from secrets import token_hex

    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name[:80]}.{token_hex(8)}")
    try:
        with open(beside, "xb", buffering=0) as target:
            _copy(content, file, size, target)
        if overwrite:
            os.replace(beside, path)
        else:
            _name(beside, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)


def _name(beside: str, path: str) -> None:
    try:
        os.link(beside, path)
    except FileExistsError as error:
        raise FileExistsError(error.errno, "there is a file already; save it with overwrite=True", path) from None


def _copy(content: bytes, file: BinaryIO | None, size: int, target: BinaryIO) -> None:
    if file is None:
        _write_all(target, content)
        return
    for start in range(0, size, _CHUNK_SIZE):
        _write_all(target, _read_at(file, start, min(_CHUNK_SIZE, size - start)))
