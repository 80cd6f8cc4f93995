"""What there is to say of a static file without a request: where it is, what it holds, its version and its URL."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, ClassVar, Final

from .._handler import RequestHandler
from .._log import general_log
from ..errors import HTTPError
from ._files import goes_out, is_inside, leads_inside, read_chunks

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_versions: Final[dict[tuple[type, str], tuple[tuple[int, int], str]]] = {}
"""Versions of files, with the time of the change and the size that they had."""


class StaticVersions(RequestHandler):
    """The steps of a :class:`StaticFileHandler` that its class takes by itself."""

    MAX_VERSION_CONTENT_SIZE: ClassVar[int] = 100 * 1024 * 1024
    """A file of more bytes than this has no version, because hashing it would block the loop."""
    MAX_CACHED_VERSIONS: ClassVar[int] = 4096
    """How many versions are remembered."""

    _finds_files: ClassVar[bool] = True
    """Whether the files are those of the folder."""

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Return the location of ``path`` within ``root``, without looking at the disk.

        Raises :class:`HTTPError`: 403 if it leads outside, 404 if it cannot be a path.
        """
        if "\0" in path:
            raise HTTPError(404, "%r has a NUL in it", path)
        absolute_path = os.path.abspath(os.path.join(root, path))
        # One that leads out and in again would tell who guesses what the folders above are called.
        if goes_out(path) or not is_inside(os.path.abspath(root), absolute_path):
            raise HTTPError(403, "%s is not in root static directory", path)
        return absolute_path

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None] | bytes:
        """Read the bytes from ``start`` up to, but not including, ``end``: all at once, or piece by piece.

        A generator is run in a thread of the loop's executor.
        """
        return read_chunks(abspath, start or 0, end)

    @classmethod
    def make_static_url(cls, settings: Mapping[str, Any], path: str, include_version: bool = True) -> str:
        """Return the URL of a file below the setting ``static_path``, with its version, to be cached for ever."""
        from urllib.parse import quote

        url = settings.get("static_url_prefix", "/static/") + quote(path)
        version = cls.get_version(settings, path) if include_version else None
        return url if version is None else f"{url}?v={version}"

    @classmethod
    def get_version(cls, settings: Mapping[str, Any], path: str) -> str | None:
        """Return the version of a file for its URL; None if there is no such file."""
        root: str = settings["static_path"]
        absolute_path = cls.get_absolute_path(root, path)
        try:
            return cls._version_at(root, absolute_path)
        except (OSError, ValueError) as error:
            general_log.error("no version of static file %r: %s", path, error)
            return None

    @classmethod
    def _version_at(cls, root: str, absolute_path: str) -> str:
        info = os.stat(absolute_path)
        # A class that finds its files elsewhere knows best where they may be.
        is_sent = not cls._finds_files or leads_inside(root, absolute_path)
        if not (is_sent and stat.S_ISREG(info.st_mode)):
            raise ValueError("it is not a file of the folder")
        if info.st_size > cls.MAX_VERSION_CONTENT_SIZE:
            raise ValueError(f"it is larger than {cls.MAX_VERSION_CONTENT_SIZE} bytes")
        # Hashed once for each time that it has changed.
        state = (info.st_mtime_ns, info.st_size)
        known = _versions.get((cls, absolute_path))
        if known is None or known[0] != state:
            known = state, cls.get_content_version(absolute_path)
            if len(_versions) >= cls.MAX_CACHED_VERSIONS:
                _versions.clear()
            _versions[cls, absolute_path] = known
        return known[1]

    @classmethod
    def reset(cls) -> None:
        """Forget the versions of all files, so that they are hashed again."""
        _versions.clear()

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        """Return a hash of a file's content."""
        content = cls.get_content(abspath)
        from hashlib import sha512

        digest = sha512()
        for chunk in [content] if isinstance(content, bytes) else content:
            digest.update(chunk)
        return digest.hexdigest()
