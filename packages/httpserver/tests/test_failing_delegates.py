"""What a client gets, and the log, when a delegate does wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    HTTPInputError,
    HTTPOutputError,
)
from eyewall.iostream.testing import memory_streams

from ._served import GET, POST, Recorder, Served, begin, fail, turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import IOLoop

    Step = Callable[["Recorder"], Awaitable[object] | None]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("start", []),
        ("headers", ["headers", "close"]),
        ("data", ["headers", "data", "close"]),
        ("finish", ["headers", "data", "finish"]),
    ],
)
async def test_a_delegate_that_raises_gets_its_client_a_500_without_a_trace(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, step: str, told: list[str]
) -> None:
    served = Served(io_loop, **{step: fail})
    served.client.write_nowait(POST + b"12345")
    received = await served.client.read_until_close()
    assert received.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"\r\nConnection: close\r\n" in received
    assert b"ZeroDivision" not in received
    served.client.close()
    await served.over()
    assert served.told == [told]
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("step", ["headers", "data", "finish"])
async def test_a_delegate_that_raises_when_its_answer_has_begun_has_it_cut(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    async def begin_and_fail(recorder: Recorder) -> None:
        begin(recorder)
        await turns(served.client, 2)
        raise ZeroDivisionError

    served = Served(io_loop, **{step: begin_and_fail})
    served.client.write_nowait(POST + b"12345")
    assert (await served.client.read_until_close()).endswith(b"\r\n\r\nhello")
    await served.over()
    assert len(caplog.records) == 1


async def test_a_delegate_that_raises_behind_its_answer_is_logged_and_the_connection_goes_on(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def answer_and_fail(recorder: Recorder) -> None:
        recorder.answer(b"x" * 100_000)
        raise ZeroDivisionError

    served = Served(io_loop, finish=answer_and_fail)
    served.client.write_nowait(GET + GET)
    for _ in range(2):
        assert (await served.client.read_until(b"x" * 100_000)).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(caplog.records) == 2
    served.client.close()
    await served.over()


async def test_a_delegate_that_meets_the_end_of_another_stream_gets_its_client_a_500(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask_a_backend(recorder: Recorder) -> None:
        near, far = memory_streams(io_loop)
        far.close()
        await near.read_bytes(1)

    served = Served(io_loop, finish=ask_a_backend)
    served.client.write_nowait(GET)
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 500 ")
    await served.over()
    assert "uncaught exception in 'GET /' from 192.0.2.1" in caplog.text


async def test_a_delegate_may_refuse_a_request_with_a_status_of_its_own(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(recorder: Recorder) -> None:
        raise HTTPInputError("no such coding", status=415)

    served = Served(io_loop, finish=refuse)
    served.client.write_nowait(GET)
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 415 ")
    await served.over()
    assert caplog.messages == ["refused a request from 192.0.2.1 with 415: no such coding"]


async def test_an_answer_that_is_too_short_is_cut_even_where_nobody_looks(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def finish_elsewhere(recorder: Recorder) -> None:
        begin(recorder)
        io_loop.add_callback(swallow, recorder.connection.finish)

    def swallow(finish: Callable[[], None]) -> None:
        with pytest.raises(HTTPOutputError, match="5 bytes more than were written"):
            finish()

    served = Served(io_loop, finish=finish_elsewhere)
    served.client.write_nowait(GET + GET)
    assert (await served.client.read_until_close()).endswith(b"\r\n\r\nhello")
    await served.over()
    assert served.told == [["headers", "finish", "close"]]


async def test_a_delegate_that_raises_when_told_of_the_end_stops_nobody(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, close=fail, finish=lambda r: r.connection.set_close_callback(lambda: fail(r)))
    served.client.write_nowait(GET)
    await turns(served.client)
    served.client.reset()
    await served.over()
    assert served.told == [["headers", "finish", "close"]]
    assert caplog.messages == ["uncaught exception on the end of 'GET /'"] * 2


async def test_an_on_close_that_raises_is_logged(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Served):
        def on_close(self, server_conn: object, /) -> None:
            super().on_close(server_conn)
            raise ZeroDivisionError

    served = Failing(io_loop)
    await turns(served.client)
    served.client.close()
    await served.over()
    assert caplog.messages == ["uncaught exception in on_close for 192.0.2.1"]
