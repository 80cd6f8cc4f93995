"""What a delegate is told of a client that goes away, and that nothing of it is left."""

from __future__ import annotations

import gc
import gzip
import socket
import weakref
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import Deadlines, HTTP1Connection, HTTPHeaders, RequestRecord
from eyewall.iostream import IOStream, StreamClosedError
from eyewall.iostream.testing import memory_streams

from ._served import GET, OK, POST, Recorder, Served, turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import IOLoop

    Step = Callable[["Recorder"], Awaitable[object] | None]


pytestmark = pytest.mark.usefixtures("new_garbage_only")


async def test_a_handler_has_begun_when_it_is_told_that_its_client_ended_with_the_request(io_loop: IOLoop) -> None:
    async def handle(recorder: Recorder) -> None:
        recorder.told.append("begun")
        await io_loop.create_future()

    near, far = memory_streams(io_loop)
    far.write_nowait(GET)
    recorder = Recorder({"finish": handle})
    connection = HTTP1Connection(near)
    connection.peer_ended()
    task = io_loop.spawn(connection.read_response(recorder))
    await turns(near)
    assert recorder.told == ["headers", "finish", "begun", "close"]
    task.cancel()
    await turns(near)


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


CHUNKED = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize("sent", [POST + b"12", CHUNKED + b"5\r\n12"])
async def test_a_delegate_that_is_busy_with_a_piece_is_told_that_no_other_comes(io_loop: IOLoop, sent: bytes) -> None:
    goes_on = io_loop.create_future()

    async def take(recorder: Recorder) -> None:
        await goes_on

    served = Served(io_loop, data=take)
    served.client.write_nowait(sent)
    await turns(served.client)
    assert served.told == [["headers", "data"]]
    served.client.shutdown_write()
    await turns(served.client)
    assert served.told == [["headers", "data", "close"]]
    goes_on.set_result(None)
    await served.over()
    assert served.told == [["headers", "data", "close"]]


@pytest.mark.parametrize("sent", [(POST + b"12", b"345"), (CHUNKED + b"2\r\n12\r\n", b"3\r\n345\r\n0\r\n\r\n")])
async def test_a_client_that_ends_behind_what_a_busy_delegate_has_not_seen_yet_is_answered(
    io_loop: IOLoop, sent: tuple[bytes, bytes]
) -> None:
    goes_on = io_loop.create_future()

    async def take(recorder: Recorder) -> None:
        await goes_on

    served = Served(io_loop, data=take, finish=_answer)
    served.client.write_nowait(sent[0])
    await turns(served.client)
    served.client.write_nowait(sent[1])
    served.client.shutdown_write()
    await turns(served.client)
    assert served.told == [["headers", "data"]]
    goes_on.set_result(None)
    assert (await served.client.read_until_close()).count(b"hello") == 1
    await served.over()
    assert (served.requests[0].body, served.told[0][:4]) == (b"12345", ["headers", "data", "data", "finish"])


@pytest.mark.parametrize("rest", [b"GET / HT", POST + b"12"])
async def test_who_ends_behind_half_of_a_request_gets_the_answers_to_those_before(io_loop: IOLoop, rest: bytes) -> None:
    served = Served(io_loop, finish=_answer)
    client, far = memory_streams(io_loop)
    client.write_nowait(GET + GET + rest)
    client.shutdown_write()  # all of it is there when the server begins
    served.server.handle_stream(far, ("192.0.2.1", 1))
    assert (await client.read_until_close()).count(b"hello") == 2
    served.client.close()
    await turns(client)
    await served.server.close_all_connections()


