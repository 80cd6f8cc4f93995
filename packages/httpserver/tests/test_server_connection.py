"""One connection's requests in their order, and its end; on memory streams."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    HTTP1Connection,
    HTTP1ServerConnection,
    HTTPHeaders,
    HTTPServer,
    HTTPServerRequest,
    Limits,
    ResponseStartLine,
)
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams
from eyewall.tcpserver.testing import connect

from ._served import GET, OK, POST, Recorder, Served, answer, turn, turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Stream

    Step = Callable[["Recorder"], Awaitable[object] | None]


async def test_a_delegate_is_told_of_head_body_and_end_in_this_order(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(POST + b"12345")
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
    served.client.close()
    await served.over()
    assert served.told == [["headers", "data", "finish"]]
    assert served.requests[0].body == b"12345"


async def test_an_answer_in_the_head_ends_what_the_delegate_is_told(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(GET + GET)
    await served.client.read_until(b"hello")
    assert b"Connection" not in await served.client.read_until(b"hello")
    served.client.close()
    await served.over()
    assert served.told == [["headers"], ["headers"]]


async def test_an_answer_before_a_long_body_tells_the_client_to_go_and_lets_it_read(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(POST.replace(b"5", b"1000000"))
    assert b"\r\nConnection: close\r\n" in await served.client.read_until(b"hello")
    with pytest.raises(StreamClosedError):  # this side has been shut down
        await served.client.read_bytes(1)
    served.client.close()
    await served.over()
    assert served.told == [["headers"]]


async def test_a_short_body_that_nobody_wants_is_thrown_away_and_the_next_request_follows(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(POST)
    assert b"Connection" not in await served.client.read_until(b"hello")
    served.client.write_nowait(b"12345" + GET)
    assert b"Connection" not in await served.client.read_until(b"hello")
    served.client.close()
    await served.over()
    assert served.told == [["headers"], ["headers"]]
    assert served.requests[0].body == b""


async def test_an_answer_before_the_head_ends_the_connection_that_it_said_it_ends(io_loop: IOLoop) -> None:
    served = Served(io_loop, start=answer)
    served.client.write_nowait(POST)
    assert b"\r\nConnection: close\r\n" in await served.client.read_until(b"hello")
    with suppress(StreamClosedError):  # the server may have hung up
        served.client.write_nowait(GET)  # within the body, so no request
    with pytest.raises(StreamClosedError):
        await served.client.read_bytes(1)
    served.client.close()
    await served.over()
    assert len(served.told) == 1


async def test_what_is_wrong_with_a_body_behind_its_answer_changes_nothing(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk size\r\n")
    received = await served.client.read_until_close()
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\nhello")
    await served.over()
    assert served.told == [["headers"]]
    assert caplog.records == []


async def test_a_pipeline_is_answered_in_order_and_byte_by_byte_too(io_loop: IOLoop) -> None:
    def paths(request: HTTPServerRequest) -> None:
        body = request.path.encode() + b"=" + request.body
        request.connection.write_headers(OK, HTTPHeaders({"Content-Length": str(len(body))}), body)
        request.connection.finish()

    client, far = memory_streams(io_loop, chunk_size=1)
    HTTPServer(paths, io_loop=io_loop).handle_stream(far, ("192.0.2.1", 1))
    client.write_nowait(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
    client.write_nowait(
        b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n"
    )
    client.write_nowait(b"POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
    received = await client.read_until_close()
    assert [line.rpartition(b"\r\n")[2] for line in received.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"/1=",
        b"/2=abc",
        b"/3=abc",
    ]


async def test_a_body_is_read_no_faster_than_the_delegate_takes_it(io_loop: IOLoop) -> None:
    released = io_loop.create_future()

    async def hold(recorder: Recorder) -> None:
        await released

    served = Served(io_loop, data=hold, finish=answer)
    sent = served.client.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
    await turns(served.client, 100)
    assert served.told == [["headers", "data"]]
    assert not sent.done()
    served.steps["data"] = lambda _: None
    released.set_result(None)
    await served.client.read_until(b"hello")
    assert len(served.requests[0].body) == 1_000_000
    served.client.close()
    await served.over()


async def test_a_slow_reader_holds_the_handler_back(io_loop: IOLoop) -> None:
    written = 0

    async def write(recorder: Recorder) -> None:
        nonlocal written
        await recorder.connection.write_headers(OK, HTTPHeaders())
        for _ in range(20):
            await recorder.connection.write(b"x" * 32_768)
            written += 1
        recorder.connection.finish()

    served = Served(io_loop, finish=write)
    served.client.write_nowait(GET)
    await turns(served.client, 100)
    assert 0 < written < 20
    received = await served.client.read_until(b"\r\n0\r\n\r\n")
    assert received.count(b"x" * 32_768) == 20
    served.client.close()
    await served.over()


async def test_a_pipelined_answer_that_takes_its_time_is_sent_as_it_is_written(io_loop: IOLoop) -> None:
    parts: list[Promise[None]] = [io_loop.create_future() for _ in range(2)]

    async def write(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders(), b"begun")
        for number, part in enumerate(parts):
            await part
            recorder.connection.write(b"part %d" % number)
        await io_loop.create_future()

    served = Served(io_loop, finish=write)
    served.client.write_nowait(GET + GET)
    assert (await served.client.read_until(b"begun")).startswith(b"HTTP/1.1 200 OK\r\n")
    for number, part in enumerate(parts):
        part.set_result(None)
        await served.client.read_until(b"part %d" % number)
    await served.server.close_all_connections()


async def test_a_limit_set_when_the_head_has_come_holds_for_this_body(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, headers=lambda recorder: recorder.connection.set_max_body_size(4))
    served.client.write_nowait(POST + b"12345")
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 413 ")
    await served.over()
    assert served.told == [["headers", "close"]]
    assert "a body of 5 bytes; max_body_size is 4" in caplog.text


async def test_a_client_that_waits_for_100_continue_gets_it_when_its_body_is_wanted(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    assert await served.client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    served.client.write_nowait(b"12345")
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
    served.client.close()
    await served.over()


@pytest.mark.parametrize("limited", [False, True])
async def test_a_client_that_waits_for_100_continue_gets_none_before_its_refusal(
    io_loop: IOLoop, limited: bool
) -> None:
    served = Served(io_loop, headers=(lambda r: r.connection.set_max_body_size(4)) if limited else answer)
    served.client.write_nowait(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    received = await served.client.read_until_close()
    assert received.startswith(b"HTTP/1.1 413 " if limited else b"HTTP/1.1 200 ")
    assert b" 100 " not in received
    served.client.close()
    await served.over()


async def test_a_client_that_pipelines_thousands_leaves_others_their_turns(io_loop: IOLoop) -> None:
    count = 0

    def count_and_answer(recorder: Recorder) -> None:
        nonlocal count
        count += 1
        recorder.answer(b"")

    served = Served(io_loop, finish=count_and_answer, options={"limits": Limits(max_pipelined=8)})
    seen: list[int] = []

    def look() -> None:
        seen.append(count)
        if count < 2000:
            io_loop.add_callback(look)

    served.client.write_nowait(GET * 2000)
    look()
    while count < 2000:
        served.client.read_nowait()
        await turn(served.client)
    look()
    # Between two looks there may be two turns: their order is the backend's.
    assert max(after - before for before, after in pairwise(seen)) <= 16
    served.client.close()
    await served.over()


async def test_a_response_is_not_held_back_on_account_of_the_end_of_its_own_request(io_loop: IOLoop) -> None:
    request = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"5\r\nworld\r\n0\r\n\r\n"
    served = Served(io_loop, finish=answer)
    for cut in (0, 1, len(request) - 8):
        served.client.write_nowait(request[:cut])
        await turns(served.client)
        served.client.write_nowait(request[cut:])
        assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
    served.client.close()
    await served.over()


async def test_what_is_answered_when_a_drain_begins_is_sent_though_further_requests_are_there(io_loop: IOLoop) -> None:
    def answer_and_drain(recorder: Recorder) -> None:
        recorder.answer()
        if len(served.requests) == 3:
            io_loop.add_callback(served.connections[0].end_after_request)

    served = Served(io_loop, finish=answer_and_drain, options={"limits": Limits(max_pipelined=2)})
    served.client.write_nowait(GET)
    await served.client.read_until(b"hello")
    served.client.write_nowait(GET * 50)
    received = await served.client.read_until_close()
    assert received.count(b"hello") == len(served.requests) - 1
    assert 3 <= len(served.requests) < 10
    await served.over()


async def test_a_client_that_pipelines_thousands_and_is_reset_is_served_no_further(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(GET * 2000)
    while not served.requests:
        await turn(served.client)
    served.client.reset()
    await served.over()
    assert len(served.requests) < 500


async def test_close_all_connections_ends_what_is_under_way_and_tells_it(io_loop: IOLoop) -> None:
    async def wait(recorder: Recorder) -> None:
        try:
            await io_loop.create_future()
        finally:
            recorder.told.append("cancelled")

    served = Served(io_loop, finish=wait)
    served.client.write_nowait(GET)
    idle = connect(served.server, io_loop=io_loop)
    idle.write_nowait(b"GE")
    await turns(served.client)
    new = connect(served.server, io_loop=io_loop)
    await served.server.close_all_connections()
    assert sorted(served.told) == [["close"], ["headers", "finish", "close", "cancelled"]]
    assert len(served.closed) == 3
    for client in (served.client, idle, new):
        assert await client.read_until_close() == b""


async def test_a_handler_may_close_all_connections(io_loop: IOLoop) -> None:
    def close_all(recorder: Recorder) -> Awaitable[None]:
        return served.server.close_all_connections()

    served: Served = Served(io_loop, finish=close_all)
    served.client.write_nowait(GET)
    assert await served.client.read_until_close() == b""
    await served.over()


async def test_who_detaches_gets_the_stream_with_what_was_not_read(io_loop: IOLoop) -> None:
    streams: list[Stream] = []

    def detach(recorder: Recorder) -> None:
        recorder.connection.write_headers(
            ResponseStartLine("", 101, "Switching Protocols"), HTTPHeaders({"Upgrade": "x", "Connection": "Upgrade"})
        )
        streams.append(recorder.connection.detach())

    served = Served(io_loop, headers=detach)
    served.client.write_nowait(GET + b"something else")
    head = await served.client.read_until(b"\r\n\r\n")
    assert b"close" not in head
    assert b"chunked" not in head
    await served.over()
    assert served.told == [["headers"]]
    [stream] = streams
    assert await stream.read_bytes(14) == b"something else"
    stream.write_nowait(b"bye")
    assert await served.client.read_bytes(3) == b"bye"
    stream.close()


async def test_whoever_detaches_the_stream_is_the_one_who_hears_of_its_end(io_loop: IOLoop) -> None:
    async def detach(recorder: Recorder) -> None:
        over: Promise[None] = io_loop.create_future()
        stream = recorder.connection.detach()
        stream.set_close_callback(lambda: over.set_result(None))
        await over
        recorder.told.append("over")

    served = Served(io_loop, headers=detach)
    served.client.write_nowait(GET)
    await turns(served.client)
    served.client.close()
    await served.over()
    assert served.told == [["headers", "over"]]


async def test_one_request_can_be_served_by_hand(io_loop: IOLoop) -> None:
    client, far = memory_streams(io_loop)
    client.write_nowait(GET + b"rest")
    recorder = Recorder({"finish": answer})
    recorder.connection = connection = HTTP1Connection(far)
    await far.readable()
    assert await connection.read_response(recorder)
    assert await far.read_bytes(4) == b"rest"
    client.close()
    far.close()


async def test_a_connection_is_served_without_a_server(io_loop: IOLoop) -> None:
    client, far = memory_streams(io_loop)
    served = Served(io_loop, finish=answer)
    connection = HTTP1ServerConnection(far)
    connection.start_serving(served)
    client.write_nowait(GET)
    await client.read_until(b"hello")
    await connection.close()
    assert served.closed == [connection]
    await connection.close()
    served.client.close()
    await served.server.close_all_connections()


async def test_every_request_is_served_in_a_task_also_where_none_is_woken_for_it(io_loop: IOLoop) -> None:
    def answer_in_scope(recorder: Recorder) -> None:
        # Raises where no task runs.
        with io_loop.cancel_scope():
            recorder.answer()

    served = Served(io_loop, finish=answer_in_scope)
    for _ in range(3):
        served.client.write_nowait(GET)
        assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
    served.client.close()
    await served.over()


@pytest.mark.parametrize("requests_before", [0, 1])
async def test_a_handler_is_cancelled_that_has_just_begun_to_wait(io_loop: IOLoop, requests_before: int) -> None:
    seen: list[str] = []

    async def wait(recorder: Recorder) -> None:
        io_loop.add_callback(served.connections[-1].abort)
        try:
            await io_loop.create_future()
        except BaseException:
            seen.append("cancelled")
            raise

    def answer_or_wait(recorder: Recorder) -> Awaitable[object] | None:
        if len(served.requests) > requests_before:
            return wait(recorder)
        recorder.answer()
        return None

    served = Served(io_loop, finish=answer_or_wait)
    for _ in range(requests_before):
        served.client.write_nowait(GET)
        await served.client.read_until(b"hello")
    served.client.write_nowait(GET)
    await served.over()
    assert seen == ["cancelled"]
    assert served.told[-1] == ["headers", "finish", "close"]
