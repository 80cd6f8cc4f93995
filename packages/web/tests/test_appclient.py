"""AppClient: what it sends, and what it gives back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPOutputError
from eyewall.web import Application, RequestHandler
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPConnection, HTTPMessageDelegate, RequestStartLine, ResponseStartLine


class Mirror(RequestHandler):
    def get(self) -> None:
        request = self.request
        self.write(
            {
                "method": request.method,
                "uri": request.uri,
                "host": request.host,
                "ip": request.remote_ip,
                "headers": dict(request.headers),
                "body": request.body.decode(),
            }
        )

    post = put = patch = delete = options = get


@pytest.mark.parametrize("method", ["get", "delete", "options", "post", "put", "patch"])
async def test_each_method_has_a_shortcut(method: str) -> None:
    sent = (await getattr(AppClient(Application([("/a", Mirror)])), method)("/a?b=c", headers={"X-Mine": "1"})).json()
    assert (sent["method"], sent["uri"], sent["headers"]["X-Mine"]) == (method.upper(), "/a?b=c", "1")


async def test_a_request_says_where_it_goes_and_comes_from() -> None:
    client = AppClient(Application([("/", Mirror)]), host="example.org:81", address=("198.51.100.7", 9))
    sent = (await client.get("/")).json()
    assert (sent["host"], sent["ip"]) == ("example.org:81", "198.51.100.7")


async def test_a_target_that_is_not_ascii_is_sent_as_utf_8() -> None:
    class Ask(RequestHandler):
        def get(self) -> None:
            self.write(self.get_argument("q"))

    assert (await AppClient(Application([("/", Ask)])).get("/?q=日本")).text == "日本"


async def test_a_body_is_bytes_text_a_form_or_json() -> None:
    client = AppClient(Application([("/", Mirror)]))
    for sent, content_type, body in (
        (await client.post("/", body="ü"), None, "ü"),
        (await client.post("/", body=b"x"), None, "x"),
        (
            await client.post("/", data={"a": "b c", "d": ["1", "2"]}),
            "application/x-www-form-urlencoded",
            "a=b+c&d=1&d=2",
        ),
        (await client.put("/", json={"a": [None]}), "application/json", '{"a": [null]}'),
        (await client.patch("/", json=1, headers={"content-type": "text/x"}), "text/x", "1"),
    ):
        answer = sent.json()
        assert (answer["headers"].get("Content-Type"), answer["body"]) == (content_type, body)
        assert answer["headers"]["Content-Length"] == str(len(body.encode()))


async def test_two_bodies_are_refused() -> None:
    with pytest.raises(ValueError, match="a request has one body"):
        await AppClient(Application()).post("/", body="a", json={})


async def test_a_response_is_text_in_its_charset_and_json() -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            self.set_header("Content-Type", 'text/plain; charset="latin-1"; x=y')
            self.write(b"\xfc")

    response = await AppClient(Application([("/", Handler)])).get("/")
    assert (response.status, response.text, response.body) == (200, "ü", b"\xfc")
    assert repr(response) == "<AppResponse 200 OK, 1 bytes>"
    with pytest.raises(ValueError, match="decode"):
        response.json()


async def test_an_answer_that_breaks_off_raises() -> None:
    class Handler(RequestHandler):
        async def get(self) -> None:
            await self.flush()
            raise ZeroDivisionError

    with pytest.raises(HTTPOutputError, match="broke off"):
        await AppClient(Application([("/", Handler)])).get("/")


class Silent:
    """An application of another make, which never answers."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        self.calls.append("start_request")
        return self

    def on_close(self, server_conn: object, /) -> None:
        self.calls.append("on_close")

    async def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        self.calls.append("headers_received")

    async def data_received(self, chunk: bytes, /) -> None:
        self.calls.append(chunk)

    def finish(self) -> None:
        self.calls.append("finish")

    def on_connection_close(self) -> None:
        self.calls.append("on_connection_close")


@pytest.mark.parametrize("app", [Mirror, Application, 3])
def test_what_is_no_application_is_refused_when_it_is_given(app: Any) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{app!r} cannot be asked: give an Application")):
        AppClient(app)


async def test_any_delegate_can_be_driven_and_one_that_never_answers_is_told_of() -> None:
    app = Silent()
    with pytest.raises(RuntimeError, match="before its answer was complete"):
        await AppClient(app).post("/", body="x")
    assert app.calls == ["start_request", "headers_received", b"x", "finish", "on_close"]
