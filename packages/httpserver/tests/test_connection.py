"""How an answer is framed, whatever the request and the application; on memory streams, through a server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    HTTPConnection,
    HTTPHeaders,
    HTTPOutputError,
    HTTPServer,
    HTTPServerRequest,
    ResponseStartLine,
)
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import IOLoop

    Answer = Callable[[HTTPConnection], object]

GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = GET.replace("GET", "HEAD")
CLOSING = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
GET_1_0 = "GET / HTTP/1.0\r\n\r\n"
KEPT_1_0 = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
OK = ResponseStartLine("", 200, "OK")


async def ask(io_loop: IOLoop, request: str, answer: Answer) -> tuple[str, HTTPHeaders, bytes, bool]:
    """Send a request; give the status line, the fields, what follows, and whether the connection stays open."""

    def serve(request: HTTPServerRequest) -> None:
        assert request.connection is not None
        answer(request.connection)

    server = HTTPServer(serve, io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(request.encode())
    client.shutdown_write()
    received = await client.read_until_close()
    head, _, body = received.partition(b"\r\n\r\n")
    status, _, fields = head.decode("latin-1").partition("\r\n")
    headers = HTTPHeaders.parse(fields)
    options = headers.get("Connection", "close" if "/1.0\r" in request else "")
    stays_open = "close" not in options
    await server.close_all_connections()
    return status, headers, body, stays_open


def answer(fields: dict[str, str], *pieces: bytes, status: int = 200, reason: str = "OK") -> Answer:
    def write(connection: HTTPConnection) -> None:
        connection.write_headers(ResponseStartLine("", status, reason), HTTPHeaders(fields), *pieces[:1])
        for piece in pieces[1:]:
            connection.write(piece)
        connection.finish()

    return write


@pytest.mark.parametrize("request_", [GET, KEPT_1_0])
async def test_a_length_that_is_given_frames_the_body(io_loop: IOLoop, request_: str) -> None:
    status, headers, body, stays_open = await ask(
        io_loop, request_, answer({"Content-Length": "10"}, b"hello", b"again")
    )
    assert status == "HTTP/1.1 200 OK"
    assert body == b"helloagain"
    assert stays_open
    assert headers.get("Connection") == ("Keep-Alive" if request_ is KEPT_1_0 else None)
    assert "Transfer-Encoding" not in headers


async def test_without_a_length_the_body_is_sent_in_chunks(io_loop: IOLoop) -> None:
    _, headers, body, stays_open = await ask(io_loop, GET, answer({}, b"hello", b"", b"x" * 17))
    assert headers["Transfer-Encoding"] == "chunked"
    assert body == b"5\r\nhello\r\n11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n"
    assert stays_open


@pytest.mark.parametrize("request_", [GET_1_0, KEPT_1_0])
async def test_without_a_length_http_1_0_reads_until_the_end(io_loop: IOLoop, request_: str) -> None:
    status, headers, body, stays_open = await ask(io_loop, request_, answer({}, b"hello", b"again"))
    assert status == "HTTP/1.1 200 OK"
    assert "Transfer-Encoding" not in headers
    assert body == b"helloagain"
    assert not stays_open


@pytest.mark.parametrize("fields", [{"Content-Length": "5"}, {}])
async def test_a_head_request_gets_the_same_fields_and_no_body(io_loop: IOLoop, fields: dict[str, str]) -> None:
    _, headers, body, stays_open = await ask(io_loop, HEAD, answer(fields, b"hello"))
    assert headers.get("Content-Length") == fields.get("Content-Length")
    assert body == b""
    assert stays_open


@pytest.mark.parametrize(("status", "length"), [(204, None), (304, "5")])
async def test_a_status_without_a_body_has_none(io_loop: IOLoop, status: int, length: str | None) -> None:
    _, headers, body, stays_open = await ask(io_loop, GET, answer({"Content-Length": "5"}, status=status, reason="x"))
    assert headers.get("Content-Length") == length
    assert "Transfer-Encoding" not in headers
    assert body == b""
    assert stays_open


@pytest.mark.parametrize(
    ("request_", "length", "told"),
    [
        (CLOSING, {"Content-Length": "0"}, "close"),
        (KEPT_1_0, {"Content-Length": "0"}, "Keep-Alive"),
        (KEPT_1_0, {}, "close"),
        (GET_1_0, {"Content-Length": "0"}, None),  # which closes where nobody says otherwise
        (GET_1_0, {}, None),
        (GET, {"Content-Length": "0"}, None),
    ],
)
async def test_a_client_is_told_what_it_would_not_expect(
    io_loop: IOLoop, request_: str, length: dict[str, str], told: str | None
) -> None:
    _, headers, _, _ = await ask(io_loop, request_, answer(length))
    assert headers.get("Connection") == told


@pytest.mark.parametrize("fields", [{"Connection": "close"}, {"Connection": "x, CLOSE"}])
async def test_an_application_may_close_the_connection(io_loop: IOLoop, fields: dict[str, str]) -> None:
    status, headers, body, _ = await ask(io_loop, GET + GET, answer({"Content-Length": "1", **fields}, b"x"))
    assert status == "HTTP/1.1 200 OK"
    assert headers["Connection"] == fields["Connection"]
    assert body == b"x"


async def test_close_in_the_second_of_two_connection_fields_closes_too(io_loop: IOLoop) -> None:
    def write(connection: HTTPConnection) -> None:
        headers = HTTPHeaders([("Content-Length", "1")])
        headers.add("Connection", "x")
        headers.add("Connection", "close")
        connection.write_headers(OK, headers, b"x")
        connection.finish()

    _, _, body, _ = await ask(io_loop, GET + GET, write)
    assert body == b"x"


async def test_an_end_is_told_whatever_the_application_says(io_loop: IOLoop) -> None:
    _, headers, _, _ = await ask(io_loop, CLOSING, answer({"Content-Length": "0", "Connection": "keep-alive"}))
    assert headers.get_list("Connection") == ["keep-alive", "close"]


async def test_the_date_is_told_once(io_loop: IOLoop) -> None:
    _, headers, _, _ = await ask(io_loop, GET, answer({"Content-Length": "0"}))
    assert headers["Date"].endswith(" GMT")
    _, headers, _, _ = await ask(io_loop, GET, answer({"Content-Length": "0", "Date": "then"}))
    assert headers.get_list("Date") == ["then"]


async def test_a_view_of_wider_items_is_counted_in_bytes(io_loop: IOLoop) -> None:
    view = memoryview(b"12345678").cast("I")

    def write(connection: HTTPConnection) -> None:
        connection.write_headers(OK, HTTPHeaders({"Content-Length": "16"}), view)
        connection.write(view)
        connection.finish()

    _, _, body, _ = await ask(io_loop, GET, write)
    assert body == b"1234567812345678"


async def test_a_body_that_is_too_large_for_one_buffer_arrives_whole(io_loop: IOLoop) -> None:
    _, _, body, _ = await ask(io_loop, GET, answer({"Content-Length": "200000"}, b"x" * 200_000))
    assert body == b"x" * 200_000


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (answer({"Content-Length": "five"}), "'five' is not a single plain number"),
        (answer({"Content-Length": "1"}, b"12"), "1 bytes more than Content-Length promised"),
        (answer({"Transfer-Encoding": "chunked"}), "leave Transfer-Encoding out"),
        (answer({}, b"x", status=204), "an answer with status 204 has no body"),
        (answer({}, status=99), "cannot begin an answer"),
        (answer({}, status=1000), "cannot begin an answer"),
        (answer({}, reason="OK\r\nX: y"), "cannot begin an answer"),
        (answer({}, reason="\N{SNOWMAN}"), "cannot begin an answer"),
        (lambda connection: connection.write(b"x"), "after write_headers"),
        (lambda connection: connection.finish(), "after write_headers"),
    ],
)
async def test_an_answer_that_cannot_be_is_a_500_and_says_why_in_the_log(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, wrong: Answer, message: str
) -> None:
    status, headers, body, _ = await ask(io_loop, GET, wrong)
    assert status == "HTTP/1.1 500 Internal Server Error"
    assert headers["Content-Length"] == str(len(body))
    assert "X" not in headers
    [record] = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], HTTPOutputError)
    assert message in str(record.exc_info[1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (answer({"Content-Length": "3"}, b"12"), "Content-Length promised 1 bytes more"),
        (answer({"Content-Length": "3"}, b"12", b"34"), "1 bytes more than Content-Length promised"),
        (lambda c: (answer({"Content-Length": "3"}, b"123")(c), c.finish()), "finished once"),
        (lambda c: (answer({"Content-Length": "3"}, b"123")(c), c.write(b"4")), "before finish"),
        (lambda c: (answer({"Content-Length": "3"}, b"123")(c), answer({})(c)), "an answer begins once"),
    ],
)
async def test_what_goes_wrong_in_an_answer_never_reaches_the_wire(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, wrong: Answer, message: str
) -> None:
    status, _, body, _ = await ask(io_loop, GET, wrong)
    assert status == "HTTP/1.1 200 OK"
    assert b"123".startswith(body)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert message in str(record.exc_info[1])


@pytest.mark.parametrize(
    "wrong",
    [
        answer({}, b"x", status=204),
        answer({"Content-Length": "1"}, b"123"),
    ],
)
@pytest.mark.parametrize("fields", [{"Content-Length": "5"}, {}])
async def test_an_answer_that_was_refused_leaves_nothing_to_the_next_try(
    io_loop: IOLoop, wrong: Answer, fields: dict[str, str]
) -> None:
    def try_twice(connection: HTTPConnection) -> None:
        with pytest.raises(HTTPOutputError):
            wrong(connection)
        answer(fields, b"hello")(connection)

    status, headers, body, _ = await ask(io_loop, GET, try_twice)
    assert status == "HTTP/1.1 200 OK"
    assert body == (b"hello" if "Content-Length" in headers else b"5\r\nhello\r\n0\r\n\r\n")
    assert ("Content-Length" in headers) != ("Transfer-Encoding" in headers)


@pytest.mark.parametrize("status", [100, 101, 103])
async def test_an_answer_that_clients_take_for_an_interim_one_ends_the_connection(io_loop: IOLoop, status: int) -> None:
    _, _, rest, stays_open = await ask(io_loop, GET * 2, answer({}, status=status))
    assert not stays_open
    assert rest == b"", "the answer to the second request would be taken for that to the first"


@pytest.mark.parametrize("status", [599, 600, 999])
async def test_a_status_of_three_digits_is_sent_as_it_is(io_loop: IOLoop, status: int) -> None:
    line, _, _, _ = await ask(io_loop, GET, answer({"Content-Length": "0"}, status=status, reason="Mine"))
    assert line == f"HTTP/1.1 {status} Mine"
