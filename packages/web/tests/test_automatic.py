"""HEAD and OPTIONS that handlers need not write, where a setting says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eyewall.web import Application, EventSourceHandler, Handler, RequestHandler, WebSocketHandler
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Page(RequestHandler):
    async def get(self) -> None:
        self.write("Hello, world!")

    def post(self) -> None:
        self.write("posted")


class Own(RequestHandler):
    def get(self) -> None:
        self.write("Hello")

    def head(self) -> None:
        self.set_header("X-Own", "head")

    def options(self) -> None:
        self.write("own options")


class Data(Handler[None]):
    def get(self) -> dict[str, int]:
        return {"a": 1}


class Events(EventSourceHandler):
    async def get(self) -> AsyncGenerator[str]:
        while True:
            yield "again"


class Socket(WebSocketHandler):
    pass


def client(**settings: Any) -> AppClient:
    routes = [("/", Page), ("/own", Own), ("/data", Data), ("/events", Events)]
    return AppClient(Application(routes, **settings))


async def test_they_are_tornado_s_unless_asked_for() -> None:
    for answer in (await client().head("/"), await client().options("/")):
        assert (answer.code, answer.headers["Allow"]) == (405, "GET, POST")


async def test_head_is_get_without_the_body() -> None:
    app = client(automatic_head=True)
    answer = await app.head("/")
    assert (answer.code, answer.body, answer.headers["Content-Length"]) == (200, b"", "13")
    assert answer.headers["Etag"] == (await app.get("/")).headers["Etag"]
    assert (await app.head("/data")).headers["Content-Type"] == "application/json; charset=UTF-8"
    assert (await app.put("/")).headers["Allow"] == "GET, POST, HEAD"


async def test_what_a_handler_says_itself_comes_first() -> None:
    app = client(automatic_head=True, automatic_options=True)
    assert (await app.head("/own")).headers["X-Own"] == "head"
    assert (await app.options("/own")).text == "own options"


async def test_options_tells_the_methods() -> None:
    answer = await client(automatic_options=True).options("/")
    assert (answer.code, answer.body, answer.headers["Allow"]) == (204, b"", "GET, POST, OPTIONS")
    assert "Content-Length" not in answer.headers
    assert (await client(automatic_options=True).options("/nowhere")).code == 404


async def test_head_of_a_response_without_end_ends() -> None:
    answer = await client(automatic_head=True).head("/events")
    assert (answer.code, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=UTF-8")


async def test_options_of_a_handler_of_events_tells_the_methods_too(caplog: pytest.LogCaptureFixture) -> None:
    answer = await client(automatic_options=True).options("/events")
    assert (answer.code, answer.body, answer.headers["Allow"]) == (204, b"", "GET, OPTIONS")
    assert caplog.messages == []


async def test_head_opens_no_websocket() -> None:
    pytest.importorskip("websockets")
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    app = AppClient(Application([("/socket", Socket)], automatic_head=True))
    answer = await app.head("/socket", headers=upgrade)
    assert (answer.code, answer.headers["Allow"]) == (405, "GET")
