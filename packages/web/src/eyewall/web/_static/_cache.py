"""Small files in memory: one that is asked for again costs neither a thread nor, mostly, a look at the disk."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from eyewall.httpserver import HTTPHeaders

DEFAULT_CACHE_SIZE: Final = 16 * 1024 * 1024
"""Bytes that an application's static files may take in memory, unless the setting says otherwise."""

CHECK_SECONDS: Final = 1.0
"""For how long what the disk said of a file is taken for true."""

# What an entry takes beside its file, about; so that very many empty files have a bound too.
_OVERHEAD: Final = 2048

# Two changes so close together may leave the same time on a file: the coarsest file system counts in 2 s.
_SETTLED_NS: Final = 2 * 10**9


class Signature(NamedTuple):
    """What tells one state of a file from another."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, info: os.stat_result) -> Signature:
        """Take it from what the file system says."""
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def signature_of(path: str) -> Signature | None:
    """Look at a file, through links; None if there is none."""
    try:
        return Signature.of(os.stat(path))
    except OSError:
        return None


class Representation(NamedTuple):
    """The file whose bytes are sent for another, or for itself."""

    path: str
    info: os.stat_result
    coding: str | None = None
    """Its ``Content-Encoding``."""
    is_negotiated: bool = False
    """Whether another client might be sent another file."""


class StoredFile:
    """A file in memory, and where it was found."""

    __slots__ = ("absolute_path", "body", "checked", "encoded", "heads", "info", "is_folder", "representation", "seen")

    def __init__(
        self,
        absolute_path: str,
        info: os.stat_result,
        representation: Representation,
        body: bytes,
        *,
        looked_at: Iterable[str],
        is_folder: bool,
        now: float,
    ) -> None:
        self.absolute_path: Final = absolute_path
        self.info: Final = info
        self.representation: Final = representation
        self.body: Final = body
        self.is_folder: Final = is_folder
        """Whether it stands for the folder that was asked for, which is so with a slash at its end only."""
        self.heads: dict[bool, HTTPHeaders] = {}
        """The header fields of its answers, without and with a version in the URL; not to be changed."""
        self.encoded: dict[str, bytes] = {}
        """What it is when it is compressed, by coding; only :meth:`FileCache.put_encoded` adds to it."""
        self.checked: float = now
        newest = max(representation.info.st_mtime_ns, representation.info.st_ctime_ns)
        is_settled = time.time_ns() - newest > _SETTLED_NS
        self.seen: Final[dict[str, Signature | None] | None] = (
            {path: signature_of(path) for path in looked_at} if is_settled else None
        )
        """What was at each path that had a say in what is sent; None if that may change unseen."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.body) + sum(map(len, self.encoded.values())) + _OVERHEAD

    def is_current(self) -> bool:
        """Look at the disk: True if nothing has changed."""
        return self.seen is not None and all(signature_of(path) == seen for path, seen in self.seen.items())


class FileCache:
    """The static files of an application that are in memory: at most ``max_bytes`` of them."""

    __slots__ = ("_files", "_size", "max_bytes")

    def __init__(self, max_bytes: int = DEFAULT_CACHE_SIZE) -> None:
        self.max_bytes: Final = max_bytes
        self._files: dict[Hashable, StoredFile] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self._size

    def __len__(self) -> int:
        return len(self._files)

    def get(self, key: Hashable, now: float) -> StoredFile | None:
        """Return a file that is as it is on the disk, as seen at most :data:`CHECK_SECONDS` before ``now``."""
        stored = self._files.get(key)
        if stored is None or now - stored.checked < CHECK_SECONDS:
            return stored
        return self._checked(key, stored, now)

    def _checked(self, key: Hashable, stored: StoredFile, now: float) -> StoredFile | None:
        del self._files[key]
        if not stored.is_current():
            self._size -= stored.size
            return None
        # Behind the others: those that nobody asks for come to the front, and go first.
        self._files[key] = stored
        stored.checked = now
        # Expires is in them.
        stored.heads.clear()
        return stored

    def put(self, key: Hashable, stored: StoredFile) -> None:
        """Keep a file, and let go of those that were used least of late, where there is no room."""
        if stored.size > self.max_bytes:
            return
        if (before := self._files.pop(key, None)) is not None:
            self._size -= before.size
        self._files[key] = stored
        self._size += stored.size
        self._make_room()

    def put_encoded(self, key: Hashable, stored: StoredFile, coding: str, encoded: bytes) -> None:
        """Keep what a file is in a coding, too, while the file is kept."""
        if self._files.get(key) is stored and coding not in stored.encoded:
            stored.encoded[coding] = encoded
            self._size += len(encoded)
            self._make_room()

    def _make_room(self) -> None:
        while self._size > self.max_bytes:
            oldest = next(iter(self._files))
            self._size -= self._files.pop(oldest).size

    def clear(self) -> None:
        """Forget all."""
        self._files.clear()
        self._size = 0


class EncodedForms:
    """What one file in memory is in each coding, for who compresses it."""

    __slots__ = ("_cache", "_key", "_stored")

    def __init__(self, cache: FileCache, key: Hashable, stored: StoredFile) -> None:
        self._cache = cache
        self._key = key
        self._stored = stored

    def get(self, coding: str, /) -> bytes | None:
        """Return it; None if it is to be made first."""
        return self._stored.encoded.get(coding)

    def put(self, coding: str, encoded: bytes, /) -> None:
        """Keep it, within the bound of the cache."""
        self._cache.put_encoded(self._key, self._stored, coding, encoded)
