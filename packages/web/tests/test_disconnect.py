"""What becomes of a handler's work when its client goes away."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from eyewall.httpserver import Deadlines, HTTPOutputError, HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import (
    Application,
    JSONLogFormatter,
    RequestHandler,
    RouteError,
    WebSocketHandler,
    stream_request_body,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Stream
    from eyewall.web import DisconnectPolicy

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"


class Story:
    """What a handler did, and the events that it and the test wait for."""

    def __init__(self, io_loop: IOLoop) -> None:
        self.lines: list[str] = []
        self.begun: Promise[None] = io_loop.create_future()
        self.go_on: Promise[None] = io_loop.create_future()
        self.over: Promise[None] = io_loop.create_future()


class Works(RequestHandler):
    def initialize(self, story: Story) -> None:
        self.story = story

    async def get(self) -> None:
        self.story.begun.set_result(None)
        try:
            await self.story.go_on
            self.story.lines.append("worked")
        except BaseException:
            self.story.lines.append("cancelled")
            raise

    post = get

    def on_connection_close(self) -> None:
        self.story.lines.append("told")

    def on_finish(self) -> None:
        self.story.lines.append("on_finish")
        self.story.over.set_result(None)


class Cancelled(Works):
    disconnect_policy: ClassVar[DisconnectPolicy] = "cancel"


class Shielded(Works):
    disconnect_policy = "shield"


async def begin(
    io_loop: IOLoop, story: Story, handler: type[RequestHandler], request: bytes = ASK, **options: Any
) -> tuple[HTTPServer, Stream]:
    server = HTTPServer(Application([("/", handler, {"story": story})]), io_loop=io_loop, **options)
    client = connect(server, io_loop=io_loop)
    await client.write(request)
    await story.begun
    return server, client


async def told(io_loop: IOLoop, story: Story) -> None:
    while "told" not in story.lines:
        turn = io_loop.create_future()
        io_loop.call_later(0.001, turn.set_result, None)
        await turn


@pytest.mark.parametrize("handler", [Works, Shielded])
async def test_a_handler_is_told_and_goes_on(io_loop: IOLoop, handler: type[Works]) -> None:
    story = Story(io_loop)
    server, client = await begin(io_loop, story, handler)
    client.close()
    await told(io_loop, story)
    story.go_on.set_result(None)
    await story.over
    assert story.lines == ["told", "worked", "on_finish"]
    await server.close_all_connections()


async def test_a_handler_that_is_to_be_cancelled_ends_where_it_waits(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    story = Story(io_loop)
    server, client = await begin(io_loop, story, Cancelled)
    client.close()
    await story.over
    assert story.lines == ["told", "cancelled", "on_finish"]
    await server.close_all_connections()
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_nothing_is_cancelled_where_the_client_stays(io_loop: IOLoop) -> None:
    story = Story(io_loop)
    server, client = await begin(io_loop, story, Cancelled, ASK + ASK)
    story.go_on.set_result(None)
    answer = await client.read_until(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert story.lines[:2] == ["worked", "on_finish"]
    client.close()
    await server.close_all_connections()


async def test_a_handler_that_streams_its_body_is_cancelled_too(io_loop: IOLoop) -> None:
    @stream_request_body
    class Upload(Cancelled):
        async def data_received(self, chunk: bytes) -> None:
            self.story.lines.append(chunk.decode())

    story = Story(io_loop)
    server, client = await begin(io_loop, story, Upload, UPLOAD)
    client.close()
    await story.over
    assert story.lines == ["body", "told", "cancelled", "on_finish"]
    await server.close_all_connections()


class Prepares(RequestHandler):
    """Waits before its method."""

    def initialize(self, story: Story) -> None:
        self.story = story

    async def prepare(self) -> None:
        self.story.lines.append("prepare")
        self.story.begun.set_result(None)
        await self.story.go_on

    def get(self) -> None:
        self.story.lines.append("get")

    def on_connection_close(self) -> None:
        self.story.lines.append("told")

    def on_finish(self) -> None:
        self.story.lines.append("on_finish")
        self.story.over.set_result(None)


@stream_request_body
class StreamPrepares(Prepares):
    pass


@stream_request_body
class CancelledInPrepare(Prepares):
    disconnect_policy = "cancel"


@pytest.mark.parametrize("leave", ["close", "shutdown_write"])
@pytest.mark.parametrize("handler", [Prepares, StreamPrepares])
async def test_a_handler_is_told_while_it_prepares(io_loop: IOLoop, handler: type[Prepares], leave: str) -> None:
    story = Story(io_loop)
    server, client = await begin(io_loop, story, handler)
    getattr(client, leave)()
    await told(io_loop, story)
    story.go_on.set_result(None)
    if leave == "shutdown_write":  # who may still read is answered
        assert (await client.read_until_close()).startswith(b"HTTP/1.1 200 OK\r\n")
        assert story.lines == ["prepare", "told", "get", "on_finish"]
    await server.close_all_connections()
    assert story.lines[:2] == ["prepare", "told"]


async def test_a_handler_is_cancelled_while_it_prepares(io_loop: IOLoop) -> None:
    story = Story(io_loop)
    server, client = await begin(io_loop, story, CancelledInPrepare)
    client.shutdown_write()
    await story.over
    assert story.lines == ["prepare", "told", "on_finish"]
    await server.close_all_connections()


@pytest.mark.parametrize("handler", [Works, Cancelled])
async def test_a_server_that_closes_cancels_what_is_not_shielded(io_loop: IOLoop, handler: type[Works]) -> None:
    story = Story(io_loop)
    server, _client = await begin(io_loop, story, handler)
    await server.close_all_connections()
    assert story.lines == ["told", "cancelled", "on_finish"]


async def test_what_is_shielded_goes_on_where_the_server_closes(io_loop: IOLoop) -> None:
    story = Story(io_loop)
    server, _client = await begin(io_loop, story, Shielded)
    await server.close_all_connections()
    assert story.lines == ["told"]
    story.go_on.set_result(None)
    await story.over
    assert story.lines == ["told", "worked", "on_finish"]


async def test_what_is_shielded_answers_as_any_other(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Shielded):
        async def get(self) -> None:
            self.write("begun")
            await self.flush()
            raise ZeroDivisionError

    client = AppClient(Application([("/", Shielded, {"story": (story := Story(io_loop))})]), io_loop=io_loop)
    story.go_on.set_result(None)
    assert (await client.get("/")).code == 200
    client = AppClient(Application([("/", Fails, {"story": Story(io_loop)})]), io_loop=io_loop)
    with pytest.raises(HTTPOutputError):
        await client.get("/")
    assert "ZeroDivisionError" in caplog.text


async def test_a_handler_may_wait_for_it(io_loop: IOLoop) -> None:
    class Waits(Works):
        async def get(self) -> None:
            assert not self.is_disconnected
            self.story.begun.set_result(None)
            await self.wait_disconnected()
            assert self.is_disconnected
            await self.wait_disconnected()  # also of what is past
            self.story.lines.append("waited")

    story = Story(io_loop)
    server, client = await begin(io_loop, story, Waits)
    client.close()
    await story.over
    assert story.lines == ["told", "waited", "on_finish"]
    await server.close_all_connections()


async def test_a_message_of_a_websocket_is_cancelled_too(io_loop: IOLoop) -> None:
    pytest.importorskip("websockets")
    story = Story(io_loop)

    class Slow(WebSocketHandler):
        disconnect_policy = "cancel"

        async def on_message(self, message: str | bytes) -> None:
            story.begun.set_result(None)
            try:
                await story.go_on
            except BaseException:
                story.lines.append("cancelled")
                raise

        def on_close(self) -> None:
            story.lines.append("on_close")
            story.over.set_result(None)

    connection = await AppClient(Application([("/", Slow)]), io_loop=io_loop).websocket("/")
    await connection.write_message("hello")
    await story.begun
    connection.protocol.abort()
    await story.over
    assert story.lines == ["cancelled", "on_close"]


# What the log says


class Streams(Works):
    """Sends a part of its answer before it works."""

    async def get(self) -> None:
        await self.flush()
        await super().get()


class Fails(Works):
    async def get(self) -> None:
        await super().get()
        raise ValueError("after its client")


class Flushes(Works):
    """Learns by what it sends that nobody is there."""

    async def get(self) -> None:
        await self.flush()
        await super().get()
        await self.flush()
        while True:
            self.write(b"x" * 65536)
            await self.flush()


@pytest.mark.parametrize(
    ("handler", "status", "level"),
    [
        (Works, 200, "INFO"),  # it was tried: who has only ended its own side reads it
        (Cancelled, 499, "INFO"),
        (Shielded, 200, "INFO"),
        (Streams, 200, "INFO"),
        (Flushes, 200, "INFO"),
        (Fails, 500, "ERROR"),
    ],
)
async def test_a_request_whose_client_has_gone_is_logged_as_that(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, handler: type[Works], status: int, level: str
) -> None:
    caplog.set_level(logging.INFO, "eyewall.access")
    story = Story(io_loop)
    server, client = await begin(io_loop, story, handler)
    client.close()
    await told(io_loop, story)
    if not story.go_on.done():
        story.go_on.set_result(None)
    await story.over
    await server.close_all_connections()
    [record] = [record for record in caplog.records if record.name == "eyewall.access"]
    assert record.levelname == level
    assert record.getMessage().startswith(f"{status} GET / (")
    assert record.getMessage().endswith("ms, disconnected")
    entry = json.loads(JSONLogFormatter().format(record))
    assert (entry["status"], entry["disconnected"]) == (status, True)


async def test_a_log_function_is_given_the_same_status(io_loop: IOLoop) -> None:
    seen: list[tuple[int, bool]] = []
    story = Story(io_loop)

    def log(handler: RequestHandler) -> None:
        seen.append((handler.get_status(), handler.is_disconnected))

    app = Application([("/", Cancelled, {"story": story})], log_function=log)
    server = HTTPServer(app, io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    await client.write(ASK)
    await story.begun
    client.close()
    await story.over
    assert seen == [(499, True)]
    await server.close_all_connections()


async def test_a_request_that_took_too_long_is_logged_as_it_was_answered(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.access")
    story = Story(io_loop)
    server, client = await begin(io_loop, story, Works, deadlines=Deadlines(handler_timeout=0.01))
    assert (await client.read_until(b"\r\n")) == b"HTTP/1.1 503 Service Unavailable\r\n"
    await story.over
    [line] = [record.getMessage() for record in caplog.records if record.name == "eyewall.access"]
    assert line.startswith("503 GET / (")
    assert line.endswith("ms")
    client.close()
    await server.close_all_connections()


def test_a_policy_that_is_none_is_an_error_when_the_application_is_made() -> None:
    class Wrong(RequestHandler):
        disconnect_policy = "ignore"  # type: ignore[assignment] # what the check is for

    with pytest.raises(
        RouteError, match=r"Wrong.disconnect_policy is 'ignore': make it 'tell' or 'cancel' or 'shield'"
    ):
        Application([("/", Wrong)])


def test_a_handler_that_is_only_told_goes_the_way_that_it_always_went() -> None:
    class Child(Cancelled):
        disconnect_policy = "tell"

    Application([("/a", Works, {"story": None}), ("/b", Cancelled, {"story": None}), ("/c", Child, {"story": None})])
    assert Works._execute is RequestHandler._execute
    assert Cancelled._execute is not RequestHandler._execute
