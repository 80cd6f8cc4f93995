"""Server-sent events: what goes over the wire, and when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import Application, EventSourceHandler, ServerSentEvent
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from eyewall.ioloop import IOLoop, Promise

ASK = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (ServerSentEvent("text"), "data: text\n\n"),
        (ServerSentEvent(), "data: \n\n"),
        (ServerSentEvent("two\nlines\r\nor\rmore"), "data: two\ndata: lines\ndata: or\ndata: more\n\n"),
        (ServerSentEvent({"a": 1}), 'data: {"a": 1}\n\n'),
        (ServerSentEvent("x", event="tick", id="7", retry=500), "event: tick\nid: 7\nretry: 500\ndata: x\n\n"),
    ],
)
def test_an_event_is_written_in_lines(event: ServerSentEvent, text: str) -> None:
    assert event.encode().decode() == text


@pytest.mark.parametrize("evil", ["a\nevent: b", "a\r", "a\0"])
def test_a_field_cannot_begin_another(evil: str) -> None:
    with pytest.raises(ValueError, match="the id of an event"):
        ServerSentEvent("x", id=evil)
    with pytest.raises(ValueError, match="the event of an event"):
        ServerSentEvent("x", event=evil)


async def test_what_a_generator_yields_is_sent_and_its_end_is_the_end() -> None:
    class Count(EventSourceHandler):
        async def get(self) -> AsyncGenerator[ServerSentEvent | str | Mapping[str, object]]:
            first = int(self.last_event_id or 0) + 1
            yield ServerSentEvent("one", id=str(first))
            yield "two"
            yield {"three": 3}

    client = AppClient(Application([("/", Count)]))
    response = await client.get("/", headers={"Last-Event-Id": "4"})
    assert response.text == 'id: 5\ndata: one\n\ndata: two\n\ndata: {"three": 3}\n\n'
    assert response.headers["Content-Type"] == "text/event-stream; charset=UTF-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert (await client.post("/")).code == 405


async def test_when_the_client_leaves_the_generator_is_ended_where_it_waits(io_loop: IOLoop) -> None:
    ended: Promise[str] = io_loop.create_future()

    class Wait(EventSourceHandler):
        async def get(self) -> AsyncGenerator[str]:
            try:
                yield "begun"
                await io_loop.create_future()
            finally:
                ended.set_result("ended")

    server = HTTPServer(Application([("/", Wait)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(ASK)
    await client.read_until(b"data: begun\n\n")
    client.close()
    assert await ended == "ended"
    await server.close_all_connections()


async def test_without_events_comments_keep_the_connection_alive(io_loop: IOLoop) -> None:
    class Quiet(EventSourceHandler):
        heartbeat = 0.01

        async def get(self) -> AsyncGenerator[str]:
            pause = io_loop.create_future()
            io_loop.call_later(0.2, pause.set_result, None)
            await pause
            yield "at last"

    server = HTTPServer(Application([("/", Quiet)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(ASK)
    answer = bytes(await client.read_until_close())
    assert answer.count(b":\n\n") >= 2
    assert answer.endswith(b"data: at last\n\n")
    await server.close_all_connections()


async def test_a_method_that_is_no_generator_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(EventSourceHandler):
        def get(self) -> str:
            return "no"

    assert (await AppClient(Application([("/", Wrong)])).get("/")).code == 500
    assert "Wrong.get() gave 'no': make it an async generator" in caplog.text


async def test_what_raises_after_an_event_breaks_the_answer_off(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(EventSourceHandler):
        async def get(self) -> AsyncGenerator[str]:
            yield "one"
            raise ZeroDivisionError

    server = HTTPServer(Application([("/", Fails)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(ASK.replace(b"1.0", b"1.1"))
    answer = bytes(await client.read_until_close())
    assert b"data: one" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert "ZeroDivisionError" in caplog.text
    await server.close_all_connections()


def test_data_that_are_neither_text_nor_a_dict_are_named() -> None:
    with pytest.raises(TypeError, match="an event's data are str or dict, not int: convert it first"):
        ServerSentEvent(3)  # type: ignore[arg-type] # the mistake
