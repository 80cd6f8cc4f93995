"""The parts of a multipart body, as they come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from eyewall.httpserver import HTTPInputError, split_parameters

from ..errors import FormError
from ._library import Parser, Segment, form_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._channel import BodyChannel
    from ._limits import FormLimits

_UNKNOWN_TYPE: Final = "application/octet-stream"


class FormPart:
    """One part of a form, a field or a file, whose content is still arriving.

    ::

        async for part in self.parts():
            async for chunk in part:
                ...

    The content can be read once, and only until the next part is requested, which discards the rest of it. Name, file
    name and content type are whatever the client sent: do not use them as a path, and do not rely on them.
    """

    def __init__(self, reader: PartReader, segment: Segment) -> None:
        self._reader = reader
        self.name: Final[str] = segment.name
        """The name of the field."""
        self.filename: Final[str | None] = filename_of(segment)
        """The name that the client gave to the file; None for a field."""
        self.content_type: Final[str] = segment.content_type or _UNKNOWN_TYPE
        """The media type that the client gave, without parameters; ``"application/octet-stream"`` for none."""
        self.headers: Final[dict[str, str]] = dict(segment.headerlist)
        """The header fields of the part, by names such as ``Content-Type``."""
        self.size: int = 0
        """Bytes of the part that have arrived so far."""
        self.is_complete: bool = False
        """Whether the part has arrived completely."""

    def __aiter__(self) -> FormPart:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece. Raises :class:`FormError`, and ``StreamClosedError`` where the client leaves."""
        chunk = await self._reader.next_chunk(self)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def read(self) -> bytes:
        """Return the rest of the part as a whole, within the limits for fields."""
        chunks: list[bytes] = []
        limit = self._reader.limits.max_field_size
        async for chunk in self:
            chunks.append(chunk)
            if self.size > limit:
                raise FormError(413, f"{self.name[:80]!r} is longer than the {limit} bytes that are read at once")
        return b"".join(chunks)

    async def text(self) -> str:
        """Return the rest of the part as UTF-8 text. Raises :class:`FormError` (400) if it is not UTF-8."""
        content = await self.read()
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise FormError(400, f"{self.name[:80]!r} is not UTF-8") from error

    def __repr__(self) -> str:
        return f"<FormPart {self.name!r}, file {self.filename!r}, {self.size} bytes so far>"


class PartReader:
    """Gives the parts of a body that a channel brings: what ``async for part in self.parts()`` goes through."""

    def __init__(self, channel: BodyChannel, parser: Parser, limits: FormLimits) -> None:
        self.limits: Final = limits
        """How much there may be."""
        self._channel = channel
        self._parser = parser
        self._events: Iterator[Segment | bytes | bytearray | None] = iter(())
        self._part: FormPart | None = None
        self._fields_size = 0
        self._is_over = False

    def __aiter__(self) -> PartReader:
        return self

    async def __anext__(self) -> FormPart:
        """Return the next part. Raises :class:`FormError`, and ``StreamClosedError`` where the client leaves."""
        if self._part is not None:
            async for _ in self._part:
                pass
        segment = await self._next_event()
        if segment is None or isinstance(segment, bytes | bytearray):
            raise StopAsyncIteration
        part = FormPart(self, segment)
        for name in (part.name, part.filename or ""):
            if len(name.encode()) > self.limits.max_name_size:
                raise FormError(413, f"a name of {self.limits.max_name_size} bytes at most is taken")
        if not part.name:
            raise FormError(400, "a part of the form has no name")
        self._part = part
        return part

    async def next_chunk(self, part: FormPart) -> bytes | None:
        """Return the next piece of a part; None if there is none any more."""
        if part.is_complete or part is not self._part:
            return None
        event = await self._next_event()
        if not isinstance(event, bytes | bytearray):
            part.is_complete = True
            self._part = None
            return None
        part.size += len(event)
        self._check(part, len(event))
        return bytes(event)

    def _check(self, part: FormPart, size: int) -> None:
        limit = self.limits.max_file_size
        if part.filename is None:
            limit = self.limits.max_field_size
            self._fields_size += size
            if self._fields_size > self.limits.max_fields_size:
                raise FormError(413, f"the fields together are longer than {self.limits.max_fields_size} bytes")
        if limit is not None and part.size > limit:
            raise FormError(413, f"{part.name[:80]!r} is longer than {limit} bytes")

    async def _next_event(self) -> Segment | bytes | bytearray | None:
        try:
            while not self._is_over:
                for event in self._events:
                    return event
                chunk = await self._channel.get()
                if chunk is None:
                    self._is_over = True
                    self._parser.close()
                else:
                    self._events = self._parser.parse(chunk)
        except ValueError as error:
            self._is_over = True
            raise form_error(error) from error
        return None


def filename_of(segment: Segment) -> str | None:
    """Return the name of its file, of which the library knows only the plain form. Raises :class:`FormError` (400).

    ``filename*`` goes before ``filename`` and ``name*`` is refused, as in a form that is read in memory.
    """
    disposition = dict(segment.headerlist).get("Content-Disposition", "")
    if "*" not in disposition:
        return segment.filename
    extended = _extended_names(disposition)
    if "name" in extended:
        raise FormError(400, "a part of the form with name*: a form has name only")
    try:
        return split_parameters(disposition)[1]["filename"] if "filename" in extended else segment.filename
    except HTTPInputError as error:
        raise FormError(400, str(error)) from error


def _extended_names(disposition: str) -> set[str]:
    unquoted = re.sub(r'"(?:[^"\\]|\\.)*+"', "", disposition)
    return {name.lower() for name in re.findall(r";\s*(\w+)\*\s*=", unquoted)}
