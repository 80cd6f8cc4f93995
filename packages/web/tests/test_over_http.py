"""An application behind the real HTTP server, over streams in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServer, ResponseStartLine
from eyewall.ioloop import IOLoop
from eyewall.tcpserver.testing import connect
from eyewall.web import Application, FallbackHandler, RequestHandler, RouteError, SettingError
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPServerRequest


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


@pytest.mark.parametrize(
    ("name", "value"), [("Transfer-Encoding", "chunked"), ("Content-Length", "1"), ("Content-Length", "x")]
)
async def test_headers_that_cannot_be_sent_become_an_error_page(
    name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Misframed(RequestHandler):
        async def get(self) -> None:
            self.set_header(name, value)
            self.write("two")

        def write_error(self, status_code: int, **kwargs: object) -> None:
            self.finish(f"my page of {status_code}")

    server = HTTPServer(Application([("/", Misframed)]))
    one, two = (await talk(server, request("GET", "/"), request("GET", "/none", "Connection: close"))).split(
        "HTTP/1.1 "
    )[1:]
    assert one.startswith("500 Internal Server Error\r\n")
    assert one.endswith("\r\n\r\nmy page of 500")
    assert two.startswith("404 Not Found\r\n")
    logged = [record.getMessage()[:3] for record in caplog.records if record.name == "eyewall.access"]
    assert logged == ["500", "404"]


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


async def test_a_handler_may_take_the_connection_over(io_loop: IOLoop) -> None:
    class Takes(RequestHandler):
        async def get(self) -> None:
            stream = self.detach()
            await stream.write(b"220 ready\r\n")
            await stream.write((await stream.read_until(b"\n")).upper())
            stream.close()

    client = connect(HTTPServer(Application([("/", Takes)])), io_loop=io_loop)
    await client.write(request("GET", "/").encode() + b"hello\n")
    assert await client.read_until_close() == b"220 ready\r\nHELLO\n"


@pytest.mark.parametrize("waits", [False, True])
async def test_what_a_fallback_answers_is_the_answer(waits: bool) -> None:
    ended: list[str] = []

    def answer(request: HTTPServerRequest) -> None:
        body = request.path.encode()
        fields = HTTPHeaders({"Content-Length": str(len(body))})
        request.connection.write_headers(ResponseStartLine("", 200, "OK"), fields, body)
        request.connection.finish()

    async def answer_later(request: HTTPServerRequest) -> None:
        await IOLoop.current().run_in_executor(None, ended.append, "waited")
        answer(request)

    class Counted(FallbackHandler):
        def on_finish(self) -> None:
            ended.append("on_finish")

    fallback = answer_later if waits else answer
    server = HTTPServer(Application([("/", Hello), ("/.*", Counted, {"fallback": fallback})]))
    answers = await talk(server, request("GET", "/old"), request("GET", "/", "Connection: close"))
    assert answers.count("HTTP/1.1 200 OK") == 2
    assert "/old" in answers
    assert answers.endswith("Hello, world!")
    assert ended == (["waited", "on_finish"] if waits else ["on_finish"])


@pytest.mark.parametrize("fallback", [3, Hello])
def test_a_fallback_that_cannot_be_called_with_a_request_is_refused_at_the_start(fallback: object) -> None:
    with pytest.raises(RouteError, match=re.escape(f"fallback is {fallback!r}: give a function")):
        Application([("/.*", FallbackHandler, {"fallback": fallback})])


def test_an_application_is_no_fallback_but_the_target_of_a_route() -> None:
    with pytest.raises(RouteError, match="make that the target of the route, as a handler is"):
        Application([("/.*", FallbackHandler, {"fallback": Application()})])


async def test_a_fallback_that_raises_is_answered_500(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: HTTPServerRequest) -> None:
        raise ZeroDivisionError(request.path)

    server = HTTPServer(Application([("/.*", FallbackHandler, {"fallback": broken})]))
    assert "500 Internal Server Error" in await talk(server, request("GET", "/old", "Connection: close"))
    assert "Uncaught exception GET /old" in caplog.text


async def test_a_setting_that_is_missing_is_named() -> None:
    class Needs(RequestHandler):
        def get(self) -> None:
            with pytest.raises(SettingError, match="login needs the setting login_url"):
                self.require_setting("login_url", "login")
            self.require_setting("told")
            self.write("there")

    assert (await AppClient(Application([("/", Needs)], told=["x"])).get("/")).text == "there"
