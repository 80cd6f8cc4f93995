"""A server that drains loses no request that it has begun, keeps nobody waiting, and says what it cut."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import Deadlines, HTTPHeaders
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.tcpserver import ServerState
from eyewall.tcpserver.testing import connect

from ._served import GET, OK, POST, Recorder, Served, answer, turns

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop


async def test_a_request_that_was_on_its_way_to_an_idle_connection_is_answered(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(GET)
    await served.client.read_until(b"hello")
    await turns(served.client, 3)
    draining = io_loop.spawn(served.server.drain(60))
    while served.server.state is not ServerState.DRAINING:
        await turns(served.client, 1)
    served.client.write_nowait(GET)
    received = await served.client.read_until_close()
    assert received.endswith(b"hello")
    assert b"\r\nConnection: close\r\n" in received
    report = await draining
    assert (report.ended, report.cut) == (1, ())
    await served.over()


async def test_without_a_grace_an_idle_connection_is_closed_at_once_and_not_said_to_be_cut(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(GET)
    await served.client.read_until(b"hello")
    await turns(served.client, 3)
    report = await served.server.drain(0)
    assert await served.client.read_until_close() == b""
    assert (report.ended, report.cut) == (1, ())
    await served.over()


async def test_an_idle_connection_is_closed_long_before_the_grace_is_over(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(GET)
    await served.client.read_until(b"hello")
    await turns(served.client, 3)
    report = await served.server.drain(60)
    assert (report.ended, report.cut) == (1, ())
    assert await served.client.read_until_close() == b""
    assert served.server.state is ServerState.STOPPED
    await served.over()


async def test_a_request_that_is_under_way_is_answered_and_its_client_told_to_go(io_loop: IOLoop) -> None:
    may_answer = io_loop.create_future()

    async def wait(recorder: Recorder) -> None:
        await may_answer
        recorder.answer()

    served = Served(io_loop, finish=wait)
    served.client.write_nowait(GET + GET)
    await turns(served.client, 3)
    draining = io_loop.spawn(served.server.drain(60))
    while served.server.state is not ServerState.DRAINING:
        await turns(served.client, 1)
    may_answer.set_result(None)
    received = await served.client.read_until_close()
    assert received.endswith(b"hello")
    assert received.count(b"HTTP/1.1 200 ") == 1, "the second request may be sent elsewhere: its client is told to go"
    assert b"\r\nConnection: close\r\n" in received
    served.client.close()
    assert (await draining).cut == ()
    await served.over()


async def test_an_answer_that_had_begun_is_finished_and_the_connection_closed(io_loop: IOLoop) -> None:
    may_finish = io_loop.create_future()

    async def begin_and_finish(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "5"}), b"hel")
        await may_finish
        recorder.connection.write(b"lo")
        recorder.connection.finish()

    served = Served(io_loop, finish=begin_and_finish)
    served.client.write_nowait(GET)
    await served.client.read_until(b"hel")
    draining = io_loop.spawn(served.server.drain(60))
    await turns(served.client, 2)
    may_finish.set_result(None)
    assert await served.client.read_until_close() == b"lo"
    assert (await draining).cut == ()
    await served.over()


async def test_a_body_that_is_under_way_is_waited_for(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(POST + b"123")
    await turns(served.client, 3)
    draining = io_loop.spawn(served.server.drain(60))
    await turns(served.client, 3)
    served.client.write_nowait(b"45")
    received = await served.client.read_until_close()
    assert received.endswith(b"hello")
    assert b"\r\nConnection: close\r\n" in received
    assert (await draining).cut == ()
    await served.over()


def test_who_was_accepted_a_moment_ago_gets_its_first_request_served(loop: SimulatedLoop) -> None:
    served = Served(loop, finish=answer)

    async def main() -> None:
        await turns(served.client, 3)
        draining = loop.spawn(served.server.drain(60))
        await turns(served.client, 3)
        served.client.write_nowait(GET)
        received = await served.client.read_until_close()
        assert b"\r\nConnection: close\r\n" in received
        assert (await draining).cut == ()

    loop.run(main)


def test_who_was_accepted_and_asks_nothing_holds_nothing_up(loop: SimulatedLoop) -> None:
    served = Served(loop, finish=answer)

    async def main() -> None:
        await turns(served.client, 3)
        report = await served.server.drain(60)
        assert report.cut == ()
        assert report.seconds <= 2.5

    loop.run(main)


@pytest.mark.parametrize("begun", [False, True])
def test_what_is_not_over_in_time_is_cut_and_reported(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture, begun: bool
) -> None:
    async def wait(recorder: Recorder) -> None:
        if begun:
            recorder.connection.write_headers(OK, HTTPHeaders())
        try:
            await loop.create_future()
        finally:
            recorder.told.append("cancelled")

    caplog.set_level(logging.INFO)
    served = Served(loop, finish=wait)
    idle = connect(served.server, io_loop=loop)

    async def main() -> None:
        served.client.write_nowait(GET)
        await turns(served.client, 3)
        report = await served.server.drain(5)
        assert (report.ended, report.cut, report.stuck) == (1, (("192.0.2.1", 49152),), ())
        assert 5 <= report.seconds <= 6
        assert await idle.read_until_close() == b""

    loop.run(main)
    assert served.told == [["headers", "finish", "close", "cancelled"]]
    assert [record.levelname for record in caplog.records] == ["WARNING"], caplog.messages


def test_the_grace_is_the_deadline_where_none_is_given(loop: SimulatedLoop) -> None:
    served = Served(loop, options={"deadlines": Deadlines(drain_timeout=3)})

    async def main() -> None:
        served.client.write_nowait(GET)
        await turns(served.client, 3)
        assert 3 <= (await served.server.drain()).seconds <= 4

    loop.run(main)


def test_a_grace_of_nothing_cuts_at_once(loop: SimulatedLoop) -> None:
    served = Served(loop)

    async def main() -> None:
        served.client.write_nowait(GET)
        await turns(served.client, 3)
        assert len((await served.server.drain(0)).cut) == 1

    loop.run(main)
    assert served.told == [["headers", "finish", "close"]]


async def test_a_client_that_is_discarded_is_told_nothing_more(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    await turns(served.client, 3)
    await served.server.drain(0)
    with pytest.raises(StreamClosedError):
        await served.client.read_bytes(1)
    await served.over()
