"""Photographs: files in a folder beside the database."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from .metadata import DamagedError, without_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from eyewall.ioloop import EventLoop, Future
    from eyewall.web import UploadedFile

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


class PhotoError(Exception):
    """What was sent cannot be kept; the message is a sentence for who sent it."""


class Photos:
    """A folder of photographs, which is made where it is missing."""

    def __init__(self, folder: Path, *, io_loop: EventLoop) -> None:
        folder.mkdir(exist_ok=True)
        self.folder: Final = folder
        self._io_loop = io_loop

    async def keep(self, file: UploadedFile) -> str:
        """Keep a photograph without what its file says beside the picture, and give its name.

        Raises :class:`PhotoError` for what is none, or too large.
        """
        if file.size > MAX_BYTES:
            raise PhotoError(f"Please choose a smaller photograph: at most {MAX_BYTES >> 20} MB.")
        kind = _kind_of(await file.read(_HEAD_BYTES))
        file.seek(0)
        name = f"{secrets.token_urlsafe(16)}.{kind}"
        with self._io_loop.cancel_scope(shield=True):
            await self._io_loop.run_in_executor(None, _write, self.folder / name, kind, await file.read())
        return name

    def remove(self, names: Iterable[str]) -> Future[None]:
        """Delete those of these names; those that are not there are no error."""
        paths = [self.folder / name for name in names if _NAME.fullmatch(name)]
        return self._io_loop.run_in_executor(None, _unlink, paths)


def _kind_of(head: bytes) -> str:
    for kind, beginning in _KINDS.items():
        if beginning.match(head):
            return kind
    raise PhotoError("Please choose a photograph: JPEG, PNG, GIF or WebP.")


def _write(path: Path, kind: str, content: bytes) -> None:
    try:
        path.write_bytes(without_metadata(kind, content))
    except DamagedError as error:
        raise PhotoError("Please choose another photograph: this file is damaged.") from error
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
