"""Photographs: files in a folder beside the database, written by a thread while they come in."""

from __future__ import annotations

import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from eyewall.ioloop import EventLoop, Future

MAX_BYTES: Final = 10 * 1024 * 1024
NAME_PATTERN: Final = r"[A-Za-z0-9_-]{22}\.(?:jpg|png|gif|webp)"

_NAME = re.compile(NAME_PATTERN)
# How a file of each kind begins. What begins otherwise is none, whatever its name and its sender say.
_KINDS: Final = {
    "jpg": re.compile(rb"\xff\xd8\xff"),
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_HEAD_BYTES: Final = 12
_UNFINISHED: Final = ".part"
_ONE_HOUR: Final = 3600.0


class PhotoError(Exception):
    """What is coming in cannot be kept; the message is a sentence for who sends it."""


class Photos:
    """A folder of photographs, which is made where it is missing. They are written by a thread of its own."""

    def __init__(self, folder: Path, *, io_loop: EventLoop) -> None:
        folder.mkdir(exist_ok=True)
        self.folder: Final = folder
        self._io_loop = io_loop
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board-photos")

    def receive(self) -> Upload:
        """Begin to take one in."""
        name = secrets.token_urlsafe(16)
        return Upload(self.folder / name, self.in_thread)

    def remove(self, names: Iterable[str]) -> Future[None]:
        """Delete those of these names; those that are not there are no error."""
        paths = [self.folder / name for name in names if _NAME.fullmatch(name)]
        return self.in_thread(lambda: _unlink(paths))

    def sweep(self) -> None:
        """Delete what an upload left that was under way when a board was killed. Blocks: call it at the start."""
        for path in self.folder.glob(f"*{_UNFINISHED}"):
            # A younger one may be coming in, to another board of the same folder.
            if path.stat().st_mtime < time.time() - _ONE_HOUR:
                path.unlink(missing_ok=True)

    def in_thread(self, job: Callable[[], None]) -> Future[None]:
        """Run something in the thread, behind what was given to it before."""
        return self._io_loop.run_in_executor(self._executor, job)

    def close(self) -> None:
        """End the thread, when it has done what it was given."""
        self._executor.shutdown(wait=False)


class Upload:
    """A photograph that is coming in: :meth:`write` what comes, then :meth:`keep` or :meth:`discard` it."""

    def __init__(self, path: Path, in_thread: Callable[[Callable[[], None]], Future[None]]) -> None:
        self._path = path.with_name(path.name + _UNFINISHED)
        self._name = path.name
        self._in_thread = in_thread
        self._head = b""
        self._kind: str | None = None
        self._size = 0
        self._is_over = False

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self._size

    async def write(self, chunk: bytes) -> None:
        """Take a piece. Raises :class:`PhotoError` for what is no photograph, or too large."""
        if self._is_over:
            return
        self._size += len(chunk)
        if self._size > MAX_BYTES:
            raise PhotoError(f"Please choose a smaller photograph: at most {MAX_BYTES >> 20} MB.")
        if self._kind is None:
            self._head += chunk
            if len(self._head) < _HEAD_BYTES:
                return
            chunk, self._kind = self._head, _kind_of(self._head)
        await self._in_thread(lambda: _append(self._path, chunk))

    async def keep(self) -> str:
        """Give the photograph, which is complete, the name under which it can be had."""
        if self._kind is None:
            raise PhotoError(_NO_PHOTO)
        self._is_over = True
        name = f"{self._name}.{self._kind}"
        await self._in_thread(lambda: _rename(self._path, name))
        return name

    def discard(self) -> None:
        """Leave nothing of it. Idempotent, and of no effect on what was kept."""
        if not self._is_over:
            self._is_over = True
            self._in_thread(lambda: _unlink([self._path]))


_NO_PHOTO: Final = "Please choose a photograph: JPEG, PNG, GIF or WebP."


def _kind_of(head: bytes) -> str:
    for kind, beginning in _KINDS.items():
        if beginning.match(head):
            return kind
    raise PhotoError(_NO_PHOTO)


def _append(path: Path, chunk: bytes) -> None:
    with path.open("ab") as file:
        file.write(chunk)


def _rename(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
