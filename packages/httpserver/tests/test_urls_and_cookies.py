"""The small helpers with Tornado's names: URLs, authorities, cookies, and ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from eyewall.httpserver import (
    ByteRange,
    content_range,
    encode_username_password,
    etag_matches,
    parse_cookie,
    parse_range,
    qs_to_qsl,
    split_host_and_port,
    split_parameters,
    url_concat,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@pytest.mark.parametrize(
    ("url", "args", "joined"),
    [
        ("http://h/p", {"a": "b c"}, "http://h/p?a=b+c"),
        ("http://h/p?", [("a", "1"), ("a", "2")], "http://h/p?a=1&a=2"),
        ("http://h/p?x=&y=%20", (("a", "ä"),), "http://h/p?x=&y=+&a=%C3%A4"),
        ("http://h/p?x=1#f", {"a": "b"}, "http://h/p?x=1&a=b#f"),
        ("/p", {"a": "&="}, "/p?a=%26%3D"),
        ("http://h/p?x=1", None, "http://h/p?x=1"),
    ],
)
def test_arguments_are_added_to_a_url(
    url: str, args: Mapping[str, str] | Sequence[tuple[str, str]] | None, joined: str
) -> None:
    assert url_concat(url, args) == joined


def test_arguments_of_a_url_are_pairs() -> None:
    with pytest.raises(TypeError, match="not 'a=b'"):
        url_concat("/", "a=b")  # type: ignore[arg-type]  # what a program without a type checker may do


@pytest.mark.parametrize(
    ("netloc", "split"),
    [
        ("h", ("h", None)),
        ("h:80", ("h", 80)),
        ("[::1]:80", ("[::1]", 80)),
        ("[::1]", ("[::1]", None)),
        ("::1", ("::1", None)),
        ("h:", ("h:", None)),
        ("h:80\n", ("h:80\n", None)),
        ("h:\u0668", ("h:\u0668", None)),
        ("h:" + "9" * 5000, ("h:" + "9" * 5000, None)),
        ("", ("", None)),
    ],
)
def test_host_and_port_are_split(netloc: str, split: tuple[str, int | None]) -> None:
    assert split_host_and_port(netloc) == split


def test_what_was_gathered_by_name_is_pairs_again() -> None:
    assert sorted(qs_to_qsl(parse_qs("a=1&b=2&a=3"))) == [("a", "1"), ("a", "3"), ("b", "2")]


def test_credentials_are_joined_in_one_spelling() -> None:
    assert encode_username_password("é", "e\u0301:") == b"\xc3\xa9:\xc3\xa9:"
    assert encode_username_password(b"\xff", b"") == b"\xff:"
    with pytest.raises(ValueError, match="colon"):
        encode_username_password("a:b", "")


@pytest.mark.parametrize(
    ("field", "cookies"),
    [
        ("", {}),
        ("a=b; c=d=e", {"a": "b", "c": "d=e"}),
        ("a=1; a=2", {"a": "2"}),
        ("a; =b;;c=", {"": "b", "c": ""}),
        ('a="b c"; d="', {"a": "b c", "d": '"'}),
        (r'a="\042\\\"\e"', {"a": '"\\"e'}),
        ("a=\\042", {"a": "\\042"}),
    ],
)
def test_cookies_are_read_as_browsers_write_them(field: str, cookies: dict[str, str]) -> None:
    assert parse_cookie(field) == cookies


@pytest.mark.parametrize("field", ['a="' + r"\\" * 500_000 + '"', 'a="' + r"\134" * 300_000, '";' * 500_000])
def test_no_cookie_costs_the_square_of_its_length(field: str) -> None:
    # With a quadratic parser, one of them takes minutes.
    assert len(parse_cookie(field)) == 1


@pytest.mark.parametrize(
    ("value", "split"),
    [
        ("text/html", ("text/html", {})),
        ("Text/HTML;Charset=UTF-8", ("Text/HTML", {"charset": "UTF-8"})),
        ('a; b="c;d\\"";;e=f ', ("a", {"b": 'c;d"', "e": "f"})),
        ("", ("", {})),
        ("; a=b", ("", {"a": "b"})),
    ],
)
def test_a_value_is_split_from_its_parameters(value: str, split: tuple[str, dict[str, str]]) -> None:
    assert split_parameters(value) == split


@pytest.mark.parametrize(
    ("field", "part"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=5-", ByteRange(5, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-99", ByteRange(0, 10)),
        ("bytes=2-99", ByteRange(2, 10)),
        ("bytes=-", None),
        ("bytes=1-2,4-5", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        ("bytes=\u0660-\u0661", None),
    ],
)
def test_a_range_is_a_part_or_is_ignored(field: str, part: ByteRange | None) -> None:
    assert parse_range(field, 10) == part


@pytest.mark.parametrize("field", ["bytes=10-", "bytes=5-4", "bytes=-0"])
def test_a_range_outside_cannot_be_satisfied(field: str) -> None:
    with pytest.raises(ValueError, match="asks for nothing of 10 bytes"):
        parse_range(field, 10)


def test_a_part_is_told_with_the_whole() -> None:
    assert content_range(ByteRange(1, 3), 10) == "bytes 1-2/10"
    assert content_range(None, 10) == "bytes */10"


@pytest.mark.parametrize(
    ("field", "matches"), [('"a"', True), ('W/"a", "b"', True), ('"b"', False), ("*", True), ("a", False), ("", False)]
)
def test_entity_tags_are_compared_weakly(field: str, matches: bool) -> None:
    assert etag_matches(field, '"a"') is etag_matches(field, 'W/"a"') is matches
