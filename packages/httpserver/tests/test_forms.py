"""Forms: their two kinds of body, taken apart in memory, and the limits of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import (
    HTTPFile,
    HTTPHeaders,
    HTTPInputError,
    HTTPServerRequest,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    RequestStartLine,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MULTIPART = "multipart/form-data; boundary=x"
FIELD = b'Content-Disposition: form-data; name="a"'

Arguments = dict[str, list[bytes]]
Files = dict[str, list[HTTPFile]]


def read(body: bytes, content_type: str = MULTIPART, config: ParseBodyConfig | None = None) -> tuple[Arguments, Files]:
    arguments: Arguments = {}
    files: Files = {}
    parse_body_arguments(content_type, body, arguments, files, config=config)
    return arguments, files


def part(fields: bytes, body: bytes = b"1") -> bytes:
    return b"--x\r\n" + fields + b"\r\n\r\n" + body + b"\r\n"


def form(fields: bytes) -> bytes:
    return part(fields) + b"--x--\r\n"


def test_arguments_and_files_are_told_apart_by_the_file_name() -> None:
    arguments, files = read(
        part(FIELD, b"1")
        + part(FIELD, b"2")
        + part(FIELD + b'; filename=""', b"3")
        + part(FIELD + b'; filename="n"\r\nContent-Type: text/plain ', b"\r\n-\r\n--\r\n")
        + part(FIELD + b'; filename="m"', b"")
        + b"--x--\r\n"
    )
    assert arguments == {"a": [b"1", b"2", b"3"]}
    assert [(file.filename, file.content_type, file.body) for file in files["a"]] == [
        ("n", "text/plain", b"\r\n-\r\n--\r\n"),
        ("m", "application/unknown", b""),
    ]


def test_what_a_file_holds_is_there_by_key_too() -> None:
    file = HTTPFile(filename="a", body=b"b", content_type="c")
    assert dict(file) == {"body": b"b", "content_type": "c", "filename": "a"}
    assert len(file["body"]) == 1
    assert file["filename"].upper() == "A"
    assert repr(file) == "HTTPFile('a', 1 bytes, 'c')"
    with pytest.raises(KeyError):
        _ = file["__class__"]


@pytest.mark.parametrize(
    "body",
    [
        b"--x--",
        b"--x--\r\nan epilogue --x\r\n",
        b"a preamble\r\n--x--\r\n",
        b"\r\n--x--",
        b"a preamble without its end--x\r\n--x--",
    ],
)
def test_what_stands_around_the_parts_is_ignored(body: bytes) -> None:
    assert read(body) == ({}, {})


def test_a_boundary_line_may_have_blanks_and_a_part_no_body() -> None:
    assert read(b"--x \t\r\n" + FIELD + b"\r\n\r\n--x--")[0] == {"a": [b""]}


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'form-data; name="a b;c"', "a b;c"),
        (b"form-data;name=a", "a"),
        (b"FORM-DATA; NAME=a ;", "a"),
        (b'form-data; name="\xe6\xb5\x8b"', "测"),
        (b"form-data; name=\xe6\xb5\x8b", "测"),
        (rb'form-data; name="a\"b\\c\d"', r'a"b\c\d'),
    ],
)
def test_names_come_in_all_the_ways_that_clients_write_them(disposition: bytes, name: str) -> None:
    assert read(form(b"content-disposition: " + disposition))[0] == {name: [b"1"]}


@pytest.mark.parametrize("parameters", [b"; filename=b; filename*=UTF-8''%C3%A1", b"; filename*=iso-8859-1'en'%E1"])
def test_the_extended_name_of_a_file_goes_before_the_plain_one(parameters: bytes) -> None:
    assert read(form(FIELD + parameters))[1]["a"][0].filename == "á"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "before its final boundary"),
        (b"--x", "malformed multipart/form-data boundary line"),
        (b"--xy\r\n" + FIELD + b"\r\n\r\n1\r\n--x--", "malformed multipart/form-data boundary line"),
        (b"--x\n" + FIELD + b"\r\n\r\n1\r\n--x--", "malformed multipart/form-data boundary line"),
        (part(FIELD), "before its final boundary"),
        (b"--x\r\n" + FIELD + b"\r\n\r\n1--x--", "before its final boundary"),
        (b"--x\r\n\r\n1\r\n--x--", "missing headers"),
        (b"--x\r\n\r\n\r\n\r\n--x--", "missing headers"),
        (b"--x\r\n" + FIELD, "missing headers"),
        (form(b"Content-Disposition: attachment; name=a"), "'attachment', not form-data"),
        (form(b"Content-Type: text/plain"), "'', not form-data"),
        (form(b"Content-Disposition: form-data"), "missing its name"),
        (form(b'Content-Disposition: form-data; name=""; filename=a'), "missing its name"),
        (form(b"Content-Disposition: form-data; name=a; name=b"), "name occurs twice"),
        (form(b"Content-Disposition: form-data; name=a b"), "malformed parameter"),
        (form(b'Content-Disposition: form-data; name="a'), "malformed parameter"),
        (form(b"Content-Disposition: form-data; name"), "malformed parameter"),
        (form(b"Content-Disposition: form-data; name=b; name*=UTF-8''%C3%A1"), "with name[*], 'á'"),
        (form(b"Content-Disposition: form-data; name*=UTF-8''b"), "with name[*], 'b'"),
        (form(b"Content-Disposition: form-data; name*=a"), "malformed extended parameter"),
        (form(b"Content-Disposition: form-data; name*=UTF-16''a"), "malformed extended parameter"),
        (form(b"Content-Disposition: form-data; name*=UTF-8''%FF"), "is not UTF-8"),
        (form(FIELD + b"\r\n" + FIELD), "occurs twice in a part"),
        (form(FIELD + b"\r\n folded"), "Invalid header value"),
        (form(FIELD + b"\r\nX : 1"), "Invalid header value"),
        (form(FIELD + b"\r\nX: \r1"), "Invalid header value"),
        (form(FIELD + b"\r\nX: \n1"), "Invalid header value"),
        (form(FIELD + b"\r\nX: \0"), "Invalid header value"),
        (form(FIELD + b"\r\nX: \xff"), "Invalid header value"),
        (form(FIELD + b"\r\nContent-Transfer-Encoding: base64"), "Content-Transfer-Encoding 'base64'"),
    ],
)
def test_what_is_no_such_form_is_refused_and_leaves_nothing(body: bytes, message: str) -> None:
    arguments: Arguments = {}
    files: Files = {}
    with pytest.raises(HTTPInputError, match=message):
        parse_multipart_form_data(b"x", part(FIELD) + body if body.startswith(b"--x\r\n") else body, arguments, files)
    assert (arguments, files) == ({}, {})


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a ", "ä", '"', "a*b"])
def test_a_boundary_that_cannot_be_one_is_refused(boundary: str) -> None:
    with pytest.raises(HTTPInputError):
        read(b"--x--", f"multipart/form-data; boundary={boundary}")
    with pytest.raises(HTTPInputError, match="boundary"):
        read(b"--x--", "multipart/form-data")


def test_a_boundary_may_be_quoted() -> None:
    assert read(b"--a b--", 'Multipart/Form-Data; charset=x; boundary="a b"') == ({}, {})
    parse_multipart_form_data(b'"a b"', b"--a b--", {}, {})


def test_other_bodies_are_left_alone() -> None:
    assert read(b"a=1", "text/plain") == read(b"a=1", "") == read(b"--x--", "multipart/form-dataxyz") == ({}, {})


def test_an_urlencoded_form_is_added_to_what_is_there() -> None:
    arguments = {"a": [b"0"]}
    parse_body_arguments("application/x-www-form-urlencoded; charset=UTF-8", b"a=1&b=%32", arguments, {})
    assert arguments == {"a": [b"0", b"1"], "b": [b"2"]}


@pytest.mark.parametrize("content_type", [MULTIPART, "application/x-www-form-urlencoded"])
def test_an_encoded_form_is_refused(content_type: str) -> None:
    with pytest.raises(HTTPInputError, match="Unsupported Content-Encoding") as caught:
        parse_body_arguments(content_type, b"", {}, {}, HTTPHeaders({"Content-Encoding": "gzip"}))
    assert caught.value.status == 415


def test_parts_have_limits_that_can_be_set() -> None:
    three = part(FIELD) * 3 + b"--x--"
    assert len(read(three, config=ParseBodyConfig(ParseMultipartConfig(max_parts=3)))[0]["a"]) == 3
    with pytest.raises(HTTPInputError, match="too many parts: max_parts is 2"):
        read(three, config=ParseBodyConfig(ParseMultipartConfig(max_parts=2)))
    exact = ParseMultipartConfig(max_part_header_size=len(FIELD))
    assert read(three, config=ParseBodyConfig(exact))[0]["a"] == [b"1"] * 3
    with pytest.raises(HTTPInputError, match="header too large"):
        read(three, config=ParseBodyConfig(exact._replace(max_part_header_size=len(FIELD) - 1)))
    with pytest.raises(HTTPInputError, match="parsing is disabled") as caught:
        read(three, config=ParseBodyConfig(ParseMultipartConfig(enabled=False)))
    assert caught.value.status == 415
    with pytest.raises(HTTPInputError, match="more than 2 arguments"):
        read(b"a&b&c", "application/x-www-form-urlencoded", ParseBodyConfig(urlencoded=ParseUrlEncodedConfig(2)))


@pytest.fixture
def one_argument() -> Iterator[None]:
    set_parse_body_config(ParseBodyConfig(urlencoded=ParseUrlEncodedConfig(max_arguments=1)))
    yield
    set_parse_body_config(ParseBodyConfig())


@pytest.mark.usefixtures("one_argument")
def test_limits_can_be_set_for_the_process() -> None:
    request = HTTPServerRequest(start_line=RequestStartLine("GET", "/?a&b", "HTTP/1.1"))
    with pytest.raises(HTTPInputError, match="more than 1 arguments"):
        _ = request.query_arguments
    with pytest.raises(HTTPInputError, match="more than 1 arguments"):
        read(b"a&b", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n--" * 500_000,
        b"--x\r\n" * 500_000,
        b"--x" + b" " * 2_000_000,
        b"--x\r\n" + FIELD + b'; b="' + b";" * 2_000_000,
        b"--x\r\n" + FIELD + b"\r\n\r\n" + b"\r\n--" * 500_000 + b"\r\n--x--",
    ],
)
def test_no_body_costs_the_square_of_its_length(body: bytes) -> None:
    # Of such bodies with a quadratic parser, one takes minutes.
    config = ParseBodyConfig(ParseMultipartConfig(max_parts=10**9, max_part_header_size=10**9))
    try:
        arguments, _ = read(body, config=config)
    except HTTPInputError:
        arguments = {"a": [b""]}
    assert list(arguments) == ["a"]


NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)


def quoted(name: str) -> bytes:
    return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


@given(st.lists(st.tuples(NAMES, st.one_of(st.none(), NAMES), st.binary())))
def test_a_form_that_was_written_is_read_again(parts: list[tuple[str, str | None, bytes]]) -> None:
    parts = [(name, filename, body.replace(b"--x", b"")) for name, filename, body in parts]
    written = b"".join(
        part(
            b"Content-Disposition: form-data; name="
            + quoted(name)
            + (b"" if filename is None else b"; filename=" + quoted(filename)),
            body,
        )
        for name, filename, body in parts
    )
    arguments, files = read(written + b"--x--", config=ParseBodyConfig(ParseMultipartConfig(max_parts=10**6)))
    for name in {name for name, _, _ in parts}:
        assert arguments.get(name, []) == [body for other, file, body in parts if other == name and file is None]
        assert [(file.filename, file.body) for file in files.get(name, [])] == [
            (file, body) for other, file, body in parts if other == name and file is not None
        ]


@given(st.binary())
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    for whole in (body, b"--x\r\n" + body, form(FIELD + b"\r\n" + body), form(FIELD + b"; " + body)):
        try:
            arguments, files = read(whole)
        except HTTPInputError:
            arguments, files = {"refused": []}, {}
        assert all(name for name in (*arguments, *files))
