"""Forms with a file, read while they come in: texts into memory, the file to wherever it goes, piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from eyewall.web import HTTPError

from .photos import PhotoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .photos import Upload

MAX_PARTS: Final = 20


class StreamedForm:
    """A body of ``multipart/form-data``: :meth:`feed` it what comes, then :meth:`finish` it.

    ``receive`` begins to take in a file; what it says against it is :attr:`problem`. Raises ``HTTPError``: 415 for
    another body, 400 for one that is cut off or broken, 413 for texts of more than ``max_bytes`` in all.
    """

    def __init__(self, content_type: str, receive: Callable[[], Upload], *, max_bytes: int) -> None:
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data" or not options.get(b"boundary"):
            raise HTTPError(415)
        self.arguments: Final[dict[str, list[bytes]]] = {}
        """The texts, as a request has them."""
        self.upload: Upload | None = None
        """The file, where there is one."""
        self.problem: str | None = None
        """What is wrong with it."""
        self._receive = receive
        self._room = max_bytes
        self._parts = 0
        self._is_complete = False
        self._field = self._value = b""
        self._text: list[bytes] | None = None
        self._name = ""
        self._pieces: list[bytes] = []
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._read_field,
                "on_header_value": self._read_value,
                "on_header_end": self._end_header,
                "on_part_data": self._read_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    async def feed(self, chunk: bytes) -> None:
        """Take a piece of the body; returns when what it holds of the file has been taken."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise HTTPError(400) from error
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            if self.upload is None:
                self.upload = self._receive()
            if self.problem is None:
                try:
                    await self.upload.write(piece)
                except PhotoError as error:
                    self.problem = str(error)

    def finish(self) -> None:
        """Say that no more will come."""
        if not self._is_complete:
            raise HTTPError(400)

    def discard(self) -> None:
        """Leave nothing of the file, unless it was kept."""
        if self.upload is not None:
            self.upload.discard()

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise HTTPError(413)
        self._text, self._name = [], ""

    def _read_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _read_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            if b"filename" in options:
                self._text = None
        self._field = self._value = b""

    def _read_data(self, data: bytes, start: int, end: int) -> None:
        if self._text is None:
            self._pieces.append(data[start:end])
            return
        self._room -= end - start
        if self._room < 0:
            raise HTTPError(413)
        self._text.append(data[start:end])

    def _end_part(self) -> None:
        if self._text is not None:
            self.arguments.setdefault(self._name, []).append(b"".join(self._text))

    def _end(self) -> None:
        self._is_complete = True
