"""What StaticFileHandler does with the disk, in a thread or out of it: paths, siblings, opening and reading."""

from __future__ import annotations

import math
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from eyewall.httpserver import best_encoding

from ..errors import HTTPError
from ._cache import Representation, Signature

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from io import FileIO

CHUNK_SIZE: Final = 64 * 1024
"""How much of a file is in memory at a time, in bytes; a file up to that size is read as a whole."""

SUFFIXES: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""What a precompressed sibling's name ends with, by its coding; the dearest to the server first."""

# How often a file is read that changes meanwhile.
_MOST_READS: Final = 5

_MAX_RANKINGS: Final = 256
_MAX_RANKED_LENGTH: Final = 256
_rankings: Final[dict[str, tuple[str, ...]]] = {}


class OpenedFile(NamedTuple):
    """A file that was opened: its content, where that is small, or else the file, to be closed."""

    info: os.stat_result
    body: bytes | None
    file: FileIO | None

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()


def open_file(path: str) -> OpenedFile:
    """Open a regular file; one of up to :data:`CHUNK_SIZE` is read. To be run in a thread.

    Raises :class:`HTTPError`: 404 where there is none (any more), 403 where it may not be read or is no file.
    """
    try:
        # Non-blocking: should a pipe be there by now, nobody waits for who writes to it.
        file = open(path, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115 - whoever asked for it closes it
    except OSError as error:
        raise _refusal(error) from error
    try:
        opened = _content_of(file, path)
    except BaseException:
        file.close()
        raise
    if opened.file is None:
        file.close()
    return opened


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _content_of(file: FileIO, path: str) -> OpenedFile:
    for _ in range(_MOST_READS):
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise HTTPError(403, "%s is not a file", path)
        if info.st_size > CHUNK_SIZE:
            return OpenedFile(info, None, file)
        try:
            body = os.pread(file.fileno(), info.st_size, 0)
        except OSError as error:
            raise _refusal(error) from error
        # Half of what it was and half of what it becomes is neither.
        if len(body) == info.st_size and Signature.of(os.fstat(file.fileno())) == Signature.of(info):
            return OpenedFile(info, body, None)
    raise HTTPError(503, "%s changes faster than it can be read", path)


def _refusal(error: OSError) -> HTTPError:
    if isinstance(error, PermissionError):
        return HTTPError(403, "%s", error)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return HTTPError(404, "%s", error)
    return HTTPError(500, "%s", error)


def read_chunks(path: str, start: int, end: int | None) -> Generator[bytes, None, None]:
    """Read a part of a file piece by piece."""
    with open(path, "rb", buffering=0) as file:
        yield from read_file(file, start, end)


def read_file(file: FileIO, start: int, end: int | None) -> Generator[bytes, None, None]:
    """Read a part of an open file piece by piece."""
    left = math.inf if end is None else end - start
    while left > 0 and (chunk := os.pread(file.fileno(), int(min(CHUNK_SIZE, left)), start)):
        yield chunk
        start += len(chunk)
        left -= len(chunk)


def next_chunk(chunks: Iterator[bytes]) -> bytes | None:
    """Read the next piece; None if there is none. To be run in a thread."""
    try:
        return next(chunks, None)
    except OSError as error:
        raise _refusal(error) from error


def stat_file(absolute_path: str, path: str) -> os.stat_result:
    """Look at a file. Raises :class:`HTTPError`: 404 where there is nothing, 403 where it is no regular file."""
    try:
        info = os.stat(absolute_path)
    except OSError as error:
        raise HTTPError(404) from error
    if not stat.S_ISREG(info.st_mode):
        raise HTTPError(403, "%s is not a file", path)
    return info


def _is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, str | os.PathLike)


def check_folder(path: object) -> None:
    """Refuse what cannot be served. Raises ``ValueError``, which says what to do."""
    if not _is_path(path):
        raise ValueError(f"the path is {path!r}: make it the path of a folder")
    if not os.path.exists(path):
        raise ValueError(f"there is no {os.path.abspath(path)!r}: make the folder first, or correct the path")
    if not os.path.isdir(path):
        raise ValueError(f"{os.path.abspath(path)!r} is not a folder: give the path of one")


def goes_out(path: str) -> bool:
    """True for a path that leaves the folder that it is relative to, even if it should come back."""
    return os.path.isabs(path) or os.path.normpath(path).split(os.sep, 1)[0] == os.pardir


def is_inside(root: str, path: str) -> bool:
    """True if a path is that of a folder, or leads into it; both are absolute and without dots."""
    return path == root or path.startswith(root if root.endswith(os.path.sep) else root + os.path.sep)


def leads_inside(root: str | os.PathLike[str], absolute_path: str) -> bool:
    """The same for what links lead to."""
    return is_inside(os.path.realpath(root), os.path.realpath(absolute_path))


def is_hidden(root: str, absolute_path: str) -> bool:
    """True if a file, or a folder on the way to it, has a name with a dot in front, but for that of RFC 8615."""
    names = absolute_path[len(root) :].split(os.path.sep)
    return any(name.startswith(".") and name != ".well-known" for name in names)


def ranking(accept_encoding: str | None) -> tuple[str, ...]:
    """Return the codings that a client takes, what it likes best first: one of a few tuples for all clients."""
    if not accept_encoding:
        return ()
    known = _rankings.get(accept_encoding)
    if known is None:
        known = _ranked(accept_encoding)
        if len(accept_encoding) <= _MAX_RANKED_LENGTH:
            if len(_rankings) >= _MAX_RANKINGS:
                _rankings.clear()
            _rankings[accept_encoding] = known
    return known


def _ranked(accept_encoding: str) -> tuple[str, ...]:
    left = list(SUFFIXES)
    ranked: list[str] = []
    while left and (best := best_encoding(accept_encoding, left)) not in {None, "identity"}:
        left.remove(str(best))
        ranked.append(str(best))
    return tuple(ranked)


def choose_sibling(path: str, info: os.stat_result, codings: tuple[str, ...]) -> Representation:
    """Choose among a file and its precompressed siblings, of which those count that are as new as itself.

    A sibling that is a link does not count: nobody has checked where it leads.
    """
    fresh = {coding: found for coding, suffix in SUFFIXES.items() if (found := _fresh(path + suffix, info)) is not None}
    for coding in codings:
        if coding in fresh:
            return Representation(path + SUFFIXES[coding], fresh[coding], coding, is_negotiated=True)
    return Representation(path, info, None, is_negotiated=bool(fresh))


def _fresh(path: str, info: os.stat_result) -> os.stat_result | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) and found.st_mtime_ns >= info.st_mtime_ns else None
