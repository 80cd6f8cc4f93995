"""Whoever observes a server is told of every connection, and once of every request, however it ended."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import Deadlines, HTTPConnectionContext, HTTPHeaders, HTTPInputError, RequestRecord
from eyewall.ioloop.testing import SimulatedLoop

from ._served import GET, OK, POST, Recorder, Served, answer, begin, fail, pause, turn, turns

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop


class Observer:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self.told: list[str] = []

    def connection_opened(self, context: HTTPConnectionContext, /) -> None:
        self.told.append(f"opened {context.remote_ip}")

    def connection_closed(self, context: HTTPConnectionContext, /) -> None:
        self.told.append(f"closed {context.remote_ip}")

    def request_ended(self, record: RequestRecord, /) -> None:
        self.told.append("request")
        self.records.append(record)

    @property
    def record(self) -> RequestRecord:
        assert len(self.records) == 1, "one record for each request"
        return self.records[0]

    @property
    def causes(self) -> list[str]:
        return [record.cause for record in self.records]


@pytest.fixture
def observer() -> Observer:
    return Observer()


async def test_a_request_that_is_answered(io_loop: IOLoop, observer: Observer) -> None:
    served = Served(io_loop, finish=answer, options={"observer": observer})
    served.client.write_nowait(POST.replace(b"/", b"/x?y=1", 1) + b"12345")
    received = await served.client.read_until(b"hello")
    await turns(served.client, 3)
    record = observer.record
    assert record[1:6] == ("POST", "/x?y=1", 200, 5, len(received))
    assert (record.cause, record.reason, record.remote_ip) == ("answered", "", "192.0.2.1")
    assert 0 <= record.seconds < 5
    served.client.close()
    await served.over()
    assert observer.told == ["opened 192.0.2.1", "request", "closed 192.0.2.1"]


async def test_the_bytes_of_a_view_are_counted_and_not_its_items(io_loop: IOLoop, observer: Observer) -> None:
    def finish(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "8"}))
        recorder.connection.write(memoryview(b"12345678").cast("I"))
        recorder.connection.finish()

    served = Served(io_loop, finish=finish, options={"observer": observer})
    served.client.write_nowait(GET)
    received = await served.client.read_until(b"12345678")
    await turns(served.client, 3)
    assert observer.record.bytes_sent == len(received)
    served.client.close()
    await served.over()


async def test_each_request_of_a_pipeline_has_its_record_in_order(io_loop: IOLoop, observer: Observer) -> None:
    served = Served(io_loop, finish=answer, options={"observer": observer})
    served.client.write_nowait(b"".join(GET.replace(b"/", b"/%d" % number, 1) for number in range(5)))
    for _ in range(5):
        await served.client.read_until(b"hello")
    served.client.close()
    await served.over()
    assert [record.target for record in observer.records] == ["/0", "/1", "/2", "/3", "/4"]
    assert observer.causes == ["answered"] * 5


def begin_and_fail(recorder: Recorder) -> None:
    begin(recorder)
    fail(recorder)


@pytest.mark.parametrize(
    ("sent", "steps", "cause", "status", "reason"),
    [
        (b"nonsense\r\n\r\n", {}, "refused", 400, "malformed request line 'nonsense'"),
        (GET.replace(b"Host", b"Content-Length: x\r\nHost"), {}, "refused", 400, "not a single plain number"),
        (POST.replace(b"5", b"999999999999"), {}, "refused", 413, "max_body_size"),
        (GET, {"finish": fail}, "failed", 500, "ZeroDivisionError()"),
        (GET, {"start": fail}, "failed", 500, "ZeroDivisionError()"),
        (GET, {"finish": begin_and_fail}, "failed", 200, "ZeroDivisionError()"),
    ],
)
async def test_a_request_that_is_refused_or_fails(
    io_loop: IOLoop, observer: Observer, sent: bytes, steps: dict[str, object], cause: str, status: int, reason: str
) -> None:
    served = Served(io_loop, options={"observer": observer}, **steps)
    served.client.write_nowait(sent)
    await served.client.read_until_close()
    served.client.close()
    await served.over()
    assert (observer.record.cause, observer.record.status) == (cause, status)
    assert reason in observer.record.reason


@pytest.mark.parametrize("sent", [b"GET", GET, POST + b"12"])
@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_request_whose_client_goes(io_loop: IOLoop, observer: Observer, sent: bytes, how: str) -> None:
    served = Served(io_loop, options={"observer": observer})
    served.client.write_nowait(sent)
    await turns(served.client, 5)
    getattr(served.client, how)()
    await turns(served.client, 5)
    await served.server.close_all_connections()
    assert (observer.record.cause, observer.record.status) == ("aborted", 0)
    assert observer.record.bytes_received == (2 if sent.startswith(b"POST") else 0)
    assert observer.told == ["opened 192.0.2.1", "request", "closed 192.0.2.1"]


def refuse(recorder: Recorder) -> None:
    raise HTTPInputError("no such thing", status=415)


def promise_too_much(recorder: Recorder) -> None:
    begin(recorder)
    recorder.connection.finish()


def answer_and_fail(recorder: Recorder) -> None:
    answer(recorder)
    fail(recorder)


def answer_at_length(recorder: Recorder) -> None:
    recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "9999999"}), b"x" * 999_999)


async def begin_and_wait(recorder: Recorder) -> None:
    begin(recorder)
    await recorder.connection.io_loop.create_future()


BAD_CHUNK = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"x"
LONG = POST.replace(b"5", b"99")


@pytest.mark.parametrize(
    ("sent", "steps", "then", "ending", "reason"),
    [
        (GET, {"finish": refuse}, "", ("refused", 415), "no such thing"),
        (GET, {"finish": promise_too_much}, "", ("failed", 200), "Content-Length promised 5 bytes more"),
        (GET, {"finish": answer_and_fail}, "", ("answered", 200), ""),
        (BAD_CHUNK, {"headers": answer}, "", ("answered", 200), ""),
        (BAD_CHUNK, {}, "", ("refused", 400), "malformed chunk size"),
        (GET, {"finish": begin}, "reset", ("aborted", 200), "the connection has closed"),
        (GET, {"finish": begin_and_wait}, "reset", ("aborted", 200), "the connection has closed"),
        (GET, {}, "abort", ("aborted", 0), "the connection has closed"),
        (LONG, {"headers": answer}, "abort", ("answered", 200), ""),
        (GET, {"finish": answer_at_length}, "stay", ("timed out", 200), "write_timeout"),
        (GET, {"finish": begin_and_wait}, "stay", ("timed out", 200), "handler_timeout"),
        (LONG, {}, "stay", ("timed out", 408), "min_body_rate"),
        (GET, {"finish": begin}, "drain", ("drained", 200), "the server was drained"),
    ],
)
def test_whatever_ends_a_request_its_record_says_so(
    loop: SimulatedLoop,
    observer: Observer,
    sent: bytes,
    steps: dict[str, object],
    then: str,
    ending: tuple[str, int],
    reason: str,
) -> None:
    deadlines = Deadlines(write_timeout=4, handler_timeout=6, rate_window=2)
    served = Served(loop, options={"observer": observer, "deadlines": deadlines}, **steps)

    async def main() -> None:
        served.client.write_nowait(sent)
        await turns(served.client)
        match then:
            case "reset":
                served.client.reset()
            case "abort":
                await served.server.close_all_connections()
            case "drain":
                await served.server.drain(0)
            case "stay":
                await pause(loop, 10)
        served.client.close()
        await turns(served.client)
        await served.server.close_all_connections()
        await served.over()

    loop.run(main)
    assert (observer.record.cause, observer.record.status) == ending
    assert reason in observer.record.reason
    assert bool(reason) is bool(observer.record.reason)


async def test_a_request_whose_stream_is_taken_over(io_loop: IOLoop, observer: Observer) -> None:
    served = Served(io_loop, finish=lambda recorder: recorder.connection.detach(), options={"observer": observer})
    served.client.write_nowait(GET)
    await served.over()
    assert observer.record.cause == "detached"


@pytest.mark.parametrize(
    ("sent", "status", "name"),
    [(b"GET", 408, "header_timeout"), (POST, 408, "body_timeout"), (GET, 503, "handler_timeout")],
)
def test_a_request_that_takes_too_long(observer: Observer, sent: bytes, status: int, name: str) -> None:
    with SimulatedLoop() as loop:
        deadlines = Deadlines(header_timeout=3, body_timeout=3, handler_timeout=3)
        served = Served(loop, options={"observer": observer, "deadlines": deadlines})

        async def main() -> None:
            served.client.write_nowait(sent)
            await served.client.read_until_close()
            served.client.close()
            await served.over()

        loop.run(main)
        assert (observer.record.cause, observer.record.status) == ("timed out", status)
        assert name in observer.record.reason
        assert 3 <= observer.record.seconds <= 6


def test_a_request_that_a_drain_cut(observer: Observer) -> None:
    with SimulatedLoop() as loop:
        served = Served(loop, options={"observer": observer})

        async def main() -> None:
            served.client.write_nowait(GET)
            await turns(served.client, 3)
            await served.server.drain(3)

        loop.run(main)
        assert (observer.record.cause, observer.record.status) == ("drained", 0)
        assert "the server was drained" in observer.record.reason


async def test_an_idle_connection_that_ends_has_no_record(io_loop: IOLoop, observer: Observer) -> None:
    served = Served(io_loop, finish=answer, options={"observer": observer})
    await turns(served.client, 3)
    served.client.close()
    await served.over()
    assert observer.told == ["opened 192.0.2.1", "closed 192.0.2.1"]


async def test_an_observer_that_raises_disturbs_nobody(
    io_loop: IOLoop, observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(record: object) -> None:
        raise ZeroDivisionError

    observer.request_ended = observer.connection_opened = broken  # type: ignore[method-assign] # that is the test
    served = Served(io_loop, finish=answer, options={"observer": observer})
    served.client.write_nowait(GET + GET)
    for _ in range(2):
        assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
    served.client.close()
    await served.over()
    assert caplog.text.count("observes the server") == 3


# Context variables


user: ContextVar[str] = ContextVar("user", default="nobody")


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("step", ["start", "headers", "data", "finish"])
async def test_a_context_variable_of_one_request_is_never_seen_by_the_next(
    io_loop: IOLoop, step: str, waits: bool
) -> None:
    seen: list[tuple[str, str]] = []

    def look(recorder: Recorder) -> None:
        before = user.get()
        user.set("somebody")
        seen.append((before, user.get()))

    async def look_and_wait(recorder: Recorder) -> None:
        before = user.get()
        user.set("somebody")
        await turn(served.client)
        seen.append((before, user.get()))

    def finish(recorder: Recorder) -> None:
        seen.append(("at the end", user.get()))
        recorder.answer()

    async def look_and_answer(recorder: Recorder) -> None:
        if waits:
            await look_and_wait(recorder)
        else:
            look(recorder)
        finish(recorder)

    if step == "finish":
        served = Served(io_loop, finish=look_and_answer)
    else:
        served = Served(io_loop, **{step: look_and_wait if waits and step != "start" else look, "finish": finish})
    served.client.write_nowait((POST + b"12345") * 2)
    for _ in range(2):
        await served.client.read_until(b"hello")
    served.client.write_nowait(POST + b"12345")
    await served.client.read_until(b"hello")
    assert seen == [("nobody", "somebody"), ("at the end", "somebody")] * 3
    served.client.close()
    await served.over()


async def test_a_context_variable_that_was_set_before_the_server_is_seen(io_loop: IOLoop) -> None:
    seen: list[str] = []

    def look(recorder: Recorder) -> None:
        seen.append(user.get())
        recorder.answer()

    token = user.set("the operator")
    served = Served(io_loop, finish=look)
    user.reset(token)
    served.client.write_nowait(GET)
    await served.client.read_until(b"hello")
    assert seen == ["the operator"]
    served.client.close()
    await served.over()


async def test_an_answer_that_waits_keeps_its_variables(io_loop: IOLoop) -> None:
    async def set_and_wait(recorder: Recorder) -> None:
        user.set("me")
        recorder.connection.write_headers(OK, HTTPHeaders())
        for _ in range(5):
            await recorder.connection.write(b"x" * 100_000)
            await turn(served.client)
        assert user.get() == "me"
        recorder.connection.finish()

    served = Served(io_loop, finish=set_and_wait)
    served.client.write_nowait(GET)
    assert (await served.client.read_until(b"\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    served.client.close()
    await served.over()
