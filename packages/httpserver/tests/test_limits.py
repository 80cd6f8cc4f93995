"""Each limit is reached, at its exact bound, however the bytes are cut; it is answered, and named in the log."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, Limits
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

from ._served import GET, OK, POST, Recorder, Served, answer, turn, turns

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop

CHUNKED = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
LIMITS = Limits(
    max_request_line=60,
    max_field_size=70,
    max_header_size=200,
    max_fields=6,
    max_trailer_size=50,
    max_body_size=40,
    max_chunk_extensions=30,
)


def line(size: int) -> bytes:
    return b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * (size - 14))


def field(size: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\nA: %b\r\n\r\n" % (b"x" * (size - 3))


def head(size: int) -> bytes:
    start = b"GET / HTTP/1.1\r\nHost: a\r\n" + 2 * (b"A: " + b"x" * 60 + b"\r\n") + b"A: "
    return start + b"x" * (size - len(start)) + b"\r\n\r\n"


def fields(count: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + (count - 1) * b"A: bcdefghijklm\r\n" + b"\r\n"


def trailers(size: int) -> bytes:
    return CHUNKED + b"0\r\nA: %b\r\n\r\n" % (b"x" * (size - 3))


def many_trailers(count: int) -> bytes:
    return CHUNKED + b"0\r\n" + count * b"A: b\r\n" + b"\r\n"


def body(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size


def chunks(size: int) -> bytes:
    return CHUNKED + b"14\r\n" + b"x" * 20 + b"\r\n%x\r\n" % (size - 20) + b"x" * (size - 20) + b"\r\n0\r\n\r\n"


def extensions(size: int) -> bytes:
    return CHUNKED + b"1;aaaaaaaaa\r\nx\r\n1;" + b"a" * (size - 11) + b"\r\nx\r\n0\r\n\r\n"


@pytest.mark.parametrize("chunk_size", [1, 3, 65_536])
@pytest.mark.parametrize(
    ("message", "limit", "status"),
    [
        (line, "max_request_line", 414),
        (field, "max_field_size", 431),
        (head, "max_header_size", 431),
        (fields, "max_fields", 431),
        (trailers, "max_trailer_size", 431),
        (many_trailers, "max_fields", 431),
        (body, "max_body_size", 413),
        (chunks, "max_body_size", 413),
        (extensions, "max_chunk_extensions", 400),
    ],
)
async def test_a_limit_holds_to_the_unit_and_is_named(
    io_loop: IOLoop, message: object, limit: str, status: int, chunk_size: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(message)
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    bound = getattr(LIMITS, limit)
    for size in (bound, bound + 1):
        served = Served(io_loop, finish=answer, options={"limits": LIMITS})
        client, far = memory_streams(io_loop, chunk_size=chunk_size)
        served.server.handle_stream(far, ("192.0.2.1", 1))
        client.write_nowait(message(size))
        received = await client.read_until(b"\r\n\r\n")
        client.close()
        served.client.close()
        await served.server.close_all_connections()
        assert received.startswith(b"HTTP/1.1 %d " % (200 if size == bound else status))
    [logged] = caplog.messages
    assert f"with {status}: " in logged
    assert limit in logged
    assert str(bound) in logged


async def test_a_limit_for_one_body_is_not_that_of_the_next(io_loop: IOLoop) -> None:
    def narrow_first(recorder: Recorder) -> None:
        if len(served.requests) == 1:
            recorder.connection.set_max_body_size(1_000_000)

    served = Served(io_loop, headers=narrow_first, finish=answer, options={"limits": LIMITS})
    served.client.write_nowait(body(1000) + body(41))
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 413 ")
    served.client.close()
    await served.over()


async def test_a_connection_that_has_served_its_requests_is_told_to_go(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "eyewall.httpserver")
    served = Served(io_loop, finish=answer, options={"limits": Limits(max_requests=3)})
    served.client.write_nowait(GET * 5)
    received = await served.client.read_until_close()
    assert received.count(b"hello") == 3
    assert received.count(b"Connection: close") == 1
    assert received.rindex(b"Connection: close") > received.rindex(b"HTTP/1.1")
    await served.over()
    assert caplog.messages == ["the connection of 192.0.2.1 ends with max_requests, 3"]


@pytest.mark.parametrize("size", [1000, 1001])
async def test_a_body_that_nobody_wants_is_thrown_away_up_to_its_bound(
    io_loop: IOLoop, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, headers=answer, options={"limits": Limits(max_unwanted_body=1000)})
    served.client.write_nowait(POST.replace(b"5", b"%d" % size) + b"x" * size + GET)
    if size == 1000:
        for _ in range(2):
            assert b"Connection" not in await served.client.read_until(b"hello")
        assert not caplog.messages
    else:
        received = await served.client.read_until_close()
        assert received.count(b"hello") == 1
        assert b"\r\nConnection: close\r\n" in received
        assert "1001 bytes of the request are missing, more than max_unwanted_body, 1000" in caplog.text
    served.client.close()
    await served.over()


async def test_an_unwanted_body_of_unknown_length_ends_the_connection(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(CHUNKED + b"1\r\n")
    assert b"\r\nConnection: close\r\n" in await served.client.read_until_close()
    served.client.close()
    await served.over()


async def test_an_unwanted_body_that_is_held_back_is_not_waited_for(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    received = await served.client.read_until_close()
    assert b"\r\nConnection: close\r\n" in received
    assert b" 100 " not in received
    served.client.close()
    await served.over()


async def test_who_goes_on_sending_behind_a_refusal_is_closed_at_the_bound(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, headers=answer, options={"limits": Limits(linger_bytes=100_000)})
    served.client.write_nowait(POST.replace(b"5", b"99999999"))
    served.client.set_eof_callback(lambda: None)  # and goes on sending
    await served.client.read_until(b"hello")
    sent = 0
    while not served.client.closed() and sent < 10_000_000:
        with contextlib.suppress(StreamClosedError):
            await served.client.write(b"x" * 10_000)
        sent += 10_000
        await turn(served.client)
    assert 100_000 <= sent <= 400_000
    served.client.close()
    await served.over()
    assert "it sent more than linger_bytes, 100000" in caplog.text


async def test_what_is_read_ahead_of_a_busy_handler_is_bounded(io_loop: IOLoop) -> None:
    served = Served(io_loop, options={"chunk_size": 10_000})
    client, far = memory_streams(io_loop, read_chunk_size=10_000, capacity=1000)
    served.server.handle_stream(far, ("192.0.2.1", 1))
    client.write_nowait(GET * 10_000)
    await turns(client, 200)
    assert client.unsent > len(GET) * 10_000 - 40_000, "the rest waits at the client"
    client.close()
    served.client.close()
    await served.server.close_all_connections()


async def test_an_answer_that_its_client_does_not_read_holds_the_handler_back(io_loop: IOLoop) -> None:
    written: list[int] = []

    async def write(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders())
        for number in range(1000):
            await recorder.connection.write(b"x" * 100_000)
            written.append(number)

    served = Served(io_loop, finish=write)
    served.client.write_nowait(GET)
    await turns(served.client, 200)
    assert len(written) < 10
    served.client.close()
    await served.over()
