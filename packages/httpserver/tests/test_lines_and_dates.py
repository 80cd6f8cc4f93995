"""Start lines, statuses and dates."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from eyewall.httpserver import (
    HTTPInputError,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
    format_timestamp,
    parse_request_start_line,
    parse_response_start_line,
    responses,
)
from eyewall.httpserver._dates import date_line
from eyewall.httpserver._reasons import status_lines


def test_a_request_line_is_split() -> None:
    line = parse_request_start_line("GET /a?b HTTP/1.1")
    assert line == RequestStartLine(method="GET", path="/a?b", version="HTTP/1.1")


@pytest.mark.parametrize(
    ("line", "status"),
    [("GET /", 400), ("GET /a b HTTP/1.1", 400), ("GET / HTTP/3.0", 505), ("G@T / HTTP/1.1", 400), ("", 400)],
)
def test_a_request_line_that_is_none_is_refused(line: str, status: int) -> None:
    with pytest.raises(HTTPInputError) as caught:
        parse_request_start_line(line)
    assert caught.value.status == status


def test_a_status_line_is_split() -> None:
    assert parse_response_start_line("HTTP/1.1 404 Not Found") == ResponseStartLine("HTTP/1.1", 404, "Not Found")
    assert parse_response_start_line("HTTP/1.0 200 ").reason == ""


@pytest.mark.parametrize(
    "line", ["HTTP/1.1 200", "HTTP/1.1 2000 OK", "HTTP/1.1 600 x", "HTTP/2.0 200 OK", "HTTP/1.1 200 a\nb"]
)
def test_a_status_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(HTTPInputError, match="malformed status line"):
        parse_response_start_line(line)


def test_statuses_have_reasons() -> None:
    assert (responses[200], responses[404], responses[431]) == ("OK", "Not Found", "Request Header Fields Too Large")


def test_an_answer_is_always_said_to_be_http_1_1() -> None:
    assert status_lines[ResponseStartLine("HTTP/1.0", 200, "Fine")] == "HTTP/1.1 200 Fine\r\n"


def test_reasons_without_number_are_not_kept_and_wrong_ones_are_refused_each_time() -> None:
    for number in range(1000):
        assert status_lines[ResponseStartLine("", 200, f"{number}")] == f"HTTP/1.1 200 {number}\r\n"
    assert len(status_lines) <= status_lines.MAX_LINES
    for _ in range(2):
        with pytest.raises(HTTPOutputError, match="cannot begin an answer"):
            status_lines[ResponseStartLine("", 200, "\r\n")]


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        (784111777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951782400.9, "Tue, 29 Feb 2000 00:00:00 GMT"),
        ((2000, 2, 29, 0, 0, 0, 0, 0, 0), "Tue, 29 Feb 2000 00:00:00 GMT"),
        (time.gmtime(0), "Thu, 01 Jan 1970 00:00:00 GMT"),
        (datetime(2000, 2, 29, tzinfo=UTC), "Tue, 29 Feb 2000 00:00:00 GMT"),
        (datetime(2000, 2, 29, 2, tzinfo=timezone(timedelta(hours=2))), "Tue, 29 Feb 2000 00:00:00 GMT"),
        (datetime(2000, 2, 29), "Tue, 29 Feb 2000 00:00:00 GMT"),  # noqa: DTZ001 - on purpose
    ],
)
def test_a_date_is_written_as_http_writes_it(moment: float | tuple[int, ...] | datetime, date: str) -> None:
    assert format_timestamp(moment) == date


def test_the_date_field_is_made_once_in_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 784111777.0
    monkeypatch.setattr(time, "time", lambda: now)
    first = date_line()
    assert first == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    now += 0.9
    assert date_line() is first
    now += 0.1
    assert date_line() == "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
