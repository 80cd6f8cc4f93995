"""HTTP1Connection as a client: requests as they go on the wire, answers as they come, whole and broken."""

from __future__ import annotations

import gzip
import logging
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import (
    HTTP1Connection,
    HTTP1ConnectionParameters,
    HTTPHeaders,
    HTTPInputError,
    HTTPOutputError,
    HTTPServer,
    HTTPServerRequest,
    Limits,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.httpserver._answer_parser import AnswerParser
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams
from eyewall.tcpserver.testing import connect

from ._served import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import IOLoop

    from ._served import Step

GET = RequestStartLine("GET", "/", "HTTP/1.1")
POST = RequestStartLine("POST", "/", "HTTP/1.1")
OK = b"HTTP/1.1 200 OK\r\n"


class Client:
    """A client's connection, and the server's end as bytes."""

    def __init__(self, io_loop: IOLoop, *, chunk_size: int = 65536, **params: Any) -> None:
        self.stream, self.server = memory_streams(io_loop, chunk_size=chunk_size)
        self.params = HTTP1ConnectionParameters(**params)
        self.connection = HTTP1Connection(self.stream, True, self.params)

    def ask(self, method: str = "GET", **fields: str) -> None:
        headers = HTTPHeaders({"Host": "a", **{name.replace("_", "-"): value for name, value in fields.items()}})
        self.connection.write_headers(RequestStartLine(method, "/", ""), headers)
        self.connection.finish()

    async def read(self, answer: bytes, *, ends: bool = False, **steps: Step) -> tuple[Recorder, bool]:
        """Read what the server sends; give what the delegate was told, and whether another request may follow."""
        delegate = Recorder(steps)
        self.server.write_nowait(answer)
        if ends:
            self.server.shutdown_write()
        return delegate, await self.connection.read_response(delegate)


class Deaf:
    """Listens to a parser, and keeps nothing."""

    def head_read(self, start_line: ResponseStartLine, keep_alive: bool, /) -> None:
        pass


# Requests


@pytest.mark.parametrize(
    ("method", "fields", "chunks", "sent"),
    [
        ("GET", {}, [], "\r\n"),
        ("POST", {"Content-Length": "3"}, [b"a", b"bc"], "Content-Length: 3\r\n\r\nabc"),
        ("POST", {}, [b"a", b"", b"bc"], "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
        ("POST", {}, [], "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("GET", {}, [b"a"], "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
        ("DELETE", {"Content-Length": "0"}, [], "Content-Length: 0\r\n\r\n"),
    ],
)
async def test_a_request_is_framed_by_its_length_or_in_chunks(
    io_loop: IOLoop, method: str, fields: dict[str, str], chunks: list[bytes], sent: str
) -> None:
    client = Client(io_loop)
    headers = HTTPHeaders({"Host": "a", **fields})
    client.connection.write_headers(RequestStartLine(method, "/x?y", ""), headers, *chunks[:1])
    for chunk in chunks[1:]:
        await client.connection.write(chunk)
    client.connection.finish()
    client.stream.shutdown_write()
    assert await client.server.read_until_close() == f"{method} /x?y HTTP/1.1\r\nHost: a\r\n{sent}".encode()


async def test_a_request_has_trailers(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.connection.write_headers(POST, HTTPHeaders({"Host": "a"}), b"x")
    client.connection.finish(HTTPHeaders({"Digest": "y"}))
    client.stream.shutdown_write()
    assert (await client.server.read_until_close()).endswith(b"1\r\nx\r\n0\r\nDigest: y\r\n\r\n")


@pytest.mark.parametrize(
    ("start_line", "fields", "message"),
    [
        (GET, {}, "needs a Host field"),
        (GET, {"Host": "a", "Transfer-Encoding": "chunked"}, "leave Transfer-Encoding out"),
        (GET, {"Host": "a", "Content-Length": "+1"}, "not a single plain number"),
        (RequestStartLine("G T", "/", ""), {"Host": "a"}, "cannot begin a request"),
        (RequestStartLine("GET", "/ x", ""), {"Host": "a"}, "cannot begin a request"),
        (RequestStartLine("GET", "/\r\nX: y", ""), {"Host": "a"}, "cannot begin a request"),
        (RequestStartLine("GET", "/ü€", ""), {"Host": "a"}, "cannot begin a request"),
        (ResponseStartLine("", 200, "OK"), {"Host": "a"}, "is for the other end"),
    ],
)
async def test_a_request_that_would_be_malformed_is_not_sent(
    io_loop: IOLoop, start_line: RequestStartLine | ResponseStartLine, fields: dict[str, str], message: str
) -> None:
    client = Client(io_loop)
    with pytest.raises(HTTPOutputError, match=message):
        client.connection.write_headers(start_line, HTTPHeaders(fields))
    client.ask()
    client.stream.shutdown_write()
    assert await client.server.read_until_close() == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_a_server_writes_no_request(io_loop: IOLoop) -> None:
    _, far = memory_streams(io_loop)
    with pytest.raises(HTTPOutputError, match="is for the other end"):
        HTTP1Connection(far).write_headers(GET, HTTPHeaders({"Host": "a"}))


async def test_a_request_begins_once_and_is_as_long_as_it_said(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.connection.write_headers(GET, HTTPHeaders({"Host": "a"}))
    with pytest.raises(HTTPOutputError, match="begins once"):
        client.connection.write_headers(GET, HTTPHeaders({"Host": "a"}))
    with pytest.raises(HTTPOutputError, match="more than Content-Length"):
        client.connection.write(b"x")
    client = Client(io_loop)
    client.connection.write_headers(POST, HTTPHeaders({"Host": "a", "Content-Length": "2"}), b"x")
    with pytest.raises(HTTPOutputError, match="1 bytes more than were written"):
        client.connection.finish()
    assert client.stream.closed()


# Answers


@pytest.mark.parametrize("chunk_size", [1, 7, 65536])
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", b"x"),
        (b"\r\nHTTP/1.1 999 \r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
async def test_an_answer_is_read_to_its_end(io_loop: IOLoop, answer: bytes, body: bytes, chunk_size: int) -> None:
    client = Client(io_loop, chunk_size=chunk_size)
    client.ask()
    delegate, keep_alive = await client.read(answer)
    assert (delegate.body, delegate.told[0], delegate.told[-1], keep_alive) == (body, "headers", "finish", True)


async def test_what_follows_an_answer_is_not_taken_for_the_next(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    client = Client(io_loop)
    client.ask()
    answer = OK + b"Content-Length: 1\r\n\r\nx"
    delegate, keep_alive = await client.read(answer + answer)
    assert (delegate.body, delegate.told[-1], keep_alive, client.stream.closed()) == (b"x", "finish", False, True)
    assert "behind its answer" in caplog.text


async def test_one_connection_serves_one_request_after_the_other(io_loop: IOLoop) -> None:
    def answer(request: HTTPServerRequest) -> None:
        body = request.method.encode() + request.body
        headers = HTTPHeaders({"Content-Length": str(len(body))})
        request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
        request.connection.finish()

    server = HTTPServer(answer, io_loop=io_loop)
    stream = connect(server, io_loop=io_loop)
    bodies: list[bytes] = []
    for method in ("GET", "HEAD", "POST", "GET"):
        connection = HTTP1Connection(stream, True)
        connection.write_headers(RequestStartLine(method, "/", ""), HTTPHeaders({"Host": "a"}))
        connection.finish()
        delegate = Recorder({})
        assert await connection.read_response(delegate)
        bodies.append(delegate.body)
    assert bodies == [b"GET", b"", b"POST", b"GET"]
    stream.close()
    await server.close_all_connections()


async def test_the_answer_to_head_has_no_body_whatever_it_says(io_loop: IOLoop) -> None:
    for framing in (b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""):
        client = Client(io_loop)
        client.ask("HEAD")
        delegate, keep_alive = await client.read(OK + framing + b"\r\n")
        assert (delegate.told, keep_alive) == (["headers", "finish"], True)


@pytest.mark.parametrize("chunk_size", [1, 65536])
async def test_a_body_without_length_ends_with_the_connection(io_loop: IOLoop, chunk_size: int) -> None:
    client = Client(io_loop, chunk_size=chunk_size)
    client.ask()
    delegate, keep_alive = await client.read(b"HTTP/1.0 200 OK\r\n\r\nhello", ends=True)
    assert (delegate.body, delegate.told[-1], keep_alive) == (b"hello", "finish", False)
    client = Client(io_loop, chunk_size=chunk_size)
    client.ask()
    delegate, keep_alive = await client.read(OK + b"\r\n", ends=True)
    assert (delegate.told, keep_alive, client.stream.closed()) == (["headers", "finish"], False, True)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        OK,
        OK + b"Content-Length: 5\r\n\r\nhell",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_an_answer_that_ends_too_early_is_never_a_whole_one(io_loop: IOLoop, answer: bytes) -> None:
    client = Client(io_loop)
    client.ask()
    delegate = Recorder({})
    client.server.write_nowait(answer)
    client.server.shutdown_write()
    with pytest.raises(StreamClosedError):
        await client.connection.read_response(delegate)
    assert delegate.told.count("close") == 1
    assert "finish" not in delegate.told
    assert client.stream.closed()


async def test_a_body_without_length_that_breaks_off_is_not_whole(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask()
    delegate = Recorder({"data": lambda recorder: client.server.reset()})
    client.server.write_nowait(OK + b"\r\nhello")
    with pytest.raises(StreamClosedError):
        await client.connection.read_response(delegate)
    assert delegate.told[-1] == "close"


async def test_informational_answers_come_before_the_answer(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask()
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    delegate, _ = await client.read(b"HTTP/1.1 100 Continue\r\n\r\n" + early + OK + b"Content-Length: 1\r\n\r\nx")
    assert [line[1:] for line, _ in delegate.heads] == [(100, "Continue"), (103, "Early Hints"), (200, "OK")]
    assert delegate.told == ["headers", "headers", "headers", "data", "finish"]


async def test_what_counts_is_what_the_answer_says_of_the_connection_not_what_came_before_it(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask()
    last = OK + b"Connection: close\r\nContent-Length: 1\r\n\r\nx"
    _, keep_alive = await client.read(b"HTTP/1.1 103 Early Hints\r\n\r\n" + last)
    assert (keep_alive, client.stream.closed()) == (False, True)


async def test_a_body_is_sent_when_the_server_asks_for_it(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    connection = client.connection

    def send(recorder: Recorder) -> None:
        if recorder.heads[-1][0][1] == 100:
            connection.write(b"hello")
            connection.finish()

    headers = HTTPHeaders({"Host": "a", "Expect": "100-continue", "Content-Length": "5"})
    connection.write_headers(POST, headers)
    assert (await client.server.read_until(b"\r\n\r\n")).endswith(b"Content-Length: 5\r\n\r\n")
    answer = b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n"
    _, keep_alive = await client.read(answer, headers=send)
    assert keep_alive
    assert await client.server.read_bytes(5) == b"hello"


async def test_a_body_that_nobody_asked_for_is_not_sent_and_the_connection_ends(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    headers = HTTPHeaders({"Host": "a", "Expect": "100-continue", "Content-Length": "5"})
    client.connection.write_headers(POST, headers)
    delegate, keep_alive = await client.read(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
    assert (delegate.told[-1], keep_alive, client.stream.closed()) == ("finish", False, True)


async def test_an_answer_that_comes_early_waits_for_the_end_of_the_request(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    connection = client.connection
    connection.write_headers(POST, HTTPHeaders({"Host": "a"}), b"x")

    def go_on(recorder: Recorder) -> None:
        io_loop.add_callback(connection.finish)

    delegate, keep_alive = await client.read(OK + b"Content-Length: 0\r\n\r\n", finish=go_on)
    assert (delegate.told, keep_alive) == (["headers", "finish"], True)

    client = Client(io_loop)
    client.connection.write_headers(POST, HTTPHeaders({"Host": "a"}), b"x")
    delegate, keep_alive = await client.read(
        OK + b"Content-Length: 0\r\n\r\n", finish=lambda recorder: io_loop.add_callback(client.server.close)
    )
    assert (delegate.told, keep_alive) == (["headers", "finish"], False)


async def test_the_protocol_can_be_switched(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask(Connection="Upgrade", Upgrade="x")

    def take(recorder: Recorder) -> None:
        assert client.connection.detach() is client.stream

    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    delegate, keep_alive = await client.read(switch + b"hello", headers=take)
    assert (delegate.told, keep_alive) == (["headers"], False)
    assert await client.stream.read_bytes(5) == b"hello"
    assert not client.stream.closed()


async def test_a_tunnel_begins_behind_the_answer_to_connect(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.connection.write_headers(RequestStartLine("CONNECT", "a:443", ""), HTTPHeaders({"Host": "a:443"}))
    client.connection.finish()

    def take(recorder: Recorder) -> None:
        client.connection.detach()

    delegate, _ = await client.read(OK + b"Content-Length: 5\r\n\r\nhello", headers=take)
    assert delegate.body == b""
    assert await client.stream.read_bytes(5) == b"hello"


@pytest.mark.parametrize(
    ("fields", "answer", "params"),
    [
        ({}, OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n", {}),
        ({"Connection": "close"}, OK + b"Content-Length: 0\r\n\r\n", {}),
        ({}, b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", {}),
        ({}, b"HTTP/1.1 101 x\r\n\r\n", {}),
        ({}, OK + b"Content-Length: 0\r\n\r\n", {"no_keep_alive": True}),
    ],
)
async def test_a_connection_that_is_not_kept_alive_is_closed(
    io_loop: IOLoop, fields: dict[str, str], answer: bytes, params: dict[str, Any]
) -> None:
    client = Client(io_loop, **params)
    client.ask(**fields)
    delegate, keep_alive = await client.read(answer)
    assert (delegate.told[-1], keep_alive, client.stream.closed()) == ("finish", False, True)
    request = await client.server.read_until_close()
    assert (b"Connection: close\r\n" in request) is (bool(fields) or bool(params))


async def test_trailers_are_there_at_the_end(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask()
    seen: list[HTTPHeaders] = []
    await client.read(
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nDigest: y\r\n\r\n",
        finish=lambda recorder: seen.append(client.connection.trailers),
    )
    assert seen == [HTTPHeaders({"Digest": "y"})]


async def test_a_compressed_answer_is_decompressed_where_that_is_asked_for(io_loop: IOLoop) -> None:
    packed = gzip.compress(b"hello" * 1000)
    answer = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    client = Client(io_loop, decompress=True)
    client.ask()
    delegate, keep_alive = await client.read(answer)
    assert (delegate.body, keep_alive) == (b"hello" * 1000, True)
    assert "Content-Encoding" not in delegate.heads[0][1]


# What servers do wrong


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        OK + b" folded: x\r\n\r\n",
        OK + b"X : y\r\n\r\n",
        OK + b"Content-Length: 1, 1\r\n\r\nx",
        OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nfooXX0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 100 x\r\nContent-Length: 0\r\n\r\n" + OK,
        b"HTTP/1.1 102 x\r\n\r\n" * 11 + OK + b"Content-Length: 0\r\n\r\n",
    ],
)
async def test_a_malformed_answer_is_refused_and_the_connection_closed(
    io_loop: IOLoop, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    client = Client(io_loop)
    client.ask()
    delegate, keep_alive = await client.read(answer)
    assert (delegate.told.count("close"), keep_alive, client.stream.closed()) == (1, False, True)
    assert "finish" not in delegate.told
    assert caplog.messages[0].startswith("refused the answer of")
    assert caplog.records[0].levelno == logging.INFO


@pytest.mark.parametrize(
    ("limits", "answer", "message"),
    [
        (Limits(max_body_size=4), OK + b"Content-Length: 5\r\n\r\nhello", "max_body_size is 4"),
        (Limits(max_body_size=4), OK + b"\r\nhello", "max_body_size is 4"),
        (Limits(max_body_size=4), OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello", "max_body_size is 4"),
        (Limits(max_header_size=40), OK + b"X: " + b"y" * 40 + b"\r\n\r\n", "max_header_size, 40"),
        (Limits(max_request_line=10), OK + b"\r\n", "max_request_line, 10"),
        (Limits(max_fields=2), OK + b"A: b\r\n" * 3 + b"\r\n", "max_fields, 2"),
    ],
)
async def test_an_answer_has_limits(
    io_loop: IOLoop, limits: Limits, answer: bytes, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    client = Client(io_loop, limits=limits)
    client.ask()
    delegate, keep_alive = await client.read(answer)
    assert (delegate.told[-1], keep_alive) == ("close", False)
    assert message in caplog.text


async def test_a_delegate_may_set_the_limit_of_one_answer(io_loop: IOLoop) -> None:
    client = Client(io_loop, limits=Limits(max_body_size=4))
    client.ask()
    delegate, _ = await client.read(
        OK + b"Content-Length: 5\r\n\r\nhello", headers=lambda recorder: client.connection.set_max_body_size(5)
    )
    assert (delegate.body, delegate.told[-1]) == (b"hello", "finish")


async def test_a_limit_that_is_set_at_an_informational_answer_holds_for_the_answer_behind_it(io_loop: IOLoop) -> None:
    def set_limit(recorder: Recorder) -> None:
        if len(recorder.heads) == 1:
            client.connection.set_max_body_size(4)

    client = Client(io_loop)
    client.ask()
    delegate, keep_alive = await client.read(
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", headers=set_limit
    )
    assert (delegate.told[-1], delegate.body, keep_alive) == ("close", b"", False)


# What delegates do


@pytest.mark.parametrize("step", ["headers", "data", "finish"])
@pytest.mark.parametrize("later", [False, True])
async def test_a_delegate_that_raises_hears_of_the_end_once(
    io_loop: IOLoop, step: str, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_later() -> None:
        raise ZeroDivisionError

    def fail(recorder: Recorder) -> Awaitable[object] | None:
        if later:
            return fail_later()
        raise ZeroDivisionError

    client = Client(io_loop)
    client.ask()
    client.server.write_nowait(OK + b"Content-Length: 5\r\n\r\nhello")
    delegate = Recorder({step: fail})
    keep_alive = await client.connection.read_response(delegate)
    assert (delegate.told[-2:], keep_alive, client.stream.closed()) == ([step, "close"], False, True)
    assert "uncaught exception at the answer" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_delegate_that_raises_at_the_end_is_logged(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    def fail(recorder: Recorder) -> None:
        raise ZeroDivisionError

    client = Client(io_loop)
    client.ask()
    await client.read(b"?", close=fail)
    assert "uncaught exception on the end of the connection" in caplog.text


async def test_whoever_waits_for_the_end_is_told(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask()
    told: list[str] = []
    client.connection.set_close_callback(lambda: told.append("callback"))
    await client.read(b"?")
    assert told == ["callback"]


async def test_close_ends_what_is_under_way(io_loop: IOLoop) -> None:
    client = Client(io_loop)
    client.ask()
    io_loop.add_callback(client.connection.close)
    delegate = Recorder({})
    with pytest.raises(StreamClosedError):
        await client.connection.read_response(delegate)
    assert delegate.told == ["close"]


def test_a_reader_that_is_cancelled_closes_the_connection() -> None:
    with SimulatedLoop() as io_loop:
        client = Client(io_loop)
        client.ask()
        delegate = Recorder({})
        task = io_loop.spawn(client.connection.read_response(delegate))
        io_loop.advance(1.0)
        task.cancel()
        io_loop.advance(1.0)
        assert (task.done(), delegate.told, client.stream.closed()) == (True, ["close"], True)


async def test_a_delegate_that_takes_its_time_holds_the_server_back(io_loop: IOLoop) -> None:
    client = Client(io_loop, chunk_size=5)
    client.ask()
    taken: list[int] = []

    async def wait(recorder: Recorder) -> None:
        promise = io_loop.create_future()
        io_loop.add_callback(promise.set_result, None)
        await promise
        taken.append(len(recorder.body))

    delegate, _ = await client.read(OK + b"Content-Length: 20\r\n\r\n" + b"x" * 20, data=wait)
    assert delegate.body == b"x" * 20
    assert taken == sorted(set(taken))


# Any cut of the bytes


ANSWERS = [
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n", b"hello"),
    (b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", b""),
]


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 100)))
def test_any_cut_of_an_answer_is_the_same_answer(answer: tuple[bytes, bytes], cuts: list[int]) -> None:
    data, body = answer
    delegate = Recorder({})
    parser = AnswerParser(HTTP1ConnectionParameters().limiter, "GET")
    parser.begin(delegate, Deaf())
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        parser.feed(data[start:end])
    assert (delegate.body, delegate.told[-1], parser.complete, parser.take_rest()) == (body, "finish", True, b"")


@given(st.binary(), st.sampled_from(["GET", "HEAD", "CONNECT"]))
def test_whatever_a_server_sends_is_read_or_refused(data: bytes, method: str) -> None:
    for whole in (data, OK + data, OK + b"Transfer-Encoding: chunked\r\n\r\n" + data):
        parser = AnswerParser(HTTP1ConnectionParameters().limiter, method)
        delegate = Recorder({})
        parser.begin(delegate, Deaf())
        try:
            parser.feed(whole)
        except HTTPInputError:
            continue
        assert delegate.told.count("finish") == parser.complete
