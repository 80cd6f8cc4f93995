"""Servers with several clients at once, drawn from seeds: stalls, resets, half-closes, handlers that fail or never
answer, drains at any moment. A failing seed is named and replays exactly.

Whatever happens: on each connection, the answers are those to its own requests and in their order; every request
has one record; every deadline is honoured; and in the end nothing is left over, neither object nor timer nor task.
"""

from __future__ import annotations

import gc
import logging
import random
import re
import weakref
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    Deadlines,
    HTTPConnection,
    HTTPConnectionContext,
    HTTPHeaders,
    HTTPInputError,
    HTTPServer,
    Limits,
    RequestRecord,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.ioloop import DeadlockError
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import Promise
    from eyewall.iostream.testing import MemoryStream

SEEDS_IN_A_TEST = 100
DEADLINES = Deadlines(
    header_timeout=5, body_timeout=9, idle_connection_timeout=7, handler_timeout=6, write_timeout=5, rate_window=4
)
MOST_REQUESTS = 5
# From when no client does anything any more: the requests that are there and their answers, one more that is
# incomplete, idling, lingering.
LONGEST = MOST_REQUESTS * (6 + 5 + 2 * DEADLINES.tick) + 5 + 9 + 7 + 2 + 4 * DEADLINES.tick


class Simulation:
    """A server, its clients, and what became of it all."""

    def __init__(self, seed: int, io_loop: SimulatedLoop) -> None:
        self.random = random.Random(seed)
        self.io_loop = io_loop
        self.half_closed = self.random.choice(["gone", "finish"])
        self.server = HTTPServer(
            self,
            io_loop=io_loop,
            deadlines=DEADLINES,
            limits=Limits(max_header_size=400, max_body_size=500, max_requests=self.random.choice([None, 3])),
            half_closed=self.half_closed,  # type: ignore[arg-type] # one of two literals, by chance
            observer=self,
        )
        self.begun = 0
        self.closed = 0
        self.delegates = weakref.WeakSet[Delegate]()
        self.opened_contexts = 0
        self.closed_contexts = 0
        self.records: list[RequestRecord] = []
        self.clients: list[Client] = []

    async def run(self) -> None:
        self.clients = [Client(self, number) for number in range(self.random.randint(1, 3))]
        talks = [self.io_loop.spawn(client.talk()) for client in self.clients]
        if self.random.random() < 0.3:
            await self.pause(self.random.uniform(0, 10))
            await self.server.drain(self.random.choice([0, 2, 20]))
        for talk in talks:
            await talk
        idle_since = self.io_loop.time()
        while self.closed < len(self.clients):
            await self.pause(0.5)
            assert self.io_loop.time() - idle_since <= LONGEST, "a deadline was missed"

    async def pause(self, seconds: float) -> None:
        promise = self.io_loop.create_future()
        self.io_loop.call_later(seconds, _wake, promise)
        await promise

    async def maybe_pause(self) -> None:
        if self.random.random() < 0.4:
            await self.pause(self.random.choice([0, 0.1, 2]))

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Delegate:
        self.begun += 1
        delegate = Delegate(self, request_conn)
        self.delegates.add(delegate)
        return delegate

    def on_close(self, server_conn: object, /) -> None:
        self.closed += 1

    def connection_opened(self, context: HTTPConnectionContext, /) -> None:
        self.opened_contexts += 1

    def connection_closed(self, context: HTTPConnectionContext, /) -> None:
        self.closed_contexts += 1

    def request_ended(self, record: RequestRecord, /) -> None:
        self.records.append(record)

    def close(self) -> None:
        """Let go of the clients, and with them of what their streams remember of an error."""
        for client in self.clients:
            client.stream.close()
        self.clients.clear()

    def check(self) -> None:
        assert self.closed == self.closed_contexts == len(self.clients)
        assert self.opened_contexts in {len(self.clients), self.closed}
        assert len(self.records) == self.begun, "one record for each request"
        for client in self.clients:
            client.check()


def _wake(promise: Promise[None]) -> None:
    if not promise.done():
        promise.set_result(None)


