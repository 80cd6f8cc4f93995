"""The two kinds of body that forms send, parsed in memory within limits that can be set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ._arguments import parse_arguments
from .errors import HTTPInputError

if TYPE_CHECKING:
    from ._headers import HTTPHeaders
    from ._multipart import HTTPFile

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class ParseMultipartConfig(NamedTuple):
    """Limits for ``multipart/form-data``."""

    enabled: bool = True
    """Whether such forms are parsed at all; if not, they are a 415."""
    max_parts: int = 100
    """The maximal number of parts of a form: one for each of its fields and files."""
    max_part_header_size: int = 10 * 1024
    """The maximal size of the header fields of one part, in bytes."""


class ParseUrlEncodedConfig(NamedTuple):
    """Limits for ``application/x-www-form-urlencoded``, and for the query."""

    max_arguments: int = 1000
    """The maximal number of arguments: enough for any page, but few enough to be cheap."""


class ParseBodyConfig(NamedTuple):
    """Limits for forms that are parsed in memory. Their size is limited by ``max_body_size``."""

    multipart: ParseMultipartConfig = ParseMultipartConfig()
    """Limits for ``multipart/form-data``."""
    urlencoded: ParseUrlEncodedConfig = ParseUrlEncodedConfig()
    """Limits for ``application/x-www-form-urlencoded``."""


_config = ParseBodyConfig()


def set_parse_body_config(config: ParseBodyConfig) -> None:
    """Set the default limits, for all requests of this process that have no limits of their own."""
    global _config  # noqa: PLW0603 - Tornado's function sets it for the process
    _config = config


def parse_query(query: str, config: ParseBodyConfig | None) -> dict[str, list[bytes]]:
    """The arguments of a query."""
    try:
        data = query.encode("latin-1")
    except UnicodeEncodeError as error:
        raise HTTPInputError(f"the query {query[:80]!r} is not of bytes: percent-encode it") from error
    return parse_arguments(data, (config or _config).urlencoded.max_arguments)


def parse_body_arguments(
    content_type: str,
    body: bytes,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    headers: HTTPHeaders | None = None,
    *,
    config: ParseBodyConfig | None = None,
) -> None:
    """Add the arguments and files of a form to two dicts; do nothing for a body of another type.

    Raises :class:`HTTPInputError` for a malformed form, for one that exceeds the limits of ``config``, and (415) if
    ``headers`` say that the body is encoded. Both dicts are then unchanged.
    """
    kind = content_type.partition(";")[0].strip(" \t").lower()
    if kind not in {URLENCODED, MULTIPART}:
        return
    if headers is not None and (coding := headers.get("Content-Encoding")):
        raise HTTPInputError(f"Unsupported Content-Encoding of a form: {coding[:80]!r} is not read here", status=415)
    limits = _config if config is None else config
    if kind == URLENCODED:
        _extend(arguments, parse_arguments(body, limits.urlencoded.max_arguments))
        return
    from ._field_parameters import split_parameters

    boundary = split_parameters(content_type)[1].get("boundary", "")
    if not boundary.isascii() or not boundary:
        raise HTTPInputError(f"no boundary in Content-Type {content_type[:80]!r}")
    parse_multipart_form_data(boundary.encode(), body, arguments, files, config=limits.multipart)


def parse_multipart_form_data(
    boundary: bytes,
    data: bytes,
    arguments: dict[str, list[bytes]],
    files: dict[str, list[HTTPFile]],
    *,
    config: ParseMultipartConfig | None = None,
) -> None:
    """Add the parts of a ``multipart/form-data`` body to two dicts; those with a file name go to ``files``.

    Raises :class:`HTTPInputError` for a malformed body, and for one that exceeds the limits of ``config``; both dicts
    are then unchanged.
    """
    from ._multipart import HTTPFile, split_parts

    parts = list(split_parts(boundary, data, _config.multipart if config is None else config))
    for name, filename, content_type, body in parts:
        if filename:
            files.setdefault(name, []).append(HTTPFile(filename, body, content_type))
        else:
            arguments.setdefault(name, []).append(body)


def _extend(arguments: dict[str, list[bytes]], more: dict[str, list[bytes]]) -> None:
    for name, values in more.items():
        arguments.setdefault(name, []).extend(values)
