"""HTTPHeaders: a mapping in which a name may stand more than once, and nothing that would break a message."""

from __future__ import annotations

import copy
import pickle
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import HTTPFieldError, HTTPHeaders, HTTPInputError
from eyewall.httpserver._headers import REPEATED, fields_of


def test_names_are_found_in_any_case_and_given_in_one() -> None:
    headers = HTTPHeaders({"content-type": "text/html"})
    headers["ETAG"] = "x"
    assert headers["Content-Type"] == headers["CONTENT-TYPE"] == "text/html"
    assert list(headers) == ["Content-Type", "Etag"]
    assert "etag" in headers
    assert "x" not in headers
    assert object() not in headers
    assert len(headers) == 2


def test_a_name_may_be_added_again_and_set_anew() -> None:
    headers = HTTPHeaders()
    headers.add("set-cookie", "A=B")
    headers.add("Set-Cookie", "C=D")
    headers.add("X", "1")
    assert headers["Set-Cookie"] == headers.get("set-cookie") == "A=B,C=D"
    assert headers.get_list("SET-COOKIE") == ["A=B", "C=D"]
    assert headers.get_list("x") == ["1"]
    assert headers.get_list("y") == []
    assert list(headers.get_all()) == [("Set-Cookie", "A=B"), ("Set-Cookie", "C=D"), ("X", "1")]
    assert dict(headers) == {"Set-Cookie": "A=B,C=D", "X": "1"}
    headers["set-cookie"] = "E=F"
    assert list(headers.get_all()) == [("Set-Cookie", "E=F"), ("X", "1")]


def test_what_is_deleted_is_gone() -> None:
    headers = HTTPHeaders([("A", "1"), ("B", "3")])
    headers.add("a", "2")
    del headers["a"]
    assert list(headers.get_all()) == [("B", "3")]
    headers.add("A", "4")
    assert headers.get_list("A") == ["4"]
    with pytest.raises(KeyError):
        del headers["c"]
    with pytest.raises(KeyError):
        headers["c"]
    assert headers.get("c") is None
    assert headers.get("c", "default") == "default"
    assert headers.pop("B") == "3"


def test_a_copy_is_its_own() -> None:
    headers = HTTPHeaders({"A": "1"})
    headers.add("A", "2")
    for same in (headers.copy(), copy.copy(headers), HTTPHeaders(headers), pickle.loads(pickle.dumps(headers))):
        assert same == headers
        same.add("A", "3")
        same["B"] = "1"
        assert headers.get_list("A") == ["1", "2"]
        assert "B" not in headers


def test_a_copy_is_its_own_also_where_no_name_stands_twice_any_more() -> None:
    headers = HTTPHeaders({"A": ["1", "2"]})
    headers["A"] = "3"
    same = headers.copy()
    same.add("B", "4")
    same.add("B", "5")
    headers["B"] = "6"
    assert (headers.get_list("B"), same.get_list("B")) == (["6"], ["4", "5"])
    assert headers.to_lines() == "A: 3\r\nB: 6\r\n"


def test_a_copy_stays_as_it_is_whatever_happens_to_a_name_that_stands_more_than_once() -> None:
    headers = HTTPHeaders()
    headers.add("A", "1")
    headers.add("A", "2")
    first = headers.copy()
    headers["A"] = "3"
    second = headers.copy()
    headers.add("A", "4")
    third = headers.copy()
    del headers["A"]
    kept = [same.get_list("A") for same in (first, second, third, headers)]
    assert kept == [["1", "2"], ["3"], ["3", "4"], []]
    second.add("A", "5")
    assert (first["A"], second["A"], third["A"]) == ("1,2", "3,5", "3,4")


def test_headers_equal_what_says_the_same() -> None:
    assert HTTPHeaders({"a": "1"}) == HTTPHeaders([("A", "1")]) == {"A": "1"}
    assert HTTPHeaders(A="1") == HTTPHeaders({"A": "1"})
    assert HTTPHeaders() != HTTPHeaders({"A": "1"})


def test_lines_are_parsed() -> None:
    headers = HTTPHeaders.parse("Content-Type: text/html\r\nA:1\nA: 2 \r\n\r\n")
    assert list(headers.get_all()) == [("Content-Type", "text/html"), ("A", "1"), ("A", "2")]
    assert str(headers) == "Content-Type: text/html\nA: 1\nA: 2\n"
    assert HTTPHeaders.parse(str(headers)) == headers
    assert repr(headers) == "HTTPHeaders([('Content-Type', 'text/html'), ('A', '1'), ('A', '2')])"


