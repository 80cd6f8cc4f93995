"""A client's deadlines, on a clock that jumps: no server keeps it for as long as it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import Deadlines, HTTP1Connection, HTTP1ConnectionParameters, HTTPHeaders, RequestStartLine
from eyewall.iostream.testing import memory_streams

from ._served import Recorder, pause

if TYPE_CHECKING:
    from eyewall.ioloop.testing import SimulatedLoop
    from eyewall.iostream.testing import MemoryStream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Asked:
    """A client that has sent its request, and the server's end as bytes."""

    def __init__(self, loop: SimulatedLoop, deadlines: Deadlines, **steps: Any) -> None:
        stream, self.server = memory_streams(loop)
        self.connection = HTTP1Connection(stream, True, HTTP1ConnectionParameters(deadlines=deadlines))
        self.connection.write_headers(RequestStartLine("GET", "/", ""), HTTPHeaders({"Host": "a"}))
        self.connection.finish()
        self.delegate = Recorder(steps)

    async def seconds_until_end(self) -> float:
        began = self.connection.io_loop.time()
        await self.connection.read_response(self.delegate)
        return self.connection.io_loop.time() - began


@pytest.mark.parametrize(
    ("sent", "seconds", "told"),
    [
        (b"HTTP/1.1 200 OK", 3, "the head of an answer takes longer than header_timeout, 3 seconds"),
        (HEAD % 5 + b"hell", 5, "the body of an answer takes longer than body_timeout, 5 seconds"),
    ],
)
def test_an_answer_has_deadlines_from_its_first_byte(
    loop: SimulatedLoop, sent: bytes, seconds: float, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked(loop, Deadlines(header_timeout=3.0, body_timeout=5.0))
    loop.call_later(1000, asked.server.write_nowait, sent)
    assert loop.run(asked.seconds_until_end) == pytest.approx(1000 + seconds, abs=0.01)
    assert asked.delegate.told[-1] == "close"
    assert told in caplog.text


async def drip(server: MemoryStream, pieces: list[bytes], seconds: float) -> None:
    for piece in pieces:
        if server.closed():
            return
        server.write_nowait(piece)
        await pause(server.io_loop, seconds)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_drips_is_over_in_time(
    loop: SimulatedLoop, caplog: pytest.LogCaptureFixture, chunked: bool
) -> None:
    asked = Asked(loop, Deadlines(min_body_rate=100, rate_window=5))

    async def main() -> float:
        quick, slow = (b"64\r\n" + b"x" * 100 + b"\r\n", b"1\r\nx\r\n") if chunked else (b"x" * 100, b"x")
        head = CHUNKED if chunked else HEAD % 100_000
        dripping = loop.spawn(drip(asked.server, [head, *[quick] * 120, *[slow] * 1000], 0.1))
        seconds = await asked.seconds_until_end()
        await dripping
        return seconds

    # 1000 bytes a second for twelve, which is two windows and a part of the third.
    assert 15 <= loop.run(main) <= 20.2
    assert asked.delegate.told[-1] == "close"
    assert "fewer bytes a second than min_body_rate, 100" in caplog.text


@pytest.mark.parametrize("deadlines", [Deadlines(min_body_rate=60, rate_window=5), Deadlines(min_body_rate=0)])
def test_a_body_that_comes_fast_enough_may_take_as_long_as_it_is(loop: SimulatedLoop, deadlines: Deadlines) -> None:
    asked = Asked(loop, deadlines)
    pieces = [b"x" * 200] * 60 if deadlines.min_body_rate else [b"x"] * 60

    async def main() -> float:
        dripping = loop.spawn(drip(asked.server, [HEAD % sum(map(len, pieces)), *pieces], 2))
        seconds = await asked.seconds_until_end()
        await dripping
        return seconds

    assert loop.run(main) == pytest.approx(120, abs=3)
    assert asked.delegate.told[-1] == "finish"


def test_time_in_which_the_delegate_holds_a_body_back_does_not_count(loop: SimulatedLoop) -> None:
    async def hold(recorder: Recorder) -> None:
        await pause(loop, 100)

    asked = Asked(loop, Deadlines(body_timeout=5, min_body_rate=1, rate_window=2), data=hold)

    async def main() -> None:
        asked.server.write_nowait(HEAD % 10 + b"12345")
        loop.call_later(101, asked.server.write_nowait, b"67890")
        await asked.seconds_until_end()

    loop.run(main)
    assert (asked.delegate.told[-1], asked.delegate.body) == ("finish", b"1234567890")