class Delegate:
    """Answers in one of many ways, well or badly."""

    def __init__(self, simulation: Simulation, connection: HTTPConnection) -> None:
        self.simulation = simulation
        self.random = simulation.random
        self.connection = connection
        self.over = 0
        self.name = b""
        self.sum = 0
        self.early = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        assert isinstance(start_line, RequestStartLine)
        self.name = start_line.path[1:].encode()
        if self.random.random() < 0.1:
            self.connection.send_informational(103, HTTPHeaders({"Link": "x"}))
        if self.random.random() < 0.1:
            self.early = True
            self.at_once()
        return self.simulation.maybe_pause() if self.random.random() < 0.3 else None

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        assert not self.over
        assert not self.early
        self.sum += sum(chunk)
        return self.simulation.maybe_pause() if self.random.random() < 0.3 else None

    def finish(self) -> Awaitable[object] | None:
        assert not self.over
        ways = [self.at_once] * 5 + [self.later] * 3 + [self.elsewhere, self.fail, self.refuse, self.never, self.cut]
        return self.random.choice(ways)()

    def on_connection_close(self) -> None:
        self.over += 1
        assert self.over == 1

    def at_once(self) -> Awaitable[object] | None:
        body = b"<%b=%d>" % (self.name, 0 if self.early else self.sum)
        headers = HTTPHeaders({"Content-Length": str(len(body))})
        self.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
        self.connection.finish()
        return None

    async def later(self) -> None:
        await self.simulation.maybe_pause()
        await self.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders(), b"<")
        for piece in (self.name, b"=%d" % self.sum, b">" + b"." * self.random.choice([0, 10, 5000])):
            await self.simulation.maybe_pause()
            await self.connection.write(piece)
        self.connection.finish(HTTPHeaders({"Checksum": "1"}) if self.random.random() < 0.5 else None)

    def elsewhere(self) -> Awaitable[object] | None:
        self.simulation.io_loop.call_later(self.random.choice([0, 1, 4]), self.if_still_there)
        return None

    def if_still_there(self) -> None:
        if not self.over:
            self.at_once()

    def fail(self) -> Awaitable[object] | None:
        raise ZeroDivisionError

    def refuse(self) -> Awaitable[object] | None:
        raise HTTPInputError("no", status=422)

    async def never(self) -> None:
        await self.simulation.io_loop.create_future()

    async def cut(self) -> None:
        self.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Length": "9999"}), b"<")
        await self.simulation.maybe_pause()
        raise ZeroDivisionError


class Client:
    """One connection: sends what it has in pieces, stops anywhere, reads or does not."""

    def __init__(self, simulation: Simulation, number: int) -> None:
        self.simulation = simulation
        self.random = simulation.random
        self.number = number
        chunk_size, capacity = self.random.choice([1, 7, 65_536]), self.random.choice([50, 1000, 65_536])
        self.stream: MemoryStream
        self.stream, far = memory_streams(simulation.io_loop, chunk_size=chunk_size, capacity=capacity)
        self.expected: list[bytes] = []
        self.early: list[bytes] = []
        self.received = b""
        simulation.server.handle_stream(far, ("192.0.2.1", number))

    async def talk(self) -> None:
        reading = self.simulation.io_loop.spawn(self.read(self.random.choice(["all", "all", "slowly", "nothing"])))
        data = b"".join(self.request(number) for number in range(self.random.randint(0, MOST_REQUESTS)))
        end = self.random.choice(["reset", "close", "end", "end", "stall", "stall"])
        left = self.random.randrange(len(data) + 1) if end != "end" else len(data)
        at = 0
        while left and not self.stream.closed():
            size = min(self.random.choice([1, 10, 100, 1000]), left)
            try:
                self.stream.write_nowait(data[at : at + size])
            except StreamClosedError:
                break
            at += size
            left -= size
            await self.simulation.maybe_pause()
        if end == "reset":
            self.stream.reset()
        elif end == "close":
            self.stream.close()
        elif end == "end" and not self.stream.closed():
            self.stream.shutdown_write()
        await reading

    async def read(self, how: str) -> None:
        if how == "nothing":
            return
        try:
            while True:
                await self.stream.readable()
                self.received += self.stream.read_nowait()
                if how == "slowly":
                    await self.simulation.pause(self.random.choice([0.1, 1]))
        except StreamClosedError:
            self.stream.close()

    def request(self, number: int) -> bytes:
        body = self.random.randbytes(self.random.choice([0, 1, 200]))
        name = b"%d.%d" % (self.number, number)
        self.expected.append(b"%b=%d" % (name, sum(body)))
        self.early.append(b"%b=0" % name)
        start = b"POST /%b HTTP/1.1\r\nHost: a\r\n" % name
        kind = self.random.randrange(4)
        if kind == 0:
            start += b"Expect: 100-continue\r\n"
        if kind == 1:
            half = len(body) // 2
            chunks = b"".join(b"%x;x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
            return start + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX: 1\r\n\r\n"
        if kind == 2 and self.random.random() < 0.1:
            return start + b"A: " + b"x" * 500 + b"\r\n\r\n"
        return start + b"Content-Length: %d\r\n\r\n" % len(body) + body

    def check(self) -> None:
        joined = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", self.received)
        answers = re.findall(rb"<([0-9.]+=[0-9]+)>", joined)
        wanted = iter(zip(self.expected, self.early, strict=True))
        for answer in answers:  # in their order; some requests were answered with a status only
            assert any(answer in pair for pair in wanted), (answer, self.expected)


@pytest.mark.usefixtures("new_garbage_only")
@pytest.mark.parametrize("first", range(0, 1000, SEEDS_IN_A_TEST))
def test_whatever_goes_wrong_for_whomever_the_promises_hold(first: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for seed in range(first, first + SEEDS_IN_A_TEST):
        with SimulatedLoop(seed) as io_loop:
            simulation = Simulation(seed, io_loop)
            try:
                io_loop.run(simulation.run)
                simulation.check()
                simulation.close()
                with pytest.raises(DeadlockError):  # no timer is left, nor anything else that could ever run
                    io_loop.run(io_loop.create_future)
                raised = {record.exc_info[0] if record.exc_info else record.message for record in caplog.records}
                assert raised <= {ZeroDivisionError}
                caplog.clear()
                if seed % 10 == 0 and not raised:  # pytest keeps what was logged, with its traces
                    gc.collect()
                    assert not simulation.delegates, "nothing keeps a request that is over"
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