@pytest.mark.parametrize("line", ["no colon", " folded: line", "space : before", ": empty", "A: \0"])
def test_lines_that_are_none_are_refused(line: str) -> None:
    with pytest.raises(HTTPFieldError):
        HTTPHeaders.parse(f"A: 1\r\n{line}\r\n")


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "\xe4", "a\n"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    headers = HTTPHeaders()
    for change in (headers.add, headers.__setitem__):
        with pytest.raises(HTTPFieldError, match="cannot be a field name"):
            change(name, "value")
    assert not headers


@pytest.mark.parametrize("value", [3, b"3", None])
def test_a_value_that_is_no_text_is_told_to_be_converted(value: Any) -> None:
    with pytest.raises(TypeError, match=f"{value!r} cannot be the value of Content-Length: it is not text; convert it"):
        HTTPHeaders({"Content-Length": value})


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\r", "\0", "\x7f", "\N{SNOWMAN}"])
def test_a_value_that_cannot_be_one_is_refused(value: str) -> None:
    headers = HTTPHeaders()
    for change in (headers.add, headers.__setitem__):
        with pytest.raises(HTTPFieldError, match="cannot be the value of A"):
            change("A", value)
    with pytest.raises(ValueError, match="cannot be the value"):
        HTTPHeaders({"A": value})
    assert not headers


class Colour(str, Enum):  # noqa: UP042 - a StrEnum says what it is
    """Text by inheritance, whose str() is its name."""

    RED = "red "
    BROKEN = "a\r\nX: y"


def test_text_of_a_class_of_its_own_is_checked_and_written_as_the_text_that_it_is() -> None:
    headers = HTTPHeaders({"A": Colour.RED})
    headers.add("B", Colour.RED)
    assert headers.to_lines() == "A: red\r\nB: red\r\n"
    for change in (headers.add, headers.__setitem__):
        with pytest.raises(HTTPFieldError, match="cannot be the value of A"):
            change("A", Colour.BROKEN)


def test_a_refused_field_is_an_input_error_answered_400() -> None:
    with pytest.raises(HTTPInputError) as caught:
        HTTPHeaders({"A": "\n"})
    assert caught.value.status == 400


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    assert HTTPHeaders({"A": " \tb c\t "})["A"] == "b c"
    assert HTTPHeaders({"A": "\xe9"})["A"] == "\xe9"


def test_many_fields_of_one_name_cost_no_more_than_their_number() -> None:
    headers = HTTPHeaders()
    for _ in range(100_000):
        headers.add("A", "x" * 100)  # joined at each, this would move half a terabyte
    assert len(headers["A"]) == 100_000 * 101 - 1


def test_names_without_number_are_not_kept() -> None:
    from eyewall.httpserver._headers import _names

    for number in range(3000):
        HTTPHeaders({f"X-{number}": ""})
    assert len(_names) <= _names.MAX_NAMES
    assert "X-2999" in _names


def test_fields_of_marks_what_stands_more_than_once() -> None:
    headers = HTTPHeaders({"A": "1", "B": "1"})
    headers.add("B", "2")
    assert fields_of(headers) == {"A": "1", "B": REPEATED}


NAMES = st.text("abcXYZ-!~09", min_size=1, max_size=5)
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters=[chr(c) for c in range(0x7F, 0x80)])
)


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_what_is_written_is_read_again(fields: list[tuple[str, str]]) -> None:
    headers = HTTPHeaders()
    for name, value in fields:
        headers.add(name, value)
    assert list(HTTPHeaders.parse(headers.to_lines()).get_all()) == list(headers.get_all())


def test_a_mapping_may_have_lists_of_values() -> None:
    headers = HTTPHeaders({"Set-Cookie": ["a=1", "b=2"], "X": []})
    assert headers.get_list("Set-Cookie") == ["a=1", "b=2"]
    assert "X" not in headers


def test_a_line_may_have_its_end_or_be_nothing_but_it() -> None:
    headers = HTTPHeaders()
    for line in ("A: 1\r\n", "B: 2\n", "C: 3", "\r\n", ""):
        headers.parse_line(line)
    assert list(headers.get_all()) == [("A", "1"), ("B", "2"), ("C", "3")]
    for line in ("D: 4\r\nE: 5", "D: 4\r\r\n", " F: 6"):
        with pytest.raises(HTTPFieldError):
            headers.parse_line(line)
