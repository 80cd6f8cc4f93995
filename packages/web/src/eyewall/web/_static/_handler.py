"""StaticFileHandler: files of a folder."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from eyewall.httpserver import ByteRange, content_range

from .._defaults import HTML
from .._media_types import is_text, media_type_of
from .._transforms import add_vary
from ..errors import HTTPError
from ._cache import EncodedForms, Representation, Signature, StoredFile
from ._conditions import CONDITIONS, is_not_modified, is_refused, requested_range
from ._files import (
    SUFFIXES,
    OpenedFile,
    check_folder,
    choose_sibling,
    is_hidden,
    is_inside,
    next_chunk,
    open_file,
    ranking,
    read_file,
    stat_file,
)
from ._versions import StaticVersions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Iterator

# The steps that decide what is sent; a class that has its own gets its files from elsewhere, or others.
_OF_CONTENT: Final = frozenset(("get_content", "get_content_size"))
_OF_PLACE: Final = frozenset(("get_absolute_path", "validate_absolute_path"))
# What else there is between a file and its answer.
_OF_ANSWER: Final = frozenset(
    (
        *("get", "parse_url_path", "get_modified_time", "set_headers", "set_extra_headers", "should_return_304"),
        *("compute_etag", "get_content_type", "get_cache_time", "set_header", "add_header", "clear_header"),
        *("set_status", "get_status", "write", "flush", "finish", "set_etag_header", "check_etag_header"),
    )
)


class StaticFileHandler(StaticVersions):
    """Answers GET and HEAD with files of a folder; the route's pattern has one group, for the path of the file.

    ::

        (r"/photos/(.*)", StaticFileHandler, {"path": "/srv/photos"})

    Its arguments (``static_handler_args`` holds those for the setting ``static_path``):

    - ``path``: the folder. Nothing outside it is ever sent, whatever the path of the request and wherever a
      symbolic link in the folder leads: the response is then a 403;
    - ``default_filename``, such as ``"index.html"``: the file to send for a folder; without it, the response is a 403;
    - ``allowed_symlink_directory``: a folder, or a list of folders, where files may really be once symbolic links
      are followed, instead of the served folder itself; list that, too, if it has files of its own;
    - ``hidden_files=True``: serve files and folders whose names begin with a dot. Otherwise they are 404,
      except ``.well-known``;
    - ``precompressed=True``: send ``app.js.br``, ``.zst`` or ``.gz`` for ``app.js``, whichever the client prefers,
      if it exists and is not older than the file.

    Responses have ``Last-Modified`` and ``ETag``. Conditional requests, and requests for a single range, are
    honoured; several ranges at once are answered with the whole file. A file of up to 64 KiB is kept in memory,
    within the setting ``static_cache_size``, and checked on the disk at most once a second. A larger one goes from
    the disk to the socket through ``send_file``. Files are opened and read in a thread of the loop's executor.

    Subclasses may override every step. If one overrides a step that decides where a file is or what it contains
    (``get_absolute_path``, ``validate_absolute_path``, ``get_content``, ``get_content_size``), its files are not kept
    in memory.
    """

    absolute_path: str | None = None
    """The file to send; None if :meth:`validate_absolute_path` has already answered."""
    modified: datetime | None = None
    """When it was last modified."""
    default_filename: str | None = None
    """The name of the file that is sent for a folder."""
    allowed_symlink_directory: str | Sequence[str] | None = None
    """Where symbolic links may lead; None: only into the served folder."""
    hidden_files: bool = False
    """Whether names may begin with a dot."""
    precompressed: bool = False
    """Whether a compressed sibling of a file may be sent in its place."""

    CACHE_MAX_AGE: ClassVar[int] = 86400 * 365 * 10
    """How long a versioned file may be cached, in seconds."""
    TEXT_CHARSET: ClassVar[str | None] = "utf-8"
    """The charset of text files, as it appears in ``Content-Type``; None to leave it out."""

    _stat_result: os.stat_result | None = None
    _representation: Representation | None = None
    _asked_path: str | None = None
    _key: Hashable = None

    _reads_files: ClassVar[bool] = True
    """Whether what is sent is what files hold."""
    _is_plain: ClassVar[bool] = True
    """Whether no step is the subclass's own."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = [base for base in cls.__mro__ if base not in StaticFileHandler.__mro__]
        own = {name for base in bases for name in vars(base)}
        cls._reads_files = own.isdisjoint(_OF_CONTENT)
        cls._finds_files = own.isdisjoint(_OF_PLACE)
        cls._is_plain = cls._reads_files and cls._finds_files and own.isdisjoint(_OF_ANSWER)

    @classmethod
    def check_route(cls, kwargs: Mapping[str, Any]) -> None:
        """Refuse a folder that is none, unless the class finds its files by itself. Raises ``ValueError``."""
        is_plain = cls._finds_files and cls._reads_files and cls.initialize is StaticFileHandler.initialize
        # One with its own __init__ may give the folder there.
        if is_plain and "path" in kwargs:
            check_folder(kwargs["path"])

    def initialize(
        self,
        path: str | os.PathLike[str],
        default_filename: str | None = None,
        allowed_symlink_directory: str | Sequence[str] | None = None,
        hidden_files: bool = False,
        precompressed: bool = False,
    ) -> None:
        """Receive the arguments of the route."""
        self.root: str = path if isinstance(path, str) else os.fspath(path)
        # What is as the class has it already is not set: this is done for every request.
        if default_filename is not None:
            self.default_filename = default_filename
        if allowed_symlink_directory is not None:
            self.allowed_symlink_directory = allowed_symlink_directory
        if hidden_files:
            self.hidden_files = True
        if precompressed:
            self.precompressed = True

    def head(self, path: str) -> Awaitable[None]:
        """Answer as GET would, but without the file."""
        return self.get(path, include_body=False)

    def get(self, path: str, include_body: bool = True) -> Awaitable[None]:
        """Send the file."""
        self.path: str = self.parse_url_path(path)
        stored = self._find_stored()
        if stored is not None and include_body and self._is_plain and self._is_untouched():
            head = stored.heads.get(bool(self.request.query) and self._is_versioned())
            if head is not None and CONDITIONS.isdisjoint(self.request.headers):
                self._recall(stored)
                self._finish_with(head, stored.body)
                return _DONE
        return self._answer_file(stored, include_body)

    def parse_url_path(self, url_path: str) -> str:
        """Convert the rest of the URL's path, after the route's prefix, to a path of the file system."""
        return url_path.replace("/", os.path.sep)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Check the path on the disk and return the file to send, or None after answering with a redirect.

        Symbolic links are resolved first, so that what is checked is what is sent. Raises :class:`HTTPError`: 404 if
        there is no such file, 403 if it may not be sent.
        """
        folder = os.path.abspath(root)
        if not is_inside(folder, absolute_path):
            raise HTTPError(403, "%s is not in root static directory", self.path)
        if not self.hidden_files and is_hidden(folder, absolute_path):
            raise HTTPError(404)
        real_path = self._real_path(root, absolute_path)
        self._asked_path = absolute_path
        if self.default_filename is not None and os.path.isdir(real_path):
            if not self.request.path.endswith("/"):
                self._redirect_to_folder()
                return None
            self._asked_path = os.path.join(absolute_path, self.default_filename)
            real_path = self._real_path(root, os.path.join(real_path, self.default_filename))
        self._stat_result = stat_file(real_path, self.path)
        return real_path

    def get_cache_time(self, path: str, modified: datetime | None, mime_type: str) -> int:
        """Return how many seconds browsers may use the file without asking again; 0 to say nothing about it.

        By default ten years if the URL has a version, as made by :meth:`make_static_url`.
        """
        return self.CACHE_MAX_AGE if self._is_versioned() else 0

    def set_headers(self) -> None:
        """Set the header fields that describe the file."""
        self.set_header("Accept-Ranges", "bytes")
        if (etag := self.compute_etag()) is not None:
            self.set_header("Etag", etag)
        if self.modified is not None:
            self.set_header("Last-Modified", self.modified)
        content_type = self.get_content_type()
        self.set_header("Content-Type", content_type)
        if self._representation is not None:
            self._describe_coding(self._representation)
        if (cache_time := self.get_cache_time(self.path, self.modified, content_type)) > 0:
            self.set_header("Expires", datetime.now(UTC) + timedelta(seconds=cache_time))
            self.set_header("Cache-Control", f"max-age={cache_time}, immutable")
        self.set_extra_headers(self.path)

    def set_extra_headers(self, path: str) -> None:
        """Override it to set further header fields, such as ``Cache-Control``."""

    def should_return_304(self) -> bool:
        """True if the client already has this version of the file."""
        return is_not_modified(self.request.headers, self.compute_etag, self.modified)

    def compute_etag(self) -> str | None:
        """Return the file's entity tag: its size and the time of its last change, to the nanosecond.

        It is not a hash of the content, because all of it would have to be read before the first byte is sent.
        """
        try:
            sent = self._sent
        except HTTPError:
            return None  # of a subclass that keeps its files elsewhere
        coding = "" if sent.coding is None else f"-{sent.coding}"
        return f'"{sent.info.st_mtime_ns:x}-{sent.info.st_size:x}{coding}"'

    def get_modified_time(self) -> datetime | None:
        """Return the time of the file's last change, to the second, as HTTP has it."""
        return datetime.fromtimestamp(int(self._stat.st_mtime), UTC)

    def get_content_size(self) -> int:
        """Return the size in bytes of the content to be sent."""
        return self._sent.info.st_size

    def get_content_type(self) -> str:
        """Return the media type of the file, judged by its name; for text with :attr:`TEXT_CHARSET`."""
        media_type = media_type_of(self.absolute_path or "")
        return f"{media_type}; charset={self.TEXT_CHARSET}" if self.TEXT_CHARSET and is_text(media_type) else media_type

    # What is in memory

    def _find_stored(self) -> StoredFile | None:
        if not (self._finds_files and self._reads_files):
            return None
        allowed = self.allowed_symlink_directory
        self._key = key = (
            type(self),
            self.root,
            self.path,
            self.default_filename,
            allowed if allowed is None or isinstance(allowed, str) else tuple(allowed),
            self.hidden_files,
            ranking(self.request.headers.get("Accept-Encoding")) if self.precompressed else None,
        )
        stored = self.application.static_cache.get(key, self.request.start_time)
        return stored if stored is None or not stored.is_folder or self.request.path.endswith("/") else None

    def _keep(self, opened: OpenedFile) -> StoredFile | None:
        asked, path, sent = self._asked_path, self.absolute_path, self._representation
        if self._key is None or opened.body is None or asked is None or path is None or sent is None:
            return None
        siblings = [path + suffix for suffix in SUFFIXES.values()] if self.precompressed else []
        stored = StoredFile(
            *(path, self._stat, sent, opened.body),
            looked_at=[asked, *siblings],
            is_folder=asked != self.get_absolute_path(self.root, self.path),
            now=self.request.start_time,
        )
        self.application.static_cache.put(self._key, stored)
        return stored

    def _recall(self, stored: StoredFile) -> None:
        """Let who compresses the file, sent as a whole, use what it was when that was done last."""
        if self._transform is not None:
            self._transform.remember(EncodedForms(self.application.static_cache, self._key, stored))

    def _is_untouched(self) -> bool:
        """True if nobody has set or written anything before."""
        is_bare = self._own_headers is None and self._defaults is HTML and self._new_cookies is None
        return is_bare and self._status_code == 200 and not self._write_buffer

    def _is_versioned(self) -> bool:
        return "v" in self.request.query_arguments

    # The steps in their order

    def _take_result(self, result: Any) -> Awaitable[object] | None:
        # Nobody need wait for what has been sent.
        return None if result is _DONE else super()._take_result(result)

    async def _answer_file(self, stored: StoredFile | None, include_body: bool) -> None:
        if not self._locate(stored):
            return
        was_untouched = self._is_untouched()
        self._describe()
        if is_refused(self.request.headers, self.compute_etag, self.modified):
            raise HTTPError(412, "%s is not what the client wants to have", self.path)
        if self.should_return_304():
            self.set_status(304)
        elif not include_body:
            self._choose_range(self.get_content_size())
        elif not self._reads_files:
            part = self._choose_range(self.get_content_size())
            if part is not None:
                await self._send_pieces(part)
        elif stored is not None:
            self._send_stored(stored, was_untouched)
        else:
            await self._send_opened(was_untouched)

    def _locate(self, stored: StoredFile | None) -> bool:
        """Find the file; False if that was answered already."""
        if stored is not None:
            self.absolute_path, self._stat_result = stored.absolute_path, stored.info
            self._representation = stored.representation
            return True
        absolute_path = self.get_absolute_path(self.root, self.path)
        self.absolute_path = self.validate_absolute_path(self.root, absolute_path)
        if self.absolute_path is None:
            return False
        if self._reads_files:
            self._choose_representation(self.absolute_path)
        return True

    def _choose_representation(self, absolute_path: str) -> None:
        if self.precompressed:
            codings = ranking(self.request.headers.get("Accept-Encoding"))
            self._representation = choose_sibling(absolute_path, self._stat, codings)
        else:
            self._representation = Representation(absolute_path, self._stat)

    def _describe(self) -> None:
        self.modified = self.get_modified_time()
        self.set_headers()

    def _describe_coding(self, sent: Representation) -> None:
        if sent.coding is not None:
            self.set_header("Content-Encoding", sent.coding)
        if sent.is_negotiated:
            add_vary(self._headers, "Accept-Encoding")

    @property
    def _stat(self) -> os.stat_result:
        """What the file system says of the file."""
        if self._stat_result is None:
            if self.absolute_path is None:
                raise HTTPError(404)
            self._stat_result = stat_file(self.absolute_path, self.path)
        return self._stat_result

    @property
    def _sent(self) -> Representation:
        """The file whose bytes are sent."""
        return self._representation or Representation(self.absolute_path or "", self._stat)

    def _real_path(self, root: str, absolute_path: str) -> str:
        allowed = self.allowed_symlink_directory or root
        folders = [allowed] if isinstance(allowed, str) else allowed
        real_path = os.path.realpath(absolute_path)
        if not any(is_inside(os.path.realpath(folder), real_path) for folder in folders):
            raise HTTPError(403, "%s is not in root static directory", self.path)
        return real_path

    def _redirect_to_folder(self) -> None:
        path = self.request.path
        # To a browser, //evil.example/ names a host, and a backslash is a slash.
        if path.replace("\\", "/").startswith("//"):
            raise HTTPError(403, "cannot redirect path with two initial slashes")
        self.redirect(path + "/", permanent=True)

    def _choose_range(self, size: int) -> ByteRange | None:
        """Set status and length for what the client asked for; None if that is nothing."""
        try:
            part = requested_range(self.request.headers, size, self.compute_etag, self.modified)
        except ValueError:
            self.set_status(416)
            self.set_header("Content-Type", "text/plain")
            self.set_header("Content-Range", content_range(None, size))
            self.clear_header("Content-Encoding")
            return None
        if part is None:
            part = ByteRange(0, size)
        else:
            self.set_status(206)
            self.set_header("Content-Range", content_range(part, size))
        self.set_header("Content-Length", part.end - part.start)
        return part

    # The body

    def _send_stored(self, stored: StoredFile, was_untouched: bool) -> None:
        part = self._choose_range(len(stored.body))
        if part is None:
            return
        if was_untouched and self._is_plain and self._status_code == 200:
            stored.heads[self._is_versioned()] = self._headers.copy()
            self._recall(stored)
        self.write(stored.body[part.start : part.end])

    async def _send_opened(self, was_untouched: bool) -> None:
        """Open the file, which may not be the one any more that was looked at before."""
        io_loop = self._connection.io_loop
        # Shielded, so that no file is opened that nobody closes.
        with io_loop.cancel_scope(shield=True):
            opened = await io_loop.run_in_executor(None, open_file, self._sent.path)
        try:
            self._take_opened(opened)
            if (stored := self._keep(opened)) is not None:
                self._send_stored(stored, was_untouched)
                return
            part = self._choose_range(self.get_content_size())
            if part is not None:
                await self._send_part(opened, part)
        finally:
            opened.close()

    def _take_opened(self, opened: OpenedFile) -> None:
        sent = self._sent
        if Signature.of(opened.info) == Signature.of(sent.info):
            return
        self._representation = sent._replace(info=opened.info)
        if sent.coding is None:
            self._stat_result = opened.info
        self._describe()

    async def _send_part(self, opened: OpenedFile, part: ByteRange) -> None:
        if opened.body is not None:
            self.write(opened.body[part.start : part.end])
        elif opened.file is not None:
            await self.flush()
            if self._transform is None or not self._transform.changes_body():
                await self._connection.write_file(opened.file, part.start, part.end - part.start)
            else:
                await self._send_chunks(read_file(opened.file, *part), part.end - part.start)

    async def _send_pieces(self, part: ByteRange) -> None:
        """Send what a subclass's :meth:`get_content` gives."""
        # A range has status 206.
        is_whole = self.get_status() == 200
        path = (self.absolute_path or "") if self._representation is None else self._representation.path
        content = self.get_content(path) if is_whole else self.get_content(path, *part)
        if isinstance(content, bytes):
            self.write(content)
        else:
            await self._send_chunks(content, part.end - part.start)

    async def _send_chunks(self, chunks: Iterator[bytes], left: int) -> None:
        io_loop = self._connection.io_loop
        while left > 0:
            # Shielded, so that nobody closes a file while a thread reads it.
            with io_loop.cancel_scope(shield=True):
                chunk = await io_loop.run_in_executor(None, next_chunk, chunks)
            if chunk is None:
                return
            self.write(chunk)
            left -= len(chunk)
            # The last piece goes out with the end of the response.
            if left > 0:
                await self.flush()


class _Done:
    """What a file from memory gives to await: it has been sent."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield  # pragma: no cover - makes this a generator


_DONE: Final = _Done()
