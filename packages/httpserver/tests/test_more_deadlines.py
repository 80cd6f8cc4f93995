"""The deadlines of those who take nothing, send too little, never answer or never shake hands."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import Deadlines, HTTP1ConnectionParameters, HTTP1ServerConnection, HTTPHeaders
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

from ._served import GET, OK, POST, TICK, Recorder, Served, answer, pause, seconds_until_end

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream


@pytest.mark.parametrize("phase", [0, 0.1, 0.499, 0.5, 0.7])
@pytest.mark.parametrize("timeout", [0.4, 3, 10])
def test_a_deadline_is_never_early_and_noticed_within_a_tick(loop: SimulatedLoop, phase: float, timeout: float) -> None:
    deadlines = Deadlines(header_timeout=timeout)
    served = Served(loop, options={"deadlines": deadlines})

    async def main() -> None:
        await pause(loop, phase * timeout / 2)  # the server's timer runs, and not from when the request begins
        served.client.write_nowait(b"GET")
        assert timeout <= await seconds_until_end(served.client) <= timeout + deadlines.tick + 1e-9

    loop.run(main)


@pytest.mark.parametrize(
    ("sent", "ends", "limit", "seconds"),
    [
        (b"", False, "header_timeout", 4),
        (GET, False, "idle_connection_timeout", 5),
        (POST.replace(b"5", b"x"), False, "linger_seconds", 3),
        (GET.replace(b"/", b"/never", 1), True, "idle_connection_timeout", 5),
    ],
)
def test_what_ends_in_silence_is_named_in_the_log_of_who_wants_to_know(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture, sent: bytes, ends: bool, limit: str, seconds: float
) -> None:
    caplog.set_level(logging.DEBUG, "eyewall.httpserver")

    def answer_or_not(recorder: Recorder) -> None:
        if b"never" not in sent:
            recorder.answer()

    deadlines = Deadlines(header_timeout=4, idle_connection_timeout=5, linger_seconds=3)
    served = Served(loop, finish=answer_or_not, options={"deadlines": deadlines})
    served.client.set_eof_callback(lambda: None)  # it stays, and neither sends nor goes

    async def main() -> None:
        if sent:
            served.client.write_nowait(sent)
        if ends:
            served.client.shutdown_write()
        while not served.closed:
            await pause(loop, 0.1)
        assert seconds <= loop.time() <= seconds + TICK + 0.2
        served.client.close()

    loop.run(main)
    assert [record.levelname for record in caplog.records if limit in record.message] == ["DEBUG"]


@pytest.mark.parametrize("shakes_hands", [False, True])
def test_a_handshake_has_a_time_of_its_own(loop: SimulatedLoop, shakes_hands: bool) -> None:
    client, far = memory_streams(loop)
    params = HTTP1ConnectionParameters(deadlines=Deadlines(handshake_timeout=3, header_timeout=20))
    HTTP1ServerConnection(far, params, secure=shakes_hands).start_serving(Served(loop))
    expected = 3 if shakes_hands else 20
    assert expected <= loop.run(seconds_until_end(client)) <= expected + TICK


def test_a_handshake_that_takes_too_long_is_named_in_the_log(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    client, far = memory_streams(loop, address=("192.0.2.1", 1))
    params = HTTP1ConnectionParameters(deadlines=Deadlines(handshake_timeout=3))
    HTTP1ServerConnection(far, params, secure=True).start_serving(Served(loop))
    loop.run(seconds_until_end(client))
    assert "it takes longer than handshake_timeout, 3 seconds" in caplog.text


def test_who_takes_nothing_of_its_answer_is_closed(loop: SimulatedLoop, caplog: pytest.LogCaptureFixture) -> None:
    served = Served(
        loop,
        finish=lambda recorder: recorder.answer(b"x" * 10_000_000),
        options={"deadlines": Deadlines(write_timeout=8)},
    )

    async def main() -> None:
        served.client.write_nowait(GET)
        while not served.closed:
            await pause(loop, 0.1)
        assert 8 <= loop.time() <= 8 + TICK + 0.2

    loop.run(main)
    assert caplog.messages == [
        "closed the connection of 192.0.2.1: it takes nothing for longer than write_timeout, 8 seconds"
    ]


def test_who_takes_its_answer_slowly_gets_all_of_it(loop: SimulatedLoop) -> None:
    served = Served(
        loop,
        finish=lambda recorder: recorder.answer(b"x" * 1_000_000),
        options={"deadlines": Deadlines(write_timeout=4)},
    )

    async def main() -> None:
        served.client.write_nowait(GET)
        size = 0
        await served.client.read_until(b"\r\n\r\n")
        while size < 1_000_000:
            size += len(await served.client.read_bytes(100_000, partial=True))
            await pause(loop, 3)
        assert loop.time() > 20
        served.client.close()

    loop.run(main)


def test_who_takes_as_much_as_is_written_while_nobody_looks_is_no_less_alive(loop: SimulatedLoop) -> None:
    async def stream(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "10000000"}))
        for _ in range(100):
            await recorder.connection.write(b"x" * 100_000)
        recorder.connection.finish()

    served = Served(loop, finish=stream, options={"deadlines": Deadlines(write_timeout=4)})

    async def main() -> None:
        served.client.write_nowait(GET)
        await served.client.read_until(b"\r\n\r\n")
        for _ in range(100):
            assert len(await served.client.read_bytes(100_000)) == 100_000
            await pause(loop, 0.5)  # as often as the server looks
        served.client.close()

    loop.run(main)


def test_a_coroutine_that_never_answers_is_cancelled_and_its_client_told_503(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def forever(recorder: Recorder) -> None:
        try:
            await loop.create_future()
        finally:
            recorder.told.append("cancelled")

    served = Served(loop, finish=forever, options={"deadlines": Deadlines(handler_timeout=5)})

    async def main() -> None:
        served.client.write_nowait(GET)
        assert (await served.client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert 5 <= loop.time() <= 5 + TICK
        await seconds_until_end(served.client)
        await served.over()

    loop.run(main)
    assert served.told == [["headers", "finish", "close", "cancelled"]]
    assert caplog.messages == [
        "refused a request from 192.0.2.1 with 503: it takes longer than handler_timeout, 5 seconds"
    ]


def test_what_a_handler_shields_from_its_first_step_on_is_not_cancelled(loop: SimulatedLoop) -> None:
    async def shielded(recorder: Recorder) -> None:
        try:
            with loop.cancel_scope(shield=True):
                await pause(loop, 20)
                recorder.told.append("has cleaned up")
            await pause(loop, 20)
        finally:
            recorder.told.append(f"cancelled at {loop.time() - begun:g}")

    begun = loop.time()
    served = Served(loop, finish=shielded, options={"deadlines": Deadlines(handler_timeout=5)})

    async def main() -> None:
        served.client.write_nowait(GET)
        assert (await served.client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
        await pause(loop, 30)
        await served.over()

    loop.run(main)
    assert served.told == [["headers", "finish", "close", "has cleaned up", "cancelled at 20"]]


async def test_a_scope_that_a_handler_opens_in_its_first_step_ends_within_that_of_its_deadline(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def later(recorder: Recorder) -> None:
        turn = io_loop.create_future()
        with io_loop.cancel_scope() as scope:
            io_loop.add_callback(scope.cancel)
            await turn
        recorder.answer(b"cut short" if scope.cancelled_caught else b"not cut")

    served = Served(io_loop, finish=later, options={"deadlines": Deadlines(handler_timeout=60)})
    for _ in range(3):
        served.client.write_nowait(GET)
        await served.client.read_until(b"cut short", deadline=io_loop.time() + 30)
    served.client.close()
    await served.over()
    assert caplog.messages == []


@pytest.mark.parametrize("how", ["reset", "close", "shutdown_write"])
def test_a_handler_whose_client_has_gone_is_cancelled_in_its_time_too(loop: SimulatedLoop, how: str) -> None:
    async def forever(recorder: Recorder) -> None:
        await loop.create_future()

    served = Served(loop, finish=forever, options={"deadlines": Deadlines(handler_timeout=5)})

    async def main() -> None:
        served.client.write_nowait(GET)
        await pause(loop, 1)
        getattr(served.client, how)()
        await pause(loop, 4 + TICK)
        assert len(served.closed) == 1

    loop.run(main)


def test_a_request_that_nobody_answers_is_answered_503(loop: SimulatedLoop) -> None:
    served = Served(loop, options={"deadlines": Deadlines(handler_timeout=5)})

    async def main() -> None:
        served.client.write_nowait(GET)
        assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 503 ")
        await served.over()

    loop.run(main)
    assert served.told == [["headers", "finish", "close"]]


def test_an_answer_that_never_ends_is_cut(loop: SimulatedLoop) -> None:
    def begin(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders(), b"begun")

    served = Served(loop, finish=begin, options={"deadlines": Deadlines(handler_timeout=5)})

    async def main() -> None:
        served.client.write_nowait(GET)
        received = await served.client.read_until_close()
        assert received.endswith(b"\r\n\r\n5\r\nbegun\r\n"), "no last chunk: nobody shall take it for a whole answer"
        await served.over()

    loop.run(main)


def test_a_handler_in_its_time_is_left_alone_and_so_is_the_next(loop: SimulatedLoop) -> None:
    async def slow(recorder: Recorder) -> None:
        await pause(loop, 3)
        recorder.answer()

    served = Served(loop, finish=slow, options={"deadlines": Deadlines(handler_timeout=5)})

    async def main() -> None:
        for _ in range(4):
            served.client.write_nowait(GET)
            assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
        served.client.close()
        await served.over()

    loop.run(main)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_drips_is_over_in_time(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture, chunked: bool
) -> None:
    served = Served(loop, finish=answer, options={"deadlines": Deadlines(min_body_rate=100, rate_window=5)})
    head = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 100000")

    async def main() -> None:
        served.client.write_nowait(head)
        for _ in range(10):  # 1000 bytes a second, for as long as that is
            served.client.write_nowait(b"64\r\n" + b"x" * 100 + b"\r\n" if chunked else b"x" * 100)
            await pause(loop, 0.1)
        began = loop.time()
        while served.client.io_loop.time() < began + 30 and not served.client.closed():
            try:
                served.client.write_nowait(b"1\r\nx\r\n" if chunked else b"x")
            except StreamClosedError:
                break
            await pause(loop, 0.1)
            if b" 408 " in served.client.read_nowait():
                break
        assert 5 <= loop.time() - began <= 11

    loop.run(main)
    assert caplog.messages == [
        "refused a request from 192.0.2.1 with 408: it sends fewer bytes a second than min_body_rate, 100"
    ]


def test_a_body_that_comes_fast_enough_may_take_as_long_as_it_is(loop: SimulatedLoop) -> None:
    served = Served(loop, finish=answer, options={"deadlines": Deadlines(min_body_rate=100, rate_window=5)})

    async def main() -> None:
        served.client.write_nowait(POST.replace(b"5", b"12000"))
        for _ in range(60):
            served.client.write_nowait(b"x" * 200)
            await pause(loop, 1)
        assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
        served.client.close()

    loop.run(main)


def test_time_in_which_the_delegate_holds_a_body_back_does_not_count(loop: SimulatedLoop) -> None:
    async def hold(recorder: Recorder) -> None:
        await pause(loop, 100)

    served = Served(loop, data=hold, finish=answer, options={"deadlines": Deadlines(body_timeout=5, rate_window=2)})

    async def main() -> None:
        served.client.write_nowait(POST + b"12345")
        assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
        served.client.close()

    loop.run(main)


@pytest.mark.parametrize("deadlines", [Deadlines(body_timeout=5), Deadlines(min_body_rate=100, rate_window=5)])
def test_a_body_that_is_held_back_now_and_then_has_no_more_time_for_that(
    loop: SimulatedLoop, deadlines: Deadlines
) -> None:
    async def hold(recorder: Recorder) -> None:
        await pause(loop, 0.7)

    served = Served(loop, data=hold, finish=answer, options={"deadlines": deadlines})

    async def main() -> None:
        served.client.write_nowait(POST.replace(b"5", b"100"))
        received = b""
        while not received and loop.time() < 100:
            served.client.write_nowait(b"x")
            await pause(loop, 4)
            received = served.client.read_nowait()
        assert received.startswith(b"HTTP/1.1 408 ")
        assert 5 <= loop.time() <= 16
        served.client.close()

    loop.run(main)


def test_an_unwanted_body_that_never_comes_ends_the_connection(loop: SimulatedLoop) -> None:
    served = Served(loop, headers=answer, options={"deadlines": Deadlines(body_timeout=5)})

    async def main() -> None:
        served.client.write_nowait(POST)
        await served.client.read_until(b"hello")
        assert 5 <= await seconds_until_end(served.client) <= 5 + TICK

    loop.run(main)


def test_a_stream_that_was_taken_over_may_stall(loop: SimulatedLoop) -> None:
    streams: list[Stream] = []

    def take(recorder: Recorder) -> None:
        streams.append(recorder.connection.detach())
        streams[0].write_nowait(b"x" * 10_000_000)

    served = Served(loop, finish=take, options={"deadlines": Deadlines(write_timeout=1)})

    async def main() -> None:
        served.client.write_nowait(GET)
        await pause(loop, 100)
        assert not streams[0].closed()
        streams[0].close()

    loop.run(main)
