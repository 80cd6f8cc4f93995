"""What is tried on whatever takes the value of a field or a form apart, for any bytes.

The first byte chooses what. None of it fails but with its own errors, none gives more than it was given,
and where the standard library reads the same, it reads the same.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from eyewall.httpserver import (
    HTTPFile,
    HTTPHeaders,
    HTTPInputError,
    best_encoding,
    best_language,
    best_media_type,
    etag_matches,
    parse_body_arguments,
    parse_cookie,
    parse_date,
    parse_range,
    split_host_and_port,
    split_parameters,
)
from eyewall.httpserver._cookies import morsels

if TYPE_CHECKING:
    from collections.abc import Callable

Arguments = dict[str, list[bytes]]
Files = dict[str, list[HTTPFile]]
BEFORE: Arguments = {"before": [b"1"]}


def read(content_type: str, body: bytes) -> tuple[Arguments, Files] | None:
    """Read a form; None where it is refused, which leaves nothing behind."""
    arguments: Arguments = {name: list(values) for name, values in BEFORE.items()}
    files: Files = {}
    status = 200
    try:
        parse_body_arguments(content_type, body, arguments, files)
    except HTTPInputError as error:
        status = error.status
    if status != 200:
        assert status in {400, 415}
        assert (arguments, files) == (BEFORE, {})
        return None
    assert arguments["before"].pop(0) == b"1"
    if not arguments["before"]:
        del arguments["before"]
    return arguments, files


def urlencoded(data: bytes) -> None:
    """Read as the standard library does."""
    form = read("application/x-www-form-urlencoded", data)
    if form is None:
        assert max(data.count(b"&"), data.count(b"%")) >= 999
        return
    expected: Arguments = {}
    for name, value in parse_qsl(data.decode("latin-1"), keep_blank_values=True, encoding="latin-1"):
        expected.setdefault(text(name.encode("latin-1")), []).append(value.encode("latin-1"))
    assert form == (expected, {}), (form, expected)


def text(name: bytes) -> str:
    """A name in UTF-8 where it is that."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


def multipart(data: bytes) -> None:
    """Give pieces of what came, in its order, and no byte twice."""
    form = read("multipart/form-data; boundary=b", data)
    if form is None:
        return
    arguments, files = form
    bodies = [body for values in arguments.values() for body in values]
    bodies += [file.body for values in files.values() for file in values]
    assert all(body in data and b"\r\n--b" not in body for body in bodies), bodies
    assert sum(map(len, bodies)) + len(bodies) * len("--b") <= len(data)
    names = "".join([*arguments, *files])
    assert len(names) <= len(data)


def content_type(data: bytes) -> None:
    """A boundary that is as wrong as may be."""
    boundary, _, body = data.partition(b"\n")
    read("multipart/form-data" + boundary.decode("latin-1"), body)


def cookies(data: bytes) -> None:
    """Never fail, and give no more than there was."""
    field = data.decode("latin-1")
    found = parse_cookie(field)
    assert sum(len(name) + len(value) for name, value in found.items()) <= len(field)
    morsels(found)


def parameters(data: bytes) -> None:
    """A main value and its parameters, or a refusal."""
    field = data.decode("latin-1")
    try:
        main, found = split_parameters(field)
    except HTTPInputError:
        return
    assert main in field
    assert all(name == name.lower() for name in found)
    assert len(main) + sum(map(len, found)) <= len(field)


def headers(data: bytes) -> None:
    """What was taken can be sent, and is read again as the same."""
    try:
        fields = HTTPHeaders.parse(data.decode("latin-1"))
    except HTTPInputError:
        return
    lines = fields.to_lines()
    assert lines.count("\n") == len(list(fields.get_all())) == lines.count("\r")
    again = HTTPHeaders.parse(lines)
    assert list(again.get_all()) == list(fields.get_all())


def negotiation(data: bytes) -> None:
    """Choose what was offered, or nothing."""
    field = data.decode("latin-1")
    assert best_media_type(field, ["text/html", "image/png"]) in {"text/html", "image/png", None}
    assert best_encoding(field, ["br", "gzip"]) in {"br", "gzip", "identity", None}
    assert best_language(field, ["de", "en-GB"]) in {"de", "en-GB", None}
    etag_matches('"a"', field)
    parse_date(field)
    split_host_and_port(field)
    with suppress(ValueError):
        if (part := parse_range(field, 100)) is not None:
            assert 0 <= part[0] < part[1] <= 100


TRIED: tuple[Callable[[bytes], None], ...] = (
    urlencoded,
    multipart,
    content_type,
    cookies,
    parameters,
    headers,
    negotiation,
)


def check(data: bytes) -> None:
    """Try one input. Raises AssertionError where something does not hold."""
    if data:
        TRIED[data[0] % len(TRIED)](data[1:])