@pytest.mark.needs("sockets")
async def test_who_ends_with_the_request_that_ends_a_long_rest_is_answered(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=_answer)
    for _ in range(10):  # which of two tasks Trio lets run first is left to chance
        here, there = socket.socketpair()
        client = IOStream(here, io_loop=io_loop)
        served.server.handle_stream(IOStream(there, io_loop=io_loop), ("192.0.2.1", 1))
        await client.write(GET)
        assert (await client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
        await turns(client)
        for _ in range(3):
            served.connections[-1].sweep(io_loop.time())
        client.write_nowait(GET + GET)
        client.shutdown_write()
        assert (await client.read_until_close()).count(b"hello") == 2
        client.close()
    served.client.close()
    await turns(served.client)
    await served.server.close_all_connections()


async def test_a_close_callback_is_called_while_the_delegate_is_busy_with_the_head_of_a_whole_request(
    io_loop: IOLoop,
) -> None:
    called: list[str] = []
    goes_on = io_loop.create_future()

    async def take(recorder: Recorder) -> None:
        recorder.connection.set_close_callback(lambda: called.append("gone"))
        await goes_on

    served = Served(io_loop, headers=take, finish=_answer)
    served.client.write_nowait(GET)
    await turns(served.client)
    served.client.shutdown_write()
    await turns(served.client)
    assert called == ["gone"]
    assert served.told == [["headers"]]  # to which nothing could be added, were it told
    goes_on.set_result(None)
    assert (await served.client.read_until_close()).count(b"hello") == 1
    await served.over()
    assert called == ["gone"]


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


async def _wait_forever(recorder: Recorder) -> None:
    await recorder.connection.io_loop.create_future()


def _begin(recorder: Recorder) -> None:
    recorder.connection.write_headers(OK, HTTPHeaders(), b"begun")


async def _write_forever(recorder: Recorder) -> None:
    recorder.connection.write_headers(OK, HTTPHeaders())
    while True:
        await recorder.connection.write(b"x" * 100_000)


def _hint(recorder: Recorder) -> None:
    recorder.connection.send_informational(103, HTTPHeaders({"Link": "</a>"}))


def _answer(recorder: Recorder) -> None:
    recorder.answer()


CHUNKED = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
COMPRESSED = CHUNKED.replace(b"Host", b"Content-Encoding: gzip\r\nHost") + b"30\r\n" + gzip.compress(b"x" * 1000) * 2
STATES: dict[str, tuple[bytes, dict[str, Step]]] = {
    "in a head": (b"GET", {}),
    "in a body": (POST + b"123", {}),
    "in a chunk": (CHUNKED + b"5\r\n123", {}),
    "in trailers": (CHUNKED + b"0\r\nA: ", {}),
    "while a body is held back": (POST.replace(b"Host", b"Expect: 100-continue\r\nHost"), {}),
    "while the delegate takes a head": (POST + b"12345", {"headers": _wait_forever}),
    "while the delegate takes a body": (POST + b"12345", {"data": _wait_forever}),
    "while nobody answers": (GET, {}),
    "while a handler works": (GET, {"finish": _wait_forever}),
    "while a handler works and others wait": (GET * 10, {"finish": _wait_forever}),
    "in an answer": (GET, {"finish": _begin}),
    "while an answer stalls": (GET, {"finish": _write_forever}),
    "while an unwanted body is thrown away": (POST + b"123", {"headers": _answer}),
    "while it lingers": (POST.replace(b"5", b"99999999") + b"123", {"headers": _answer}),
    "behind a refusal": (b"nonsense\r\n\r\n" + GET, {}),
    "while idle": (GET, {"finish": _answer}),
    "behind early hints": (GET, {"finish": _hint}),
    "while it is decompressed": (COMPRESSED, {"data": _wait_forever}),
}


class Silent:
    """An observer that keeps all records, which shall keep nobody."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []

    def connection_opened(self, context: object, /) -> None:
        pass

    def connection_closed(self, context: object, /) -> None:
        pass

    def request_ended(self, record: RequestRecord, /) -> None:
        self.records.append(record)


EVERYTHING: dict[str, object] = {
    "observer": Silent(),
    "decompress_request": True,
    "xheaders": True,
    "chunk_size": 2,
    "deadlines": Deadlines(handler_timeout=60),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("how", ["reset", "close"])
async def test_whatever_the_state_nothing_is_left_of_a_connection_whose_client_goes(
    io_loop: IOLoop, state: str, how: str
) -> None:
    sent, steps = STATES[state]
    served = Served(io_loop, options=EVERYTHING if how == "reset" else None, **steps)
    served.client.write_nowait(sent)
    await turns(served.client)
    left = weakref.WeakSet[object](served.requests)
    assert len(left) == 1
    getattr(served.client, how)()
    await turns(served.client)
    if not served.closed:  # who has ended its side may still read an answer; and a handler that does not care goes on
        assert how == "close" or _wait_forever in steps.values()
        await served.server.close_all_connections()
    await served.over()
    left.add(served.closed.pop())
    served.requests.clear()
    served.client.close()
    del served
    await turns_of(io_loop)
    gc.collect()
    assert len(left) == 0


async def turns_of(io_loop: IOLoop) -> None:
    for _ in range(3):
        promise = io_loop.create_future()
        io_loop.add_callback(promise.set_result, None)
        await promise


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
