"""RecordingConnection keeps the contract of HTTPConnection, and records what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPConnection, HTTPHeaders, HTTPOutputError, ResponseStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.iostream import StreamClosedError

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop

OK = ResponseStartLine("HTTP/1.1", 200, "OK")
NO_CONTENT = ResponseStartLine("HTTP/1.1", 204, "No Content")


def sized(length: int) -> HTTPHeaders:
    return HTTPHeaders({"Content-Length": str(length)})


async def test_an_answer_is_recorded_piece_by_piece(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    as_protocol: HTTPConnection = connection
    headers = HTTPHeaders({"A": "1"})
    await as_protocol.write_headers(OK, headers, b"one")
    await as_protocol.write(b"two")
    as_protocol.finish()
    headers["A"] = "2"
    assert (connection.start_line, connection.headers) == (OK, HTTPHeaders({"A": "1"}))
    assert (connection.chunks, connection.body, connection.finished) == ([b"one", b"two"], b"onetwo", True)


@pytest.mark.parametrize(
    ("start_line", "headers", "message"),
    [
        (ResponseStartLine("HTTP/1.1", 1000, "OK"), HTTPHeaders(), "cannot begin an answer"),
        (ResponseStartLine("HTTP/1.1", 200, "O\r\nK"), HTTPHeaders(), "cannot begin an answer"),
        (OK, HTTPHeaders({"Transfer-Encoding": "chunked"}), "leave Transfer-Encoding out"),
    ],
)
async def test_what_a_server_would_not_send_is_not_recorded(
    io_loop: IOLoop, start_line: ResponseStartLine, headers: HTTPHeaders, message: str
) -> None:
    connection = RecordingConnection(io_loop)
    with pytest.raises(HTTPOutputError, match=message):
        connection.write_headers(start_line, headers)
    assert connection.start_line is None


async def test_headers_are_written_once(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    connection.write_headers(OK, HTTPHeaders())
    with pytest.raises(HTTPOutputError, match="already"):
        connection.write_headers(OK, HTTPHeaders())


async def test_a_body_comes_after_the_headers_and_before_the_end(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    with pytest.raises(HTTPOutputError, match="before the headers"):
        connection.write(b"x")
    connection.write_headers(OK, HTTPHeaders())
    connection.finish()
    with pytest.raises(HTTPOutputError, match="after finish"):
        connection.write(b"x")


async def test_an_answer_is_finished_once_and_not_before_its_headers(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    with pytest.raises(HTTPOutputError, match="before the headers"):
        connection.finish()
    connection.write_headers(OK, HTTPHeaders())
    connection.finish()
    with pytest.raises(HTTPOutputError, match="twice"):
        connection.finish()


async def test_the_trailers_are_recorded_as_they_were_given(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    connection.write_headers(OK, HTTPHeaders(), b"a body in chunks")
    trailers = HTTPHeaders({"Checksum": "7"})
    connection.finish(trailers)
    trailers["Checksum"] = "8"
    assert connection.sent_trailers == HTTPHeaders({"Checksum": "7"})


async def test_a_body_is_as_long_as_it_promised(io_loop: IOLoop) -> None:
    long = RecordingConnection(io_loop)
    long.write_headers(OK, sized(3), b"ab")
    with pytest.raises(HTTPOutputError, match="1 bytes longer"):
        long.write(b"cd")
    short = RecordingConnection(io_loop)
    short.write_headers(OK, sized(3), b"ab")
    with pytest.raises(HTTPOutputError, match="1 bytes shorter"):
        short.finish()


async def test_a_status_that_has_no_body_is_given_none(io_loop: IOLoop) -> None:
    with pytest.raises(HTTPOutputError, match="longer than it may be"):
        RecordingConnection(io_loop).write_headers(NO_CONTENT, HTTPHeaders(), b"x")


async def test_the_body_of_an_answer_to_head_is_dropped(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop, method="HEAD")
    connection.write_headers(OK, sized(3), b"abc")
    connection.finish()
    assert (connection.body, connection.finished) == (b"", True)


async def test_writes_can_be_made_to_wait(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    connection.hold_writes()
    first = connection.write_headers(OK, HTTPHeaders())
    second = connection.write(b"x")
    assert not first.done()
    connection.release_writes()
    await first
    await second
    assert connection.write(b"y").done()


async def test_a_client_that_goes_away_is_told_and_fails_the_writes(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    told: list[str] = []
    connection.set_close_callback(lambda: told.append("gone"))
    connection.hold_writes()
    waiting = connection.write_headers(OK, sized(5))
    connection.close(ConnectionResetError("reset"))
    connection.close()
    assert told == ["gone"]
    with pytest.raises(StreamClosedError, match="reset"):
        await waiting
    with pytest.raises(StreamClosedError):
        await connection.write(b"into ")
    assert connection.body == b""
    connection.finish()


async def test_a_length_is_a_plain_number(io_loop: IOLoop) -> None:
    with pytest.raises(HTTPOutputError, match="'1,1' is not a single plain number"):
        RecordingConnection(io_loop).write_headers(OK, HTTPHeaders({"Content-Length": "1,1"}))


async def test_nobody_is_told_after_the_end(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    told: list[str] = []
    connection.set_close_callback(lambda: told.append("gone"))
    connection.write_headers(OK, HTTPHeaders())
    connection.finish()
    connection.close()
    assert told == []


async def test_the_context_tells_of_the_client_that_was_asked_for(io_loop: IOLoop) -> None:
    context = RecordingConnection(io_loop, address=("198.51.100.7", 4711)).context
    assert (context.remote_ip, context.protocol) == ("198.51.100.7", "http")


async def test_a_stream_is_detached_with_the_client_at_its_other_end(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    stream = connection.detach()
    await connection.client.write(b"hello")
    assert await stream.read_bytes(5) == b"hello"
    assert connection.detached


async def test_the_limit_of_the_body_is_recorded(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    connection.set_max_body_size(10)
    connection.set_body_timeout(20.0)
    assert (connection.max_body_size, connection.body_timeout) == (10, 20.0)
