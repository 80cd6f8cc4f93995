"""What a delegate is told, and what its client gets, however a request goes wrong; on memory streams."""

from __future__ import annotations

import gc
import logging
import weakref
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    HTTP1Connection,
    HTTP1ServerConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPOutputError,
    HTTPServer,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.httpserver import HTTPConnection
    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Stream
    from eyewall.iostream.testing import MemoryStream

    Step = Callable[["Recorder"], Awaitable[object] | None]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = ResponseStartLine("", 200, "OK")


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "eyewall")


class Recorder:
    """A delegate that writes down what it is told, and does at each step what it was given for it."""

    def __init__(self, steps: dict[str, Step]) -> None:
        self.steps = steps
        self.told: list[str] = []
        self.body = b""
        self.connection: HTTPConnection

    def answer(self, body: bytes = b"hello") -> None:
        self.connection.write_headers(OK, HTTPHeaders({"Content-Length": str(len(body))}), body)
        self.connection.finish()

    def _step(self, name: str) -> Awaitable[object] | None:
        self.told.append(name)
        step = self.steps.get(name)
        return None if step is None else step(self)

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        return self._step("headers")

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        self.body += chunk
        return self._step("data")

    def finish(self) -> Awaitable[object] | None:
        return self._step("finish")

    def on_connection_close(self) -> None:
        self._step("close")


class Served:
    """A server of recorders, and a client of it."""

    def __init__(self, io_loop: IOLoop, **steps: Step) -> None:
        self.steps: dict[str, Step] = steps
        self.requests: list[Recorder] = []
        self.closed: list[object] = []
        self.server = HTTPServer(self, io_loop=io_loop)
        self.client: MemoryStream = connect(self.server, io_loop=io_loop)

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Recorder:
        recorder = Recorder(self.steps)
        recorder.connection = request_conn
        self.requests.append(recorder)
        if "start" in self.steps:
            self.steps["start"](recorder)
        return recorder

    def on_close(self, server_conn: object, /) -> None:
        self.closed.append(server_conn)

    @property
    def told(self) -> list[list[str]]:
        return [request.told for request in self.requests]

    async def over(self) -> None:
        """Wait until the connection is over on the server's side too."""
        for _ in range(50):
            if self.closed:
                break
            await turn(self.client)
        assert len(self.closed) == 1, "on_close is called once for a connection"
        await self.server.close_all_connections()


async def turn(stream: Stream) -> None:
    promise = stream.io_loop.create_future()
    stream.io_loop.add_callback(promise.set_result, None)
    await promise


async def turns(stream: Stream, count: int = 20) -> None:
    for _ in range(count):
        await turn(stream)


def answer(recorder: Recorder) -> None:
    recorder.answer()


def fail(recorder: Recorder) -> None:
    raise ZeroDivisionError


def begin(recorder: Recorder) -> None:
    recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "10"}), b"hello")


# What goes well


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


async def test_an_answer_before_the_body_tells_the_client_to_go_and_lets_it_read(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=answer)
    served.client.write_nowait(POST)
    assert b"\r\nConnection: close\r\n" in await served.client.read_until(b"hello")
    with pytest.raises(StreamClosedError):  # this side has been shut down
        await served.client.read_bytes(1)
    served.client.close()
    await served.over()
    assert served.told == [["headers"]]


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


# A delegate that fails


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


# A client that goes away


