"""Limits that are set for one message, pieces of a body, and what need not wait for the end of a head."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    Deadlines,
    HTTPConnection,
    HTTPHeaders,
    HTTPServer,
    HTTPServerRequest,
    Limits,
    ParseBodyConfig,
    ParseUrlEncodedConfig,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import IOLoop

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


class Patient:
    """Gives each request so many seconds for its body."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Patient:
        self.connection = request_conn
        return self

    def on_close(self, server_conn: object, /) -> None: ...

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        self.connection.set_body_timeout(self.seconds)

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        return None

    def finish(self) -> None:
        self.connection.write_headers(ResponseStartLine("", 204, "No Content"), HTTPHeaders())
        self.connection.finish()

    def on_connection_close(self) -> None: ...


@pytest.mark.parametrize(("seconds", "late", "status"), [(20.0, 17.0, b"204"), (20.0, 23.0, b"408")])
def test_a_request_may_have_a_time_of_its_own_for_its_body(
    seconds: float, late: float, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    deadlines = Deadlines(body_timeout=10.0, min_body_rate=0)
    with SimulatedLoop() as io_loop:
        server = HTTPServer(Patient(seconds), io_loop=io_loop, deadlines=deadlines)
        client = connect(server, io_loop=io_loop)
        client.write_nowait(HEAD)
        io_loop.advance(late)
        client.write_nowait(b"hello")
        assert io_loop.run_sync(lambda: client.read_bytes(12)) == b"HTTP/1.1 " + status
        io_loop.run_sync(server.close_all_connections)
    assert ("body_timeout, 20 seconds" in caplog.text) is (status == b"408")


@pytest.mark.parametrize(("query", "status"), [(b"a&b", b"200"), (b"a&b&c", b"400")])
async def test_a_server_may_have_limits_of_its_own_for_forms(io_loop: IOLoop, query: bytes, status: bytes) -> None:
    def count(request: HTTPServerRequest) -> None:
        headers = HTTPHeaders({"Content-Length": "0", "X-Count": str(len(request.arguments))})
        request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers)
        request.connection.finish()

    limits = Limits(forms=ParseBodyConfig(urlencoded=ParseUrlEncodedConfig(max_arguments=2)))
    server = HTTPServer(count, io_loop=io_loop, limits=limits)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(b"GET /?" + query + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await client.read_bytes(12) == b"HTTP/1.1 " + status
    client.close()
    await server.close_all_connections()


@pytest.mark.parametrize(("cookies", "status"), [(b"a=1; b=2", b"200"), (b"a=1; b=2; c=3", b"400")])
async def test_cookies_have_a_limit_for_whoever_asks_for_them(
    io_loop: IOLoop, cookies: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    def count(request: HTTPServerRequest) -> None:
        headers = HTTPHeaders({"Content-Length": "0", "X-Count": str(len(request.cookies))})
        request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers)
        request.connection.finish()

    server = HTTPServer(count, io_loop=io_loop, limits=Limits(max_cookies=2))
    client = connect(server, io_loop=io_loop)
    client.write_nowait(
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + cookies.replace(b"; c", b"\r\nCookie: c") + b"\r\n\r\n"
    )
    assert await client.read_bytes(12) == b"HTTP/1.1 " + status
    client.close()
    await server.close_all_connections()
    assert ("max_cookies, 2" in caplog.text) is (status == b"400")


async def test_too_many_fields_are_refused_before_the_head_has_ended(io_loop: IOLoop) -> None:
    server = HTTPServer(Patient(1.0), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 1000)
    assert await client.read_bytes(12) == b"HTTP/1.1 431"
    await server.close_all_connections()


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 50\r\n\r\n%s", b"Transfer-Encoding: chunked\r\n\r\n32\r\n%s\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("later", [False, True])
async def test_pieces_of_a_body_are_no_longer_than_the_chunk_size(io_loop: IOLoop, framing: bytes, later: bool) -> None:
    sizes: list[int] = []
    taken: list[int] = []

    async def wait(size: int) -> None:
        promise = io_loop.create_future()
        io_loop.add_callback(promise.set_result, None)
        await promise
        taken.append(size)

    class Counting(Patient):
        def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
            assert sum(sizes) == sum(taken) or not later
            sizes.append(len(chunk))
            return wait(len(chunk)) if later else None

    server = HTTPServer(Counting(1.0), io_loop=io_loop, chunk_size=16)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(
        b"POST / HTTP/1.1\r\nHost: a\r\n" + framing % (b"x" * 50) + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    assert sum(sizes) == 50
    assert max(sizes) <= 16
    client.close()
    await server.close_all_connections()
