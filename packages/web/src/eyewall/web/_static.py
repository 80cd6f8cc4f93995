"""StaticFileHandler: files of a folder."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha512
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeGuard
from urllib.parse import quote

from eyewall.httpserver import ByteRange, content_range, etag_matches, parse_date, parse_range

from ._handler import RequestHandler
from ._log import general_log
from ._routing import URLSpec
from .errors import HTTPError, SettingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator

CHUNK_SIZE: Final = 64 * 1024
"""How much of a file is in memory at a time, in bytes."""


CACHE_MAX_AGE: Final = 86400 * 365 * 10
"""How long a versioned file may be kept, in seconds."""


MAX_VERSIONS: Final = 4096
"""How many versions are remembered."""

_versions: Final[dict[tuple[type, str], tuple[tuple[int, int], str]]] = {}
"""Versions of files, with the time of the change and the size that they had."""


class StaticFileHandler(RequestHandler):
    """Answers GET and HEAD with the files of a folder; its route's pattern has one group, for the file.

    ::

        (r"/photos/(.*)", StaticFileHandler, {"path": "/srv/photos"})

    Nothing outside the folder is ever sent, whatever the path says and wherever a symbolic link in
    the folder leads: that is a 403. With ``default_filename``, such as ``"index.html"``, a folder
    is answered with that file of it; without, it is a 403. Symbolic links may lead into
    ``allowed_symlink_directory``, a folder or a list of them, in place of the folder itself.

    Answers have ``Last-Modified`` and ``ETag``, and conditional requests and those for one range are
    honoured; several ranges at once are answered with the whole file. A file is read in a thread of
    the loop's executor, 64 KiB at a time and no faster than the client takes it.
    """

    absolute_path: str | None = None
    """The file that is sent; None where :meth:`validate_absolute_path` has answered by itself."""
    modified: datetime | None = None
    """When it was last modified."""
    _stat_result: os.stat_result | None = None

    allowed_symlink_directory: str | Sequence[str] | None = None
    """Where symbolic links may lead; None: into the folder that is served."""

    MAX_VERSION_CONTENT_SIZE: ClassVar[int] = 100 * 1024 * 1024
    """A larger file, in bytes, has no version: to hash it would hold up the loop."""

    def initialize(
        self,
        path: str | os.PathLike[str],
        default_filename: str | None = None,
        allowed_symlink_directory: str | Sequence[str] | None = None,
    ) -> None:
        """Take the folder, the file that stands for one, and where links may lead."""
        self.allowed_symlink_directory = allowed_symlink_directory
        self.root: str = os.fspath(path)
        self.default_filename: str | None = default_filename

    def head(self, path: str) -> Awaitable[None]:
        """Answer as GET would, without the file."""
        return self.get(path, include_body=False)

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the file."""
        self.path: str = self.parse_url_path(path)
        absolute_path = self.get_absolute_path(self.root, self.path)
        self.absolute_path = self.validate_absolute_path(self.root, absolute_path)
        if self.absolute_path is None:
            return
        self.modified = self.get_modified_time()
        self.set_headers()
        if self.should_return_304():
            self.set_status(304)
            return
        part = self._choose_range(self.get_content_size())
        if part is not None and include_body:
            await self._send(self.absolute_path, part)

    def parse_url_path(self, url_path: str) -> str:
        """Turn the path of the URL, behind the route's prefix, into one of the file system."""
        return url_path.replace("/", os.path.sep)

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Find where ``path`` lies in ``root``, without looking at the disk.

        Raises :class:`HTTPError`: 403 where it leads outside, 404 where it cannot be a path.
        """
        if "\0" in path:
            raise HTTPError(404, "%r has a NUL in it", path)
        absolute_path = os.path.abspath(os.path.join(root, path))
        if not _is_inside(os.path.abspath(root), absolute_path):
            raise HTTPError(403, "%s is not in root static directory", path)
        return absolute_path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Look at the disk, and give the file to send, or None after answering with a redirect.

        Symbolic links are followed first, so that what is checked is what is sent. Raises
        :class:`HTTPError`: 404 where there is no such file, 403 where it is none to be sent.
        """
        real_path = self._real_path(root, absolute_path)
        if self.default_filename is not None and os.path.isdir(real_path):
            if not self.request.path.endswith("/"):
                self._redirect_to_folder()
                return None
            real_path = self._real_path(root, os.path.join(real_path, self.default_filename))
        self._stat_result = _stat(real_path, self.path)
        return real_path

    @classmethod
    def make_static_url(cls, settings: Mapping[str, Any], path: str, include_version: bool = True) -> str:
        """Make the URL of a file of the setting ``static_path``; with its version, so that it may be kept for ever."""
        url = settings.get("static_url_prefix", "/static/") + quote(path)
        version = cls.get_version(settings, path) if include_version else None
        return url if version is None else f"{url}?v={version}"

    @classmethod
    def get_version(cls, settings: Mapping[str, Any], path: str) -> str | None:
        """Give the version of a file for its URL, or None where there is no such file."""
        absolute_path = cls.get_absolute_path(settings["static_path"], path)
        try:
            info = os.stat(absolute_path)
            if not (stat.S_ISREG(info.st_mode) and _leads_inside(settings["static_path"], absolute_path)):
                general_log.error("no version of static file %r: it is no file of the folder", path)
                return None
            if info.st_size > cls.MAX_VERSION_CONTENT_SIZE:
                limit = cls.MAX_VERSION_CONTENT_SIZE
                general_log.error("no version of static file %r: it is larger than %d bytes", path, limit)
                return None
            known = _versions.get((cls, absolute_path))
            # Hashed once for each time that it has changed.
            if known is None or known[0] != (info.st_mtime_ns, info.st_size):
                known = (info.st_mtime_ns, info.st_size), cls.get_content_version(absolute_path)
                if len(_versions) >= MAX_VERSIONS:
                    _versions.clear()
                _versions[cls, absolute_path] = known
        except OSError as error:
            general_log.error("no version of static file %r: %s", path, error)
            return None
        return known[1]

    @classmethod
    def reset(cls) -> None:
        """Forget the versions of files: they are hashed again."""
        _versions.clear()

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        """Give a hash of a file's content."""
        digest = sha512()
        content = cls.get_content(abspath)
        for chunk in [content] if isinstance(content, bytes) else content:
            digest.update(chunk)
        return digest.hexdigest()

    def get_cache_time(self, path: str, modified: datetime | None, mime_type: str) -> int:
        """Give how long browsers may keep the file without asking, in seconds; 0 for no word on it.

        By default ten years where the URL has a version, as :meth:`make_static_url` gives it.
        """
        return CACHE_MAX_AGE if "v" in self.request.query_arguments else 0

    def set_headers(self) -> None:
        """Set the header fields that describe the file."""
        self.set_header("Accept-Ranges", "bytes")
        if (etag := self.compute_etag()) is not None:
            self.set_header("Etag", etag)
        if self.modified is not None:
            self.set_header("Last-Modified", self.modified)
        content_type = self.get_content_type()
        self.set_header("Content-Type", content_type)
        if (cache_time := self.get_cache_time(self.path, self.modified, content_type)) > 0:
            self.set_header("Expires", datetime.now(UTC) + timedelta(seconds=cache_time))
            self.set_header("Cache-Control", f"max-age={cache_time}, immutable")
        self.set_extra_headers(self.path)

    def set_extra_headers(self, path: str) -> None:
        """Set further header fields, such as ``Cache-Control``: for subclasses."""

    def should_return_304(self) -> bool:
        """True if the client has this version of the file already."""
        headers = self.request.headers
        if_none_match = headers.get("If-None-Match")
        if if_none_match is not None:
            etag = self.compute_etag()
            return etag is not None and etag_matches(if_none_match, etag)
        if self.modified is None or "If-Modified-Since" not in headers:
            return False
        since = parse_date(headers["If-Modified-Since"])
        return since is not None and since >= self.modified

    @property
    def _stat(self) -> os.stat_result:
        """What the file system says of the file."""
        if self._stat_result is None:
            if self.absolute_path is None:
                raise HTTPError(404)
            self._stat_result = _stat(self.absolute_path, self.path)
        return self._stat_result

    def compute_etag(self) -> str | None:
        """Give the file's entity tag: its size and the time of its last change, to the nanosecond.

        Not a hash of the content, which would mean to read all of it before the first byte is sent.
        """
        try:
            info = self._stat
        except HTTPError:
            return None  # of a subclass that keeps its files elsewhere
        return f'"{info.st_mtime_ns:x}-{info.st_size:x}"'

    def get_modified_time(self) -> datetime | None:
        """Give the time of the file's last change, to the second, as HTTP has it."""
        return datetime.fromtimestamp(int(self._stat.st_mtime), UTC)

    def get_content_size(self) -> int:
        """Give the file's size in bytes."""
        return self._stat.st_size

    def get_content_type(self) -> str:
        """Give the file's media type, by its name."""
        from mimetypes import guess_type  # slow to import, and needed here only

        media_type, encoding = guess_type(self.absolute_path or "")
        if encoding == "gzip":
            return "application/gzip"
        return media_type if media_type is not None and encoding is None else "application/octet-stream"

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None] | bytes:
        """Read bytes ``start`` up to, not including, ``end``: all at once, or piece by piece.

        A generator is run in a thread of the loop's executor.
        """
        return _read_chunks(abspath, start or 0, end)

    def _real_path(self, root: str, absolute_path: str) -> str:
        allowed = self.allowed_symlink_directory or root
        folders = [allowed] if isinstance(allowed, str) else allowed
        real_path = os.path.realpath(absolute_path)
        if not any(_is_inside(os.path.realpath(folder), real_path) for folder in folders):
            raise HTTPError(403, "%s is not in root static directory", self.path)
        return real_path

    def _redirect_to_folder(self) -> None:
        path = self.request.path
        # To a browser, //evil.example/ names a host, and a backslash is a slash.
        if path.replace("\\", "/").startswith("//"):
            raise HTTPError(403, "cannot redirect path with two initial slashes")
        self.redirect(path + "/", permanent=True)

    def _choose_range(self, size: int) -> ByteRange | None:
        """Set status and length for what the client asked for; None where that is nothing."""
        try:
            part = self._requested_range(size)
        except ValueError:
            self.set_status(416)
            self.set_header("Content-Type", "text/plain")
            self.set_header("Content-Range", content_range(None, size))
            return None
        # A range that is all of it is no part: some browsers play no sound that comes as a 206.
        if part is None or part == (0, size):
            part = ByteRange(0, size)
        else:
            self.set_status(206)
            self.set_header("Content-Range", content_range(part, size))
        self.set_header("Content-Length", part.end - part.start)
        return part

    def _requested_range(self, size: int) -> ByteRange | None:
        headers = self.request.headers
        if "Range" not in headers or not self._is_unchanged(headers.get("If-Range")):
            return None
        return parse_range(headers["Range"], size)

    def _is_unchanged(self, if_range: str | None) -> bool:
        """True if the client's part of the file, where it has one, is of this version (RFC 9110 section 13.1.5)."""
        if if_range is None:
            return True
        if if_range.endswith('"'):
            return if_range == self.compute_etag()
        return self.modified is not None and parse_date(if_range) == self.modified

    async def _send(self, absolute_path: str, part: ByteRange) -> None:
        # A range has status 206.
        is_whole = self.get_status() == 200
        content = self.get_content(absolute_path) if is_whole else self.get_content(absolute_path, *part)
        if isinstance(content, bytes):
            self.write(content)
            return
        run_in_executor = self._connection.io_loop.run_in_executor
        left = part.end - part.start
        while left > 0:
            try:
                chunk = await run_in_executor(None, _next_chunk, content)
            except (FileNotFoundError, PermissionError) as error:
                raise HTTPError(404 if isinstance(error, FileNotFoundError) else 403, "%s", error) from error
            if chunk is None:
                return
            self.write(chunk)
            left -= len(chunk)
            # The last piece goes out with the end of the response.
            if left > 0:
                await self.flush()


