"""An application behind the real HTTP server, over streams in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import Application, RequestHandler

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("Hello, world!")

    def head(self) -> None:
        self.get()

    async def post(self) -> None:
        self.write(self.get_body_argument("name"))


class Late(RequestHandler):
    async def get(self) -> None:
        self.write("begun")
        await self.flush()
        raise ZeroDivisionError("too late")


class Endless(RequestHandler):
    async def get(self) -> None:
        while True:
            self.write(bytes(100_000))
            await self.flush()

    def on_connection_close(self) -> None:
        self.settings["told"].append("on_connection_close")

    def on_finish(self) -> None:
        self.settings["told"].append("on_finish")


def make_server(told: list[str] | None = None) -> HTTPServer:
    return HTTPServer(Application([("/", Hello), ("/late", Late), ("/endless", Endless)], told=told))


async def talk(server: HTTPServer, *requests: str) -> str:
    """All that the server sends for these requests until it closes."""
    client = connect(server)
    await client.write("".join(requests).encode())
    return (await client.read_until_close()).decode()


def request(method: str, path: str, *fields: str, body: str = "") -> str:
    head = (f"{method} {path} HTTP/1.1", "Host: a", *fields)
    return "\r\n".join(head) + "\r\n\r\n" + body


async def test_requests_of_one_connection_are_answered_one_after_the_other() -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    answers = await talk(
        make_server(),
        request("GET", "/"),
        request("HEAD", "/"),
        request("POST", "/", form, "Content-Length: 6", body="name=x"),
        request("GET", "/none", "Connection: close"),
    )
    one, head, posted, missing = answers.split("HTTP/1.1 ")[1:]
    assert one.startswith("200 OK\r\n")
    assert "\r\nContent-Length: 13\r\n" in one
    assert one.endswith("\r\n\r\nHello, world!")
    assert "\r\nContent-Length: 13\r\n" in head
    assert head.endswith("\r\n\r\n")
    assert posted.endswith("\r\n\r\nx")
    assert missing.startswith("404 Not Found\r\n")


async def test_an_answer_that_breaks_off_is_cut_and_the_server_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    server = make_server()
    answer = await talk(server, request("GET", "/late"), request("GET", "/"))
    assert "5\r\nbegun\r\n" in answer
    assert not answer.endswith("0\r\n\r\n")
    assert "Hello" not in answer
    assert "ZeroDivisionError: too late" in caplog.text
    assert "Hello, world!" in await talk(server, request("GET", "/", "Connection: close"))


async def test_a_client_that_hangs_up_ends_its_handler_without_an_error(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    server = make_server(told)
    client = connect(server)
    await client.write(request("GET", "/endless").encode())
    await client.read_bytes(150_000)
    client.close()
    while "on_finish" not in told:
        turn = io_loop.create_future()
        io_loop.call_later(0.001, turn.set_result, None)
        await turn
    assert sorted(told) == ["on_connection_close", "on_finish"]
    assert [record.getMessage() for record in caplog.records] == []
    assert "Hello, world!" in await talk(server, request("GET", "/", "Connection: close"))


@pytest.mark.needs("sockets")
async def test_listen_makes_a_server_that_listens() -> None:
    server = Application([("/", Hello)]).listen(0, "127.0.0.1", backlog=5, max_body_size=1000)
    try:
        assert isinstance(server, HTTPServer)
        assert server.conn_params.limits.max_body_size == 1000
    finally:
        server.stop()
