"""Deadlines, on a clock that jumps: whoever is slow or silent is there for a bounded time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServer, HTTPServerRequest, ResponseStartLine
from eyewall.ioloop import DeadlockError
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.tcpserver.testing import connect

from ._served import GET, POST, TICK, pause, seconds_until_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.iostream.testing import MemoryStream


def answer(request: HTTPServerRequest) -> None:
    assert request.connection is not None
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Length": "5"}), b"hello")
    request.connection.finish()


def never(request: HTTPServerRequest) -> None:
    """Do not answer."""


def serve(
    loop: SimulatedLoop,
    callback: Callable[[HTTPServerRequest], Awaitable[None] | None] = answer,
    *,
    header_timeout: float | None = None,
    body_timeout: float | None = None,
    idle_connection_timeout: float | None = None,
) -> MemoryStream:
    server = HTTPServer(
        callback,
        io_loop=loop,
        header_timeout=header_timeout,
        body_timeout=body_timeout,
        idle_connection_timeout=idle_connection_timeout,
    )
    return connect(server, io_loop=loop)


def test_a_connection_that_sends_nothing_is_closed_without_a_word(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(loop, header_timeout=10)
    assert 10 <= loop.run(seconds_until_end(client)) <= 10 + TICK
    assert caplog.records == []


def test_the_time_of_a_connection_without_a_request_is_bounded_by_either(loop: SimulatedLoop) -> None:
    client = serve(loop, header_timeout=30, idle_connection_timeout=8)
    assert 8 <= loop.run(seconds_until_end(client)) <= 8 + TICK


def test_a_new_connection_has_its_time_though_the_server_has_been_idle(loop: SimulatedLoop) -> None:
    server = HTTPServer(answer, io_loop=loop, header_timeout=10)
    connect(server, io_loop=loop).close()
    loop.advance(3600)
    client = connect(server, io_loop=loop)
    assert 10 <= loop.run(seconds_until_end(client)) <= 10 + TICK


def test_a_head_that_takes_too_long_is_answered_408(loop: SimulatedLoop, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        client = serve(loop, header_timeout=10)
        began = loop.time()
        client.write_nowait(b"GET / HT")
        head = await client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nConnection: close\r\n" in head
        assert 10 <= loop.time() - began <= 10 + TICK
        await client.read_until_close()
        client.close()

    loop.run(main)
    assert caplog.messages == [
        "refused a request from 192.0.2.1 with 408: it takes longer than header_timeout, 10 seconds"
    ]


def test_a_slow_head_is_over_in_time_however_it_drips(loop: SimulatedLoop) -> None:
    async def main() -> None:
        client = serve(loop, header_timeout=10)
        for number in range(10):
            client.write_nowait(GET[number : number + 1])
            await pause(loop, 1)
        assert (await client.read_until_close()).startswith(b"HTTP/1.1 408 ")
        client.close()

    loop.run(main)


def test_who_goes_on_sending_behind_a_408_gets_to_read_it(loop: SimulatedLoop) -> None:
    async def main() -> None:
        client = serve(loop, body_timeout=10)
        client.write_nowait(POST)
        await client.read_until(b"Request Timeout\r\n")
        await client.write(b"12345" + GET)
        assert (await client.read_until_close()).endswith(b"408 Request Timeout\n")

    loop.run(main)


def test_who_neither_reads_nor_goes_behind_a_408_is_closed_soon(loop: SimulatedLoop) -> None:
    async def main() -> None:
        client = serve(loop, header_timeout=10)
        client.write_nowait(b"GET")
        await client.read_until_close()
        began = loop.time()
        while True:
            try:
                await client.write(b"x")
            except StreamClosedError:
                break
            await pause(loop, 0.5)
        assert loop.time() - began <= 2 + TICK

    loop.run(main)


def test_the_time_of_a_body_begins_with_the_body(loop: SimulatedLoop) -> None:
    async def main() -> None:
        client = serve(loop, header_timeout=30, body_timeout=5)
        client.write_nowait(POST[:10])
        loop.call_later(20, client.write_nowait, POST[10:])
        head = await client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert 25 <= loop.time() <= 25 + TICK
        client.close()

    loop.run(main)


def test_an_idle_connection_is_closed_in_its_time_and_each_request_renews_it(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        client = serve(loop, header_timeout=40, idle_connection_timeout=40)
        for _ in range(3):
            loop.call_later(35, client.write_nowait, GET)
            await client.read_until(b"hello")
        assert loop.time() >= 105
        assert 40 <= await seconds_until_end(client) <= 40 + TICK

    loop.run(main)
    assert caplog.records == []


def test_a_handler_may_take_its_time(loop: SimulatedLoop) -> None:
    async def slow(request: HTTPServerRequest) -> None:
        await pause(loop, 500)
        answer(request)

    async def main() -> None:
        client = serve(loop, slow, header_timeout=1, idle_connection_timeout=1, body_timeout=1)
        client.write_nowait(GET)
        assert (await client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
        client.close()

    loop.run(main)


def test_who_has_gone_and_is_never_answered_is_forgotten_in_the_end(loop: SimulatedLoop) -> None:
    async def main() -> None:
        client = serve(loop, never, idle_connection_timeout=60)
        client.write_nowait(GET)
        client.shutdown_write()
        assert 60 <= await seconds_until_end(client) <= 60 + TICK

    loop.run(main)


def test_who_took_the_stream_over_is_under_no_deadline(loop: SimulatedLoop) -> None:
    async def main() -> None:
        def take(request: HTTPServerRequest) -> None:
            assert request.connection is not None
            stream = request.connection.detach()
            loop.call_later(1000, stream.write_nowait, b"still here")

        client = serve(loop, take, header_timeout=1, idle_connection_timeout=1, body_timeout=1)
        client.write_nowait(GET)
        assert await client.read_bytes(10) == b"still here"
        client.close()

    loop.run(main)


def test_a_server_goes_on_to_another_loop() -> None:
    server = HTTPServer(answer, header_timeout=10)
    for _ in range(2):
        with SimulatedLoop() as loop:
            client = connect(server, io_loop=loop)  # which the end of the loop finds open
            client.write_nowait(GET)
            loop.run(client.read_until(b"hello"))
            silent = connect(server, io_loop=loop)
            assert 10 <= loop.run(seconds_until_end(silent)) <= 10 + TICK


def test_an_idle_server_has_no_timer(loop: SimulatedLoop) -> None:
    client = serve(loop)
    loop.advance(0.1)
    client.close()
    loop.advance(0.1)

    async def forever() -> None:
        await loop.create_future()

    with pytest.raises(DeadlockError):  # nothing can ever run again
        loop.run(forever)
