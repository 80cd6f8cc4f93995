"""Limits that are set for one message, and limits that need not wait for the end of what is beyond them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import Deadlines, HTTPConnection, HTTPHeaders, HTTPServer, RequestStartLine, ResponseStartLine
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
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

    def data_received(self, chunk: bytes, /) -> None: ...

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


async def test_too_many_fields_are_refused_before_the_head_has_ended(io_loop: IOLoop) -> None:
    server = HTTPServer(Patient(1.0), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 1000)
    assert await client.read_bytes(12) == b"HTTP/1.1 431"
    await server.close_all_connections()
