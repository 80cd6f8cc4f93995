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
    parse_date,
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
    assert parse_response_start_line("HTTP/1.1 999 x").code == 999


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/1.1 2000 OK", "HTTP/2.0 200 OK", "HTTP/1.1 200 a\nb"])
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


def test_the_date_field_is_made_once_in_a_second() -> None:
    first = date_line(784111777)
    assert first == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    assert date_line(784111777) is first
    assert date_line(784111778) == "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"


WHEN = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " sun, 06 nov 1994 08:49:37 GMT",
    ],
)
def test_a_date_is_read_in_any_of_the_three_forms(text: str) -> None:
    assert parse_date(text) == WHEN


def test_a_date_that_was_written_is_read_again() -> None:
    assert parse_date(format_timestamp(WHEN)) == WHEN


def test_a_year_of_two_digits_is_at_most_fifty_years_ahead() -> None:
    now = datetime.now(UTC).year
    for year in (now - 49, now, now + 50):
        read = parse_date(f"Sunday, 06-Nov-{year % 100:02d} 08:49:37 GMT")
        assert read is not None
        assert read.year == year


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nix 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +0100",
        "Sun, 06 Nov 1994 08:49:37 GMT x",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_a_leap_second_is_the_one_before() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