@pytest.mark.parametrize("how", ["reset", "close", "shutdown_write"])
@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", []),
        (b"GET / HT", [["close"]]),
        (POST + b"123", [["headers", "data", "close"]]),
        (
            POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"5\r\n123",
            [["headers", "data", "close"]],
        ),
        (GET, [["headers", "finish", "close"]]),
        (GET + GET, [["headers", "finish", "close"]]),
    ],
)
async def test_a_delegate_is_told_once_that_its_client_has_gone(
    io_loop: IOLoop, how: str, sent: bytes, told: list[list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop)
    served.client.write_nowait(sent)
    await turns(served.client)
    getattr(served.client, how)()
    await turns(served.client)
    assert served.told == told
    served.client.close()
    await served.server.close_all_connections()
    await served.over()
    assert served.told == told
    assert caplog.records == []


async def test_a_client_that_only_ends_its_side_is_told_of_and_still_answered(io_loop: IOLoop) -> None:
    async def answer_later(recorder: Recorder) -> None:
        await turns(served.client)
        recorder.answer()

    served = Served(io_loop, finish=answer_later)
    served.client.write_nowait(GET + GET)
    served.client.shutdown_write()
    assert (await served.client.read_until_close()).count(b"hello") == 2
    await served.over()
    assert served.told == [["headers", "finish", "close"]] * 2


async def test_a_client_that_ends_its_side_behind_a_body_is_told_of_when_all_has_been_read(io_loop: IOLoop) -> None:
    async def take(recorder: Recorder) -> None:
        await turns(served.client)

    served = Served(io_loop, headers=take, data=take)
    served.client.write_nowait(POST + b"12345")
    served.client.shutdown_write()
    await turns(served.client, 100)
    assert served.told == [["headers", "data", "finish", "close"]]
    served.client.close()
    await served.server.close_all_connections()


async def test_who_is_told_of_a_reset_hears_of_no_more_of_what_was_read(io_loop: IOLoop) -> None:
    async def take(recorder: Recorder) -> None:
        await turns(served.client)

    served = Served(io_loop, headers=take)
    served.client.write_nowait(POST + b"12345" + GET)
    await turns(served.client, 5)
    served.client.reset()
    await served.over()
    assert served.told == [["headers", "close"]]


async def test_a_handler_that_gives_up_when_its_client_has_gone_ends_the_connection(io_loop: IOLoop) -> None:
    gone = io_loop.create_future()

    async def wait(recorder: Recorder) -> None:
        await gone

    served = Served(io_loop, finish=wait, close=lambda _: gone.set_result(None))
    served.client.write_nowait(GET)
    await turns(served.client)
    served.client.reset()
    await served.over()
    assert served.told == [["headers", "finish", "close"]]


async def test_a_close_callback_set_too_late_is_called_nevertheless(io_loop: IOLoop) -> None:
    called: list[str] = []

    async def set_late(recorder: Recorder) -> None:
        await turns(served.client)
        recorder.connection.set_close_callback(lambda: called.append("called"))

    served = Served(io_loop, finish=set_late)
    served.client.write_nowait(GET)
    await turns(served.client, 3)
    served.client.reset()
    await served.over()
    await turns(served.client)
    assert called == ["called"]


async def test_writing_to_a_client_that_has_gone_fails_for_who_waits_only(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[str] = []

    async def write(recorder: Recorder) -> None:
        await turns(served.client)
        recorder.connection.write_headers(OK, HTTPHeaders())
        recorder.connection.write(b"into the void")
        try:
            await recorder.connection.write(b"waited for")
        except StreamClosedError:
            failed.append("told")
            raise

    served = Served(io_loop, finish=write)
    served.client.write_nowait(GET + GET)
    await turns(served.client, 5)
    served.client.reset()
    await served.over()
    assert failed == ["told"]
    assert served.told == [["headers", "finish", "close"]]
    assert caplog.records == []


@pytest.mark.parametrize("sent", [b"GET", POST + b"123", GET])
async def test_after_a_reset_nothing_of_the_connection_is_left(io_loop: IOLoop, sent: bytes) -> None:
    served = Served(io_loop)
    served.client.write_nowait(sent)
    await turns(served.client)
    left = weakref.WeakSet[object](served.requests)
    assert len(left) == 1
    served.client.reset()
    await served.over()
    left.add(served.closed.pop())
    served.requests.clear()
    await turns(served.client, 3)
    gc.collect()
    assert len(left) == 0


async def test_an_answered_request_is_freed_without_the_garbage_collector(io_loop: IOLoop) -> None:
    async def answer_later(recorder: Recorder) -> None:
        await turns(served.client, 2)
        io_loop.add_callback(recorder.answer)

    served = Served(io_loop, finish=answer_later)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            served.client.write_nowait(GET)
            await served.client.read_until(b"hello")
        left = weakref.WeakSet[object](served.requests)
        served.requests.clear()
        await turns(served.client, 3)
        assert len(left) == 0
    finally:
        gc.enable()
    served.client.close()
    await served.over()


# The connection as a whole


async def test_a_client_that_pipelines_thousands_leaves_others_their_turns(io_loop: IOLoop) -> None:
    count = 0

    def count_and_answer(recorder: Recorder) -> None:
        nonlocal count
        count += 1
        recorder.answer(b"")

    served = Served(io_loop, finish=count_and_answer)
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
    assert max(after - before for before, after in pairwise(seen)) <= 64
    served.client.close()
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
    assert served.told == [["headers", "finish", "close", "cancelled"], ["close"]]
    assert len(served.closed) == 3
    for client in (served.client, idle, new):
        assert await client.read_until_close() == b""


async def test_a_handler_may_close_all_connections(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=lambda _: served.server.close_all_connections())
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
