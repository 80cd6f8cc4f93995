"""Conversations drawn from seeds, cut and broken anywhere; a failing seed is named and replays exactly.

Whatever happens: the answers are those of the requests and in their order, as many as there were
requests where nothing broke, each delegate is told of one end, and nothing is left over.
"""

from __future__ import annotations

import logging
import random
import re
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import (
    HTTPConnection,
    HTTPHeaders,
    HTTPServer,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import Promise
    from eyewall.iostream.testing import MemoryStream

SEEDS_IN_A_TEST = 100


class Conversation:
    """A server's delegate, and a client of it."""

    def __init__(self, seed: int, io_loop: SimulatedLoop) -> None:
        self.random = random.Random(seed)
        self.io_loop = io_loop
        self.requests: list[Message] = []
        self.closed = 0
        self.server = HTTPServer(self, io_loop=io_loop, max_header_size=500)
        self.client: MemoryStream
        chunk_size, capacity = self.random.choice([1, 7, 65_536]), self.random.choice([50, 1000, 65_536])
        self.client, far = memory_streams(io_loop, chunk_size=chunk_size, capacity=capacity)
        self.server.handle_stream(far, ("192.0.2.1", 1))
        self.expected: list[bytes] = []
        self.received = b""
        self.broken = False

    async def run(self) -> None:
        receiving = self.io_loop.spawn(self.receive())
        await self.send()
        await receiving
        self.client.close()
        await self.server.close_all_connections()

    async def send(self) -> None:
        data = b"".join(self.request(number) for number in range(self.random.randint(1, 6)))
        end = self.random.choice(["reset", "close", "end", "end", "wait"])
        stop = self.random.randrange(len(data)) if end in {"reset", "close"} else len(data)
        self.broken = stop < len(data)
        while data and not self.client.closed():
            size = min(self.random.choice([1, 10, 100, 1000]), stop)
            if not size:
                break
            self.client.write_nowait(data[:size])
            data = data[size:]
            stop -= size
            await self.pause()
        if end == "reset":
            self.client.reset()
        elif end == "close":
            self.client.close()
        elif end == "end":
            self.client.shutdown_write()

    def request(self, number: int) -> bytes:
        body = self.random.randbytes(self.random.choice([0, 1, 200]))
        self.expected.append(b"%d=%d" % (number, sum(body)))
        kind = self.random.randrange(3)
        start = f"POST /{number} HTTP/1.1\r\nHost: a\r\n".encode()
        if kind == 0:
            return start + b"Content-Length: %d\r\n\r\n" % len(body) + body
        if kind == 1 or not body:
            return start.replace(b"POST", b"GET") + b"Content-Length: %d\r\n\r\n" % len(body) + body
        half = len(body) // 2
        chunks = b"".join(b"%x;x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
        return start + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

    async def receive(self) -> None:
        try:
            while True:
                await self.client.readable()
                self.received += self.client.read_nowait()
                await self.pause()
        except StreamClosedError:
            pass

    async def pause(self) -> None:
        if self.random.random() < 0.5:
            promise = self.io_loop.create_future()
            self.io_loop.call_later(self.random.choice([0, 0.1, 2]), self.wake, promise)
            await promise

    @staticmethod
    def wake(promise: Promise[None]) -> None:
        if not promise.done():
            promise.set_result(None)

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Message:
        assert not self.closed
        self.requests.append(Message(self, request_conn))
        return self.requests[-1]

    def on_close(self, server_conn: object, /) -> None:
        self.closed += 1

    def check(self) -> None:
        answers = re.findall(rb"<(?:\r\n\w+\r\n)?([0-9=]*)(?:\r\n1\r\n)?>", self.received)  # in chunks or not
        assert answers == self.expected[: len(answers)]
        assert b"HTTP/1.1 4" not in self.received
        if not self.broken:
            assert answers == self.expected
        assert self.closed == 1
        for message in self.requests:
            assert message.finished + message.gone >= 1
            assert message.finished <= 1
            assert message.gone <= 1
        for message in self.requests[:-1]:
            assert message.finished


class Message:
    """Sums a body up, and answers at once, later, or piece by piece."""

    def __init__(self, conversation: Conversation, connection: HTTPConnection) -> None:
        self.conversation = conversation
        self.connection = connection
        self.sum = 0
        self.finished = 0
        self.gone = 0
        self.path = ""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        assert isinstance(start_line, RequestStartLine)
        self.path = start_line.path[1:]
        return self.conversation.pause() if self.conversation.random.random() < 0.5 else None

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        assert not self.gone
        self.sum += sum(chunk)
        return self.conversation.pause()

    def finish(self) -> Awaitable[object] | None:
        assert not self.gone
        self.finished += 1
        answers: list[Callable[[], Awaitable[object] | None]] = [self.at_once, self.later, self.elsewhere]
        return self.conversation.random.choice(answers)()

    def on_connection_close(self) -> None:
        self.gone += 1

    def at_once(self) -> None:
        body = f"<{self.path}={self.sum}>".encode()
        headers = HTTPHeaders({"Content-Length": str(len(body))})
        self.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
        self.connection.finish()

    async def later(self) -> None:
        await self.conversation.pause()
        await self.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders(), b"<")
        await self.conversation.pause()
        self.connection.write(f"{self.path}={self.sum}".encode())
        await self.conversation.pause()
        await self.connection.write(b">")
        self.connection.finish()

    def elsewhere(self) -> None:
        self.conversation.io_loop.call_later(1, self.at_once)


@pytest.mark.parametrize("first", range(0, 1000, SEEDS_IN_A_TEST))
def test_whatever_breaks_the_rest_holds(first: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for seed in range(first, first + SEEDS_IN_A_TEST):
        with SimulatedLoop(seed) as io_loop:
            conversation = Conversation(seed, io_loop)
            try:
                io_loop.run(conversation.run)
                conversation.check()
                assert caplog.messages == []
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
