"""What a handler is run through, and what it sends."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServerRequest, RequestStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.iostream import StreamClosedError
from eyewall.web import Application, Finish, HTTPError, RedirectHandler, RequestHandler
from eyewall.web.testing import AppClient, AppResponse

from ._dispatching import finish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import IOLoop


def client(handler: type[RequestHandler]) -> AppClient:
    return AppClient(Application([(r"/", handler)]))


async def answer(get: Callable[[RequestHandler], Awaitable[object] | None], **headers: str) -> AppResponse:
    """What a handler sends whose GET is the function."""

    class Handler(RequestHandler):
        def get(self) -> Awaitable[object] | None:
            return get(self)

    return await client(Handler).get("/", headers=headers)


async def test_a_handler_is_run_through_its_life_in_order() -> None:
    seen: list[str] = []

    class Handler(RequestHandler):
        def initialize(self, **kwargs: Any) -> None:
            seen.append("initialize")

        async def prepare(self) -> None:
            seen.append("prepare")

        def get(self) -> None:
            seen.append("get")

        def on_finish(self) -> None:
            seen.append("on_finish")

    await client(Handler).get("/")
    assert seen == ["initialize", "prepare", "get", "on_finish"]


async def test_methods_and_prepare_may_be_plain_or_coroutines(io_loop: IOLoop) -> None:
    class Handler(RequestHandler):
        def prepare(self) -> None:
            self.write("p")

        def get(self) -> None:
            self.write("g")

        async def post(self) -> None:
            waits = io_loop.create_future()
            io_loop.add_callback(waits.set_result, "o")
            self.write(await waits)

    assert (await client(Handler).get("/")).text == "pg"
    assert (await client(Handler).post("/")).text == "po"


async def test_a_handler_that_never_waits_costs_no_task_and_no_turn_of_the_loop(io_loop: IOLoop) -> None:
    class Handler(RequestHandler):
        async def get(self) -> None:
            self.finish("now")

    connection = RecordingConnection(io_loop)
    delegate = Application([("/", Handler)]).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
    waits = delegate.finish()
    assert isinstance(waits, Coroutine)
    with pytest.raises(StopIteration):
        waits.send(None)
    assert connection.body == b"now"


async def test_a_handler_that_is_no_coroutine_costs_none(io_loop: IOLoop) -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            self.write("now")

    connection = RecordingConnection(io_loop)
    delegate = Application([("/", Handler)]).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
    assert delegate.finish() is None
    assert connection.body == b"now"


async def test_prepare_may_finish_the_request() -> None:
    class Handler(RequestHandler):
        def prepare(self) -> None:
            self.finish("from prepare")

        def get(self) -> None:
            raise AssertionError

    assert (await client(Handler).get("/")).text == "from prepare"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "PUT", "OPTIONS"])
async def test_each_method_reaches_the_one_of_its_name(method: str) -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            self.write(self.request.method)

        post = delete = patch = put = options = get

    assert (await client(Handler).request(method, "/")).text == method


class GetAndPut(RequestHandler):
    def get(self) -> None:
        pass

    def put(self) -> None:
        pass

    def secret(self) -> None:
        raise AssertionError("a client has reached it")


@pytest.mark.parametrize(
    "method", ["POST", "HEAD", "OPTIONS", "SECRET", "secret", "FINISH", "CLEAR", "__INIT__", "get"]
)
async def test_a_method_that_the_handler_lacks_is_405_with_those_that_it_has(method: str) -> None:
    response = await client(GetAndPut).request(method, "/")
    assert (response.code, response.headers["Allow"]) == (405, "GET, PUT")


async def test_a_subclass_may_serve_further_methods() -> None:
    class Dav(RequestHandler):
        SUPPORTED_METHODS = (*RequestHandler.SUPPORTED_METHODS, "PROPFIND", "LOCK")

        def propfind(self) -> None:
            self.write("found")

    assert (await client(Dav).request("PROPFIND", "/")).text == "found"
    response = await client(Dav).request("LOCK", "/")
    assert (response.code, response.headers["Allow"]) == (405, "PROPFIND")


async def test_an_answer_begins_with_the_default_headers() -> None:
    response = await answer(lambda handler: handler.write("x"))
    assert response.headers["Server"] == "eyewall"
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert response.headers["Content-Length"] == "1"


async def test_one_answer_does_not_change_the_headers_of_the_next() -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            if self.get_argument("set", None):
                self.set_header("Server", "other")
                self.clear_header("Content-Type")

    one = client(Handler)
    assert (await one.get("/?set=1")).headers["Server"] == "other"
    response = await one.get("/")
    assert response.headers["Server"] == "eyewall"
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"


async def test_text_bytes_and_dicts_are_written() -> None:
    def get(handler: RequestHandler) -> None:
        handler.write("ü")
        handler.write(b"\xff")

    assert (await answer(get)).body == "ü".encode() + b"\xff"
    response = await answer(lambda handler: handler.write({"a": [1, "</script>"]}))
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert response.text == '{"a": [1, "<\\/script>"]}'
    assert response.json() == {"a": [1, "</script>"]}


@pytest.mark.parametrize(
    ("chunk", "remedy"), [(["a"], "put it into a dict"), (3, "convert it first"), (None, "convert")]
)
async def test_anything_else_is_not_written(chunk: Any, remedy: str) -> None:
    caught: list[TypeError] = []

    def get(handler: RequestHandler) -> None:
        with pytest.raises(TypeError, match=remedy) as raised:
            handler.write(chunk)
        caught.append(raised.value)

    assert (await answer(get)).code == 200
    assert type(chunk).__name__ in str(caught[0])


async def test_what_cannot_be_json_leaves_the_answer_as_it_was() -> None:
    def get(handler: RequestHandler) -> None:
        with pytest.raises(TypeError):
            handler.write({"a": object()})
        handler.write("text")

    response = await answer(get)
    assert (response.text, response.headers["Content-Type"]) == ("text", "text/html; charset=UTF-8")


async def test_nothing_is_written_after_the_end() -> None:
    raised: list[str] = []

    async def get(handler: RequestHandler) -> None:
        await handler.finish("end")
        for late in (lambda: handler.write("x"), handler.finish):
            with pytest.raises(RuntimeError) as caught:
                late()
            raised.append(str(caught.value))
        await handler.flush()

    assert (await answer(get)).text == "end"
    assert raised == [
        "write() after finish(): the response is complete",
        "finish() called twice: the response is complete",
    ]


async def test_headers_are_text_bytes_numbers_and_dates() -> None:
    def get(handler: RequestHandler) -> None:
        handler.set_header("X-Text", "a")
        handler.set_header("x-bytes", b"b\xe9")
        handler.set_header("X-Number", 3)
        handler.set_header("X-Date", datetime(1994, 11, 6, 8, 49, 37))  # noqa: DTZ001 - naive means UTC
        handler.set_header("X-Aware", datetime.fromisoformat("1994-11-06T09:49:37+01:00"))
        handler.add_header("X-Twice", "1")
        handler.add_header("X-Twice", 2)
        handler.set_header("X-Gone", "x")
        handler.clear_header("X-GONE")
        handler.clear_header("X-Never")

    headers = (await answer(get)).headers
    assert (headers["X-Text"], headers["X-Bytes"], headers["X-Number"]) == ("a", "bé", "3")
    assert headers["X-Date"] == headers["X-Aware"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert headers.get_list("X-Twice") == ["1", "2"]
    assert "X-Gone" not in headers


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\0", b"a\r\nb", "\x7f"])
async def test_no_header_value_can_begin_another_line(value: str | bytes) -> None:
    def get(handler: RequestHandler) -> None:
        for setter in (handler.set_header, handler.add_header):
            with pytest.raises(ValueError, match="cannot be the value of X-Mine"):
                setter("X-Mine", value)

    assert "X-Mine" not in (await answer(get)).headers


async def test_a_header_name_is_checked_too() -> None:
    def get(handler: RequestHandler) -> None:
        with pytest.raises(ValueError, match="cannot be a field name"):
            handler.set_header("X: y\r\nZ", "a")

    assert (await answer(get)).code == 200


async def test_a_header_of_another_type_is_refused() -> None:
    wrong: Any = 1.5

    def get(handler: RequestHandler) -> None:
        with pytest.raises(TypeError, match=r"1\.5 cannot be a header's value"):
            handler.set_header("X", wrong)

    assert (await answer(get)).code == 200


@pytest.mark.parametrize(
    ("status", "reason", "sent"),
    [
        (201, None, "Created"),
        (299, None, "Unknown"),
        (299, "Mine", "Mine"),
        (682, "Mine", "Mine"),
        (200, "Evil\r\nX: y", "Unknown"),
        (200, "<script>", "Unknown"),
        (200, "", ""),
    ],
)
async def test_a_status_has_a_reason(status: int, reason: str | None, sent: str) -> None:
    response = await answer(lambda handler: handler.set_status(status, reason))
    assert (response.code, response.reason) == (status, sent)


@pytest.mark.parametrize("status", [0, 99, 1000, -1])
async def test_a_status_that_is_none_is_refused(status: int) -> None:
    def get(handler: RequestHandler) -> None:
        with pytest.raises(ValueError, match=f"{status} is not a status"):
            handler.set_status(status)
        assert handler.get_status() == 200

    assert (await answer(get)).code == 200


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_is_sent_without_its_headers(status: int) -> None:
    def get(handler: RequestHandler) -> None:
        handler.set_status(status)
        handler.set_header("Content-Length", 10)

    response = await answer(get)
    assert (response.code, response.body) == (status, b"")
    assert not {"Content-Length", "Content-Type"} & set(response.headers)


async def test_a_body_with_a_status_that_has_none_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    def get(handler: RequestHandler) -> None:
        handler.set_status(204)
        handler.write("x")

    assert (await answer(get)).code == 500
    assert "a response of status 204 has no body" in caplog.text


async def test_head_has_the_length_of_what_get_would_send_and_no_body() -> None:
    class Handler(RequestHandler):
        def head(self) -> None:
            self.write("12345")

    response = await client(Handler).head("/")
    assert (response.code, response.headers["Content-Length"], response.body) == (200, "5", b"")


async def test_head_sends_no_body_in_pieces_either() -> None:
    class Handler(RequestHandler):
        async def head(self) -> None:
            self.set_header("Content-Length", 4)
            self.write("12")
            await self.flush()
            self.write("34")
            await self.flush()

    response = await client(Handler).head("/")
    assert (response.headers["Content-Length"], response.body) == ("4", b"")


async def test_head_and_body_are_one_write(io_loop: IOLoop) -> None:
    calls: list[str] = []

    class Watched(RecordingConnection):
        def write_headers(self, *args: Any, **kwargs: Any) -> Any:
            calls.append("write_headers")
            return super().write_headers(*args, **kwargs)

        def write(self, *args: Any, **kwargs: Any) -> Any:
            calls.append("write")
            return super().write(*args, **kwargs)

    class Handler(RequestHandler):
        def get(self) -> None:
            self.write("a")
            self.write("b")

    await run(Handler, Watched(io_loop))
    assert calls == ["write_headers"]


async def run(handler: type[RequestHandler], connection: RecordingConnection) -> None:
    """Do with a GET of the handler what a server does."""
    delegate = Application([("/", handler)]).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
    await finish(delegate)


async def test_flush_sends_what_there_is_without_a_length(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)

    class Handler(RequestHandler):
        async def get(self) -> None:
            self.write("a")
            self.write("b")
            await self.flush()
            assert connection.chunks == [b"ab"]
            self.write("c")

    await run(Handler, connection)
    assert (connection.body, connection.finished) == (b"abc", True)
    assert connection.headers is not None
    assert "Content-Length" not in connection.headers


async def test_flush_waits_for_a_client_that_is_slow(io_loop: IOLoop) -> None:
    connection = RecordingConnection(io_loop)
    connection.hold_writes()
    steps: list[str] = []

    class Handler(RequestHandler):
        async def get(self) -> None:
            self.write("a")
            await self.flush()
            steps.append("flushed")

    task = io_loop.spawn(run(Handler, connection))
    waits = io_loop.create_future()
    io_loop.call_later(0, waits.set_result, None)
    await waits
    assert (connection.body, steps) == (b"a", [])
    connection.release_writes()
    await task
    assert steps == ["flushed"]


async def test_a_handler_is_told_of_a_client_that_went_away(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    connection = RecordingConnection(io_loop)
    steps: list[str] = []

    class Handler(RequestHandler):
        async def get(self) -> None:
            connection.close()
            delegate.on_connection_close()
            self.write("a")
            with pytest.raises(StreamClosedError):
                await self.flush()
            steps.append("went on")

        def on_connection_close(self) -> None:
            steps.append("told")

        def on_finish(self) -> None:
            steps.append("on_finish")

    delegate = Application([("/", Handler)]).start_request(object(), connection)
    delegate.on_connection_close()
    delegate.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
    await finish(delegate)
    assert steps == ["told", "went on", "on_finish"]
    assert not [record for record in caplog.records if record.name == "eyewall.application"]


async def test_the_body_arrives_whole_however_it_was_cut(io_loop: IOLoop) -> None:
    class Handler(RequestHandler):
        def post(self) -> None:
            self.write(self.request.body)

    connection = RecordingConnection(io_loop, method="POST")
    delegate = Application([("/", Handler)]).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("POST", "/", "HTTP/1.1"), HTTPHeaders())
    for chunk in (b"a", b"bc", b"d"):
        delegate.data_received(chunk)
    await finish(delegate)
    assert connection.body == b"abcd"


@pytest.mark.parametrize(
    ("permanent", "status", "sent"), [(False, None, 302), (True, None, 301), (False, 303, 303), (True, 307, 307)]
)
async def test_redirects_go_where_they_were_sent(permanent: bool, status: int | None, sent: int) -> None:
    response = await answer(lambda handler: handler.redirect("/there?x=1", permanent, status))
    assert (response.code, response.headers["Location"], response.body) == (sent, "/there?x=1", b"")


@pytest.mark.parametrize("url", ["/a\r\nX-Evil: 1", "/a\nb", "/\0"])
async def test_a_redirect_cannot_inject_a_header(url: str, caplog: pytest.LogCaptureFixture) -> None:
    response = await answer(lambda handler: handler.redirect(url))
    assert response.code == 500
    assert not {"Location", "X-Evil"} & set(response.headers)
    assert "cannot be the value of Location" in caplog.text


async def test_a_redirect_that_does_not_redirect_is_refused() -> None:
    async def get(handler: RequestHandler) -> None:
        with pytest.raises(ValueError, match="200 does not redirect"):
            handler.redirect("/", status=200)
        await handler.flush()
        with pytest.raises(RuntimeError, match="after flush"):
            handler.redirect("/")

    assert (await answer(get)).code == 200


async def test_redirect_handler_redirects_with_parts_of_the_path_and_the_query() -> None:
    app = Application(
        [
            (r"/old/(.*)", RedirectHandler, {"url": "/new/{0}"}),
            (r"/now", RedirectHandler, {"url": "/then?a=1", "permanent": False}),
        ]
    )
    response = await AppClient(app).get("/old/x?q=2")
    assert (response.code, response.headers["Location"]) == (301, "/new/x?q=2")
    response = await AppClient(app).head("/now?q=2")
    assert (response.code, response.headers["Location"]) == (302, "/then?a=1&q=2")


REDIRECTS = {
    "/pair/(.*?)/(.*)": "/{1}/{0}",
    "/any/(.*)": "{0}",
    "/host(.*)": "https://Example.com{0}",
    "/bare/(.*)": "https://{0}",
    "/scheme/(.*)": "https:{0}",
    "/slash/(.*)": "/{0}",
}


def redirecting() -> AppClient:
    return AppClient(Application([(pattern, RedirectHandler, {"url": url}) for pattern, url in REDIRECTS.items()]))


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/pair/a/b/c", "/b/c/a"),
        ("/any/foo/bar", "foo/bar"),
        ("/host/x", "https://Example.com/x"),
        ("/host?q", "https://Example.com?q"),
        ("/slash/%C3%A9", "/Ã©"),
        ("/slash/a?to=//evil.example", "/a?to=//evil.example"),
    ],
)
async def test_a_redirect_may_be_made_of_the_path(path: str, location: str) -> None:
    response = await redirecting().get(path)
    assert (response.code, response.headers["Location"]) == (301, location)


@pytest.mark.parametrize(
    "path",
    [
        "/pair/x//evil.example",
        "/pair/x/%5Cevil.example",
        "/pair/x/%09/evil.example",
        "/pair/x///evil.example",
        "/slash/%2Fevil.example",
        "/slash/%5C%5Cevil.example",
        "/slash/%0D%0A/evil.example",
        "/any///evil.example",
        "/any/https://evil.example/",
        "/any/%20https:evil.example",
        "/any/HTTP:/evil.example",
        "/any/%01//evil.example",
        "/any/javascript:alert(1)",
        "/any/%5C%5Cevil.example",
        "/host.evil.example/x",
        "/host@evil.example/x",
        "/host:8080/x",
        "/bare/evil.example",
        "/bare//evil.example",
        "/scheme/evil.example",
        "/scheme//evil.example",
        "/slash/a%0Ab",
        "/slash/a%00b",
    ],
)
async def test_no_path_makes_a_redirect_to_another_host(path: str) -> None:
    response = await redirecting().get(path)
    assert response.code == 400
    assert "Location" not in response.headers


async def test_a_handler_knows_its_application_settings_and_path() -> None:
    class Handler(RequestHandler):
        def get(self, number: str) -> None:
            self.write({"same": self.settings is self.application.settings, "colour": self.settings["colour"]})
            assert list(self.path_args) == [number]
            assert dict(self.path_kwargs) == {}

    app = Application([(r"/([0-9]+)", Handler)], colour="red")
    assert (await AppClient(app).get("/7")).json() == {"same": True, "colour": "red"}


def test_a_handler_needs_a_connection() -> None:
    with pytest.raises(ValueError, match="needs a request that has a connection"):
        RequestHandler(Application(), HTTPServerRequest("GET", "/"))


async def test_finish_ends_a_request_as_it_stands() -> None:
    def get(handler: RequestHandler) -> None:
        handler.set_status(401)
        handler.write("sorry, ")
        raise Finish("not you")

    response = await answer(get)
    assert (response.code, response.text) == (401, "sorry, not you")


async def test_finish_after_the_end_changes_nothing() -> None:
    def get(handler: RequestHandler) -> None:
        handler.finish("done")
        raise Finish

    assert (await answer(get)).text == "done"


async def test_set_default_headers_is_on_every_answer_error_pages_too() -> None:
    class Handler(RequestHandler):
        def set_default_headers(self) -> None:
            self.set_header("Server", "mine")

        def get(self) -> None:
            raise HTTPError(403)

    response = await client(Handler).get("/")
    assert (response.code, response.headers["Server"]) == (403, "mine")


async def test_a_response_that_a_program_of_tornado_leaves_open_is_told_how_here(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Later(RequestHandler):
        def get(self) -> None:
            self._auto_finish = False

    assert (await AppClient(Application([("/", Later)])).get("/")).code == 500
    assert "make that an `async def` that awaits what the response waits for" in caplog.text
