"""A server whose delegates write down what they are told, and a client of it, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyewall.httpserver import (
    HTTP1ServerConnection,
    HTTPHeaders,
    HTTPServer,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.iostream import StreamClosedError
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.httpserver import HTTPConnection
    from eyewall.ioloop import EventLoop, IOLoop
    from eyewall.iostream import Stream
    from eyewall.iostream.testing import MemoryStream

    Step = Callable[["Recorder"], Awaitable[object] | None]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
TICK = 1.0
"""How late a deadline may be, where none is short."""
OK = ResponseStartLine("", 200, "OK")


class Recorder:
    """A delegate that writes down what it is told, and does at each step what it was given for it."""

    def __init__(self, steps: dict[str, Step]) -> None:
        self.steps = steps
        self.told: list[str] = []
        self.heads: list[tuple[RequestStartLine | ResponseStartLine, HTTPHeaders]] = []
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
        self.heads.append((start_line, headers))
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

    def __init__(self, io_loop: IOLoop, *, options: Any = None, **steps: Any) -> None:
        self.steps: dict[str, Step] = steps
        self.requests: list[Recorder] = []
        self.closed: list[object] = []
        self.connections: list[HTTP1ServerConnection] = []
        self.server = HTTPServer(self, io_loop=io_loop, **(options or {}))
        self.client: MemoryStream = connect(self.server, io_loop=io_loop)

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Recorder:
        recorder = Recorder(self.steps)
        recorder.connection = request_conn
        self.requests.append(recorder)
        if isinstance(server_conn, HTTP1ServerConnection):
            self.connections.append(server_conn)
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


async def pause(io_loop: EventLoop, seconds: float) -> None:
    io_loop.call_later(seconds, (over := io_loop.create_future()).set_result, None)
    await over


async def seconds_until_end(client: MemoryStream) -> float:
    """Read until the server ends; give how long that took."""
    began = client.io_loop.time()
    try:
        while True:
            await client.readable()
            client.read_nowait()
    except StreamClosedError:
        return client.io_loop.time() - began


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
