"""Fields that many answers share remember the last head that was made of them: nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import HTTPHeaders, HTTPOutputError, RequestStartLine, ResponseStartLine, _framing
from eyewall.httpserver._framing import answer_head

if TYPE_CHECKING:
    import pytest

GET = RequestStartLine("GET", "/", "HTTP/1.1")
OK = ResponseStartLine("HTTP/1.1", 200, "OK")
REQUESTS = st.builds(
    RequestStartLine,
    st.sampled_from(["GET", "HEAD", "POST", "CONNECT"]),
    st.just("/"),
    st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
)
STATUSES = st.builds(ResponseStartLine, st.just(""), st.sampled_from([101, 200, 204, 304, 404]), st.sampled_from("ab"))
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Length": st.just("5"),
        "Connection": st.sampled_from(["close", "keep-alive"]),
        "Date": st.just("today"),
    },
)


def undated(head: bytes) -> bytes:
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Date: "))


@given(FIELDS, st.lists(st.tuples(st.tuples(STATUSES, REQUESTS, st.booleans()), st.integers(1, 3)), max_size=5))
def test_shared_fields_give_each_request_what_fields_of_its_own_give(
    fields: dict[str, str],
    answers: list[tuple[tuple[ResponseStartLine, RequestStartLine, bool], int]],
) -> None:
    shared = HTTPHeaders(fields)
    for (status, request, keep_alive), times in answers:
        expected = answer_head(status, HTTPHeaders(fields), request, keep_alive)
        for _ in range(times):
            head = answer_head(status, shared, request, keep_alive)
            assert (undated(head[0]), *head[1:]) == (undated(expected[0]), *expected[1:])


def test_a_field_that_changes_is_sent_as_it_is_now() -> None:
    shared = HTTPHeaders({"Content-Length": "5"})
    for _ in range(3):
        answer_head(OK, shared, GET, True)
    copy = shared.copy()
    shared["Content-Length"] = "6"
    head, left, _ = answer_head(OK, shared, GET, True)
    assert (b"Content-Length: 6\r\n" in head, left) == (True, 6)
    assert answer_head(OK, copy, GET, True)[1] == 5


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "add", "delete", "copy", "send"]),
        st.sampled_from(["Etag", "Set-Cookie", "Content-Length", "Connection", "Date", "X"]),
        st.sampled_from(["1", "close", "a"]),
    ),
    max_size=12,
)


def change(headers: HTTPHeaders, how: str, name: str, value: str) -> HTTPHeaders:
    if how == "set":
        headers[name] = value
    elif how == "add" and name not in {"Content-Length", "Date"}:
        headers.add(name, value)
    elif how == "delete" and name in headers:
        del headers[name]
    return headers.copy() if how == "copy" else headers


def framed(headers: HTTPHeaders) -> object:
    try:
        return answer_head(OK, headers, GET, True)[1:], headers.to_lines()
    except HTTPOutputError as error:
        return str(error)


@given(CHANGES)
def test_fields_that_were_changed_are_sent_as_if_they_were_new(changes: list[tuple[str, str, str]]) -> None:
    known = HTTPHeaders({"Server": "s", "Content-Length": "1"})
    for step in changes:
        known = change(known, *step)
        if step[0] == "send":
            fresh = HTTPHeaders()
            for name, value in known.get_all():
                fresh.add(name, value)
            assert framed(known) == framed(fresh)


def test_the_next_second_has_another_date(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = HTTPHeaders({"Content-Length": "5"})
    for second in range(3):
        for part in (0.0, 0.5, 0.9):
            monkeypatch.setattr(_framing, "time", lambda now=784111777 + second + part: now)
            date = f"Date: Sun, 06 Nov 1994 08:49:{37 + second} GMT\r\n"
            assert date.encode() in answer_head(OK, shared, GET, True)[0]


def test_fields_that_are_sent_once_keep_no_head() -> None:
    headers = HTTPHeaders({"Content-Length": "5"})
    answer_head(OK, headers, GET, True)
    assert headers._framing is not None
    assert headers._framing.last_head is None