def static_routes(settings: Mapping[str, Any]) -> list[URLSpec]:
    """The routes that the settings of an application ask for."""
    import re

    path: object = settings.get("static_path")
    if not path:
        return []
    if not _is_path(path):
        raise SettingError(f"static_path is {path!r}: make it the path of a folder")
    handler = settings.get("static_handler_class", StaticFileHandler)
    kwargs = {**settings.get("static_handler_args", {}), "path": path}
    prefix = re.escape(settings.get("static_url_prefix", "/static/"))
    patterns = (r"/(robots\.txt)", r"/(favicon\.ico)", prefix + "(.*)")
    return [URLSpec(pattern, handler, kwargs) for pattern in patterns]


def _is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, str | os.PathLike)


def _is_inside(root: str, path: str) -> bool:
    return path == root or path.startswith(root if root.endswith(os.path.sep) else root + os.path.sep)


def _leads_inside(root: str | os.PathLike[str], absolute_path: str) -> bool:
    return _is_inside(os.path.realpath(root), os.path.realpath(absolute_path))


def _stat(absolute_path: str, path: str) -> os.stat_result:
    try:
        info = os.stat(absolute_path)
    except OSError as error:
        raise HTTPError(404) from error
    if not stat.S_ISREG(info.st_mode):
        raise HTTPError(403, "%s is not a file", path)
    return info


def _read_chunks(path: str, start: int, end: int | None) -> Generator[bytes, None, None]:
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        left = math.inf if end is None else end - start
        while left > 0 and (chunk := file.read(int(min(CHUNK_SIZE, left)))):
            yield chunk
            left -= len(chunk)


def _next_chunk(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)
