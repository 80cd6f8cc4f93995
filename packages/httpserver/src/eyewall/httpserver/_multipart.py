"""The body of a multipart/form-data form, taken apart in memory (RFC 7578, RFC 2046 section 5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, overload

from ._field_parameters import split_extended
from ._headers import TOKEN
from .errors import HTTPInputError

if TYPE_CHECKING:
    from ._forms import ParseMultipartConfig

_is_boundary = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]").fullmatch
_padding_and_end = re.compile(rb"[ \t]*+\r\n").match
_is_part_field = re.compile(rf"({TOKEN}+):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*+)").fullmatch
_UNKNOWN_TYPE: Final = "application/unknown"
_NOT_ENCODED: Final = frozenset({"7bit", "8bit", "binary"})


class HTTPFile(Mapping[str, str | bytes]):
    """A file that came with a form. Its contents are available as attributes and, as in Tornado, as items.

    The name and the type are whatever the client sent: do not use the name as a path, and do not rely on the type.
    """

    __slots__ = ("body", "content_type", "filename")

    def __init__(self, filename: str, body: bytes, content_type: str) -> None:
        self.filename: str = filename
        """The name given by the client."""
        self.body: bytes = body
        """The contents of the file."""
        self.content_type: str = content_type
        """The media type given by the client; ``"application/unknown"`` if it gave none."""

    @overload
    def __getitem__(self, key: Literal["body"], /) -> bytes: ...
    @overload
    def __getitem__(self, key: Literal["filename", "content_type"], /) -> str: ...
    @overload
    def __getitem__(self, key: str, /) -> str | bytes: ...
    def __getitem__(self, key: str, /) -> str | bytes:
        if key not in self.__slots__:
            raise KeyError(key)
        value: str | bytes = getattr(self, key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.__slots__)

    def __len__(self) -> int:
        return len(self.__slots__)

    def __repr__(self) -> str:
        return f"HTTPFile({self.filename!r}, {len(self.body)} bytes, {self.content_type!r})"


class Part(NamedTuple):
    """One part of a form."""

    name: str
    """The name of the form's field."""
    filename: str
    """The name of the file, or ``""`` for a plain argument."""
    content_type: str
    """What the part says it is."""
    body: bytes
    """What it holds."""


def split_parts(boundary: bytes, data: bytes, config: ParseMultipartConfig) -> Iterator[Part]:
    """Return the parts one by one, in time in proportion to the length of the whole.

    What stands before the first boundary and behind the last is ignored, as RFC 2046 asks. Raises
    :class:`HTTPInputError` for all else that is no part, and beyond the limits of ``config``.
    """
    if not config.enabled:
        raise HTTPInputError("multipart/form-data parsing is disabled", status=415)
    if boundary[:1] == boundary[-1:] == b'"':
        boundary = boundary[1:-1]
    if not _is_boundary(boundary):
        raise HTTPInputError(f"{boundary[:80]!r} cannot be a boundary (RFC 2046 section 5.1.1)")
    delimiter = b"\r\n--" + boundary
    # The first boundary may be the first line: it is looked for without the line's end before it.
    position = len(delimiter) - 2 if data.startswith(delimiter[2:]) else _behind(data, delimiter, 0)
    count = 0
    while not data.startswith(b"--", position):
        end_of_line = _padding_and_end(data, position)
        if end_of_line is None:
            raise HTTPInputError(f"malformed multipart/form-data boundary line {data[position : position + 40]!r}")
        if (count := count + 1) > config.max_parts:
            raise HTTPInputError(f"multipart/form-data has too many parts: max_parts is {config.max_parts}")
        name, filename, content_type, begin = _read_fields(data, end_of_line.end(), config.max_part_header_size)
        # A part may end with its fields: their last line's end is the boundary's then.
        position = _behind(data, delimiter, begin - 2)
        yield Part(name, filename, content_type, data[begin : position - len(delimiter)])


def _behind(data: bytes, delimiter: bytes, start: int) -> int:
    """Where the next delimiter ends."""
    found = data.find(delimiter, start)
    if found < 0:
        raise HTTPInputError("multipart/form-data ends before its final boundary")
    return found + len(delimiter)


def _read_fields(data: bytes, start: int, max_size: int) -> tuple[str, str, str, int]:
    """Return name, file name and content type of the part whose head begins at ``start``, and where its body begins."""
    end = data.find(b"\r\n\r\n", start, start + max_size + 4)
    if end < 0 or data.startswith(b"\r\n", start):
        if end < 0 and len(data) - start > max_size:
            raise HTTPInputError(f"a multipart/form-data part header too large: max_part_header_size is {max_size}")
        raise HTTPInputError("a multipart/form-data part is missing headers")
    fields = _parse_fields(data[start:end])
    kind, parameters, extended = split_extended(fields.get("content-disposition", ""))
    if kind.lower() != "form-data":
        raise HTTPInputError(f"a multipart/form-data part with Content-Disposition {kind[:40]!r}, not form-data")
    if "name" in extended:
        # Who passes over it, as most do, would read another name, or none.
        raise HTTPInputError(f"a multipart/form-data part with name*, {extended['name'][:40]!r}: a form has name only")
    if not (name := parameters.get("name")):
        raise HTTPInputError("a multipart/form-data part is missing its name")
    if (coding := fields.get("content-transfer-encoding", "binary").lower()) not in _NOT_ENCODED:
        raise HTTPInputError(f"Content-Transfer-Encoding {coding[:40]!r} in a form (RFC 7578 section 4.7)", status=415)
    filename = extended.get("filename", parameters.get("filename", ""))
    return name, filename, fields.get("content-type", _UNKNOWN_TYPE), end + 4


def _parse_fields(block: bytes) -> dict[str, str]:
    """The fields of a part by name in lower case; in UTF-8, as browsers send them (RFC 7578 section 5.1)."""
    fields: dict[str, str] = {}
    try:
        lines = block.decode().split("\r\n")
    except UnicodeDecodeError as error:
        raise HTTPInputError(f"Invalid header value in a part of a form, no UTF-8: {block[:80]!r}") from error
    for line in lines:
        match = _is_part_field(line)
        if match is None:
            raise HTTPInputError(f"Invalid header value in a part of a form: {line[:80]!r}")
        name = match[1].lower()
        if name in fields:
            raise HTTPInputError(f"the field {name[:40]} occurs twice in a part of a form")
        fields[name] = match[2].rstrip(" \t")
    return fields
