"""The library that takes a multipart body apart, asked for when an application is made: it is an extra."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import FormError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._limits import FormLimits

MAX_HEADER_LINES = 8


class Segment(Protocol):
    """What the library says of a part when its head has come."""

    name: str
    filename: str | None
    content_type: str | None
    headerlist: list[tuple[str, str]]


class Parser(Protocol):
    """The library's parser: no input, no output."""

    def parse(self, chunk: bytes, /) -> Iterator[Segment | bytes | bytearray | None]:
        """Take a piece of the body, and give what begins, goes on (bytes) and ends (None) in it."""
        ...

    def close(self) -> None:
        """Raise where the body is not complete."""
        ...


def find_library() -> Any:  # Any: it comes without types, and may not be there
    """Return the library. Raises :class:`SettingError`, which names the extra."""
    try:
        library: Any = import_module("multipart")
        # python-multipart has a module of that name, too, which knows to step aside, but not what is meant.
        _ = library.PushMultipartParser, library.MultipartError
    except (ImportError, AttributeError) as error:
        raise SettingError('forms in pieces need the library multipart: pip install "eyewall-web[forms]"') from error
    return library


def make_parser(boundary: str, limits: FormLimits) -> Parser:
    """Make the parser of one body."""
    parser: Parser = find_library().PushMultipartParser(
        boundary,
        max_header_size=limits.max_part_header_size,
        max_header_count=MAX_HEADER_LINES,
        max_segment_count=limits.max_parts,
    )
    return parser


def form_error(error: Exception) -> FormError:
    """Make of what the library raises what the client is answered."""
    library = find_library()
    if isinstance(error, library.ParserLimitReached):
        return FormError(413, str(error))
    return FormError(400, f"this is no form: {error}")
