"""Fields that were read before are known again: which of them, what is never kept, and that nobody can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import HTTPHeaders, HTTPInputError, _head
from eyewall.httpserver._chunked import _Sizes, _sizes
from eyewall.httpserver._head import _Lines, parse_fields, parse_request_head

FIELDS = [
    ("Cookie", "a=1"),
    ("cookie", "b=2"),
    ("Cookie", " c=3\t"),
    ("Authorization", "Basic x"),
    ("A", ""),
    ("B", "b"),
]


@given(st.lists(st.sampled_from(FIELDS), max_size=5), st.sampled_from(["1.0", "1.1"]))
def test_fields_that_are_known_already_are_read_as_if_they_were_not(
    fields: list[tuple[str, str]], version: str
) -> None:
    lines = "\r\n".join([f"{name}: {value}" for name, value in [("Host", "a"), *fields]])
    expected = HTTPHeaders.parse(lines)
    for _ in range(2):
        _, headers, _, keep_alive, _ = parse_request_head(f"GET / HTTP/{version}\r\n{lines}".encode())
        assert keep_alive is (version == "1.1")
        assert {name: headers.get_list(name) for name in headers} == {
            name: expected.get_list(name) for name in expected
        }
        headers["B"] = "changed by who got it"


@pytest.mark.parametrize("name", ["Cookie", "cookie", "Authorization", "authorization", "Proxy-Authorization"])
def test_what_lets_somebody_in_is_not_kept(name: str) -> None:
    for line in ("secret\r\nX: y", "secret \r\nX: y", "secret"):
        _, headers, *_ = parse_request_head(f"GET / HTTP/1.1\r\nHost: a\r\n{name}: {line}".encode())
        assert headers[name] == "secret"
        assert not any("secret" in str(kept) for kept in (*_head._known.items(), *_head._lines.items()))


def test_a_cookie_that_a_client_is_given_is_not_kept() -> None:
    headers = parse_fields("X-Given: a\r\nset-cookie: secret", 0)
    assert headers.get_list("Set-Cookie") == ["secret"]
    assert "X-Given: a" in _head._lines
    assert not any("secret" in line for line in _head._lines)


def test_no_more_lines_are_kept_than_there_is_room_for_and_the_last_are() -> None:
    for number in range(_Lines.MAX_LINES * 2):
        parse_fields(f"X-Number: {number}", 0)
        assert len(_head._lines) <= _Lines.MAX_LINES
    assert f"X-Number: {number}" in _head._lines
    long = f"X: {'a' * _Lines.MAX_LENGTH}"
    assert parse_fields(long, 0)["X"] == "a" * _Lines.MAX_LENGTH
    assert long not in _head._lines


def test_a_line_that_is_refused_is_refused_again() -> None:
    for _ in range(2):
        for line in ("A: \0", "A: a\nB: b", "A: a\rB: b", "A: a\r", " A: a", "A : a", "A", "", ": a"):
            with pytest.raises(HTTPInputError):
                parse_fields(f"B: b\r\n{line}", 0)


def test_many_such_lines_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    parse = _head.parse_fields

    def count(text: str, start: int) -> HTTPHeaders:
        nonlocal read
        read += 1
        return parse(text, start)

    monkeypatch.setattr(_head, "parse_fields", count)
    _, headers, *_ = parse_request_head(b"GET / HTTP/1.1\r\nHost: a" + b"\r\nCookie: a" * 80)
    assert (len(headers.get_list("Cookie")), read) == (80, 1)


def test_what_stands_between_two_that_are_not_kept_is_known_again() -> None:
    for secret, kind in (("a", str.lower), ("b" * 4000, str.title)):
        secrets = [f"{kind(name)}: {secret}\t\r\n" for name in ("Cookie", "Authorization")]
        lines = f"Host: a\r\n{secrets[0]}Between: c\r\n{secrets[1]}X-Last: d"
        _, headers, *_ = parse_request_head(f"GET / HTTP/1.1\r\n{lines}".encode())
        assert dict(headers) == dict(HTTPHeaders.parse(lines))
    kept = [read[0] for read in _head._known.values() if "Between" in read[0]]
    assert [dict(headers) for headers in kept] == [{"Host": "a", "Between": "c", "X-Last": "d"}]


@pytest.mark.parametrize(
    "value", ["a\r b", "a\r", "a\nb", "a\x00b", "a\r\n b", "a\x7f", "a" * 4000 + "\n", "a\nX: " + "b" * 4000]
)
def test_a_cookie_that_cannot_be_one_is_refused_though_its_neighbours_are_known(value: str) -> None:
    for _ in range(2):
        parse_request_head(b"GET / HTTP/1.1\r\nHost: a")
        with pytest.raises(HTTPInputError):
            parse_request_head(f"GET / HTTP/1.1\r\nHost: a\r\nCookie: {value}".encode())


def test_a_start_line_that_is_known_is_told_apart_by_its_version_and_kept_without_a_query() -> None:
    fields = "Host: a\r\nX-Line: known"
    for _ in range(2):
        for target in ("/known", "/known?secret"):
            for version in ("HTTP/1.1", "HTTP/1.0", "HTTP/1.5"):
                start_line, _, _, keep_alive, _ = parse_request_head(f"GET {target} {version}\r\n{fields}".encode())
                assert start_line == ("GET", target, version)
                assert keep_alive is (version != "HTTP/1.0")
        with pytest.raises(HTTPInputError, match=r"HTTP/2\.0 is not served"):
            parse_request_head(f"GET /known HTTP/2.0\r\n{fields}".encode())
    assert b"GET /known" in _head._known_lines
    assert not any(b"secret" in line for line in _head._known_lines)


def test_no_more_start_lines_are_kept_than_there_is_room_for() -> None:
    for number in range(_head._MOST_KNOWN * 2):
        parse_request_head(f"GET /{number} HTTP/1.1\r\nHost: a".encode())
        assert len(_head._known_lines) <= _head._MOST_KNOWN
    before = len(_head._known_lines)
    parse_request_head(f"GET /{'a' * _head._SHORT_LINE} HTTP/1.1\r\nHost: a".encode())
    assert len(_head._known_lines) == before


def test_chunk_sizes_that_somebody_has_made_up_give_way_to_others() -> None:
    for number in range(_Sizes.MAX_SIZES * 2):
        assert _sizes[b"%04x" % number] == number
        assert len(_sizes) <= _Sizes.MAX_SIZES
    assert b"%04x" % number in _sizes
