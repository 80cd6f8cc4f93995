"""What becomes of a request that goes wrong: for the client, in the log, and for the server."""

from __future__ import annotations

import errno
import logging
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPInputError, HTTPOutputError, RequestStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.iostream import StreamClosedError
from eyewall.web import Application, HTTPError, MissingArgumentError, RequestHandler
from eyewall.web.testing import AppClient, AppResponse

from ._dispatching import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import IOLoop


async def answer(get: Callable[[RequestHandler], object], path: str = "/") -> AppResponse:
    """What is sent for a GET that is the function."""

    class Handler(RequestHandler):
        async def get(self, *args: str) -> None:
            get(self)

    return await AppClient(Application([(r"(?s)/.*", Handler)])).get(path)


def raising(error: BaseException) -> Callable[[RequestHandler], NoReturn]:
    def get(handler: RequestHandler) -> NoReturn:
        handler.write("never sent")
        raise error

    return get


async def test_a_handler_that_raises_gets_a_500_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    response = await answer(raising(ZeroDivisionError("the secret")), "/x?a=1")
    assert (response.code, response.reason) == (500, "Internal Server Error")
    assert (
        response.text == "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>"
    )
    [record] = [record for record in caplog.records if record.name == "eyewall.application"]
    assert record.getMessage() == "Uncaught exception GET /x?a=1 (127.0.0.1)"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_prepare_and_initialize_that_raise_get_a_500_too(caplog: pytest.LogCaptureFixture) -> None:
    class InPrepare(RequestHandler):
        def prepare(self) -> None:
            raise ZeroDivisionError("in prepare")

    class InInitialize(RequestHandler):
        def initialize(self) -> None:
            raise ZeroDivisionError("in initialize")

    client = AppClient(Application([("/p", InPrepare), ("/i", InInitialize)]))
    assert [(await client.get(path)).code for path in ("/p", "/i")] == [500, 500]
    assert "ZeroDivisionError: in prepare" in caplog.text
    assert "ZeroDivisionError: in initialize" in caplog.text


async def test_an_http_error_is_its_status_and_its_message_stays_here(caplog: pytest.LogCaptureFixture) -> None:
    response = await answer(raising(HTTPError(404, "no message %d of %s", 7, "anna")))
    assert (response.code, response.reason) == (404, "Not Found")
    assert "anna" not in response.text
    [record] = [record for record in caplog.records if record.name == "eyewall.general"]
    assert (record.levelname, record.getMessage()) == ("WARNING", "404 GET / (127.0.0.1): no message 7 of anna")
    assert record.exc_info is None


async def test_an_http_error_may_have_its_own_reason() -> None:
    response = await answer(raising(HTTPError(499, reason="Too Late")))
    assert (response.code, response.reason) == (499, "Too Late")


async def test_a_reason_is_escaped_in_the_page_and_checked_for_the_line() -> None:
    response = await answer(raising(HTTPError(400, reason="a & b")))
    assert "400: a &amp; b" in response.text
    response = await answer(raising(HTTPError(400, reason="<script>\r\nX: y")))
    assert response.reason == "Unknown"
    assert "script" not in response.text


def test_an_http_error_tells_what_it_is() -> None:
    assert str(HTTPError(404)) == "HTTP 404: Not Found"
    assert str(HTTPError(404, "no %s", "x")) == "HTTP 404: Not Found (no x)"
    assert str(HTTPError(299, "100%", reason="Mine")) == "HTTP 299: Mine (100%)"
    error = HTTPError(400, "100%")
    assert error.log_message is not None
    assert error.log_message % error.args == error.get_message() == "100%"
    missing = MissingArgumentError("a")
    assert (missing.status_code, missing.arg_name, missing.get_message()) == (400, "a", "Missing argument a")


class TornadoShaped(Exception):  # noqa: N818 - stands for tornado.web.HTTPError
    def __init__(self) -> None:
        super().__init__()
        self.status_code = 409
        self.log_message = "both of %d"
        self.reason = "Taken"

    def get_message(self) -> str:
        return "both of 2"


async def test_an_http_error_of_tornado_is_recognised_by_its_shape(caplog: pytest.LogCaptureFixture) -> None:
    response = await answer(raising(TornadoShaped()))
    assert (response.code, response.reason) == (409, "Taken")
    assert "409 GET / (127.0.0.1): both of 2" in caplog.text


async def test_a_finish_of_tornado_is_recognised_by_its_name() -> None:
    finish = type("Finish", (Exception,), {"__module__": "tornado.web"})
    response = await answer(raising(finish(", sent")))
    assert (response.code, response.text) == (200, "never sent, sent")


async def test_an_error_that_happens_to_have_a_status_is_a_500() -> None:
    class HTTPStatusError(Exception):
        status_code = 404

    assert (await answer(raising(HTTPStatusError()))).code == 500


async def test_a_malformed_request_found_by_the_handler_is_the_clients_fault() -> None:
    assert (await answer(raising(HTTPInputError("odd", status=415)))).code == 415


async def test_a_bad_header_made_by_the_handler_is_a_500() -> None:
    assert (await answer(lambda handler: handler.set_header("X", "a\r\nb"))).code == 500


async def test_send_error_replaces_what_was_written() -> None:
    def get(handler: RequestHandler) -> None:
        handler.set_header("X-Mine", "1")
        handler.write("never sent")
        handler.send_error(403, reason="Go Away")

    response = await answer(get)
    assert (response.code, response.reason) == (403, "Go Away")
    assert "X-Mine" not in response.headers
    assert "never sent" not in response.text


@pytest.mark.parametrize("status", [204, 304])
async def test_an_error_whose_status_has_no_body_has_none(status: int) -> None:
    response = await answer(raising(HTTPError(status)))
    assert (response.code, response.body) == (status, b"")


async def test_write_error_may_be_overridden_and_knows_the_cause() -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            raise ZeroDivisionError

        def write_error(self, status_code: int, **kwargs: Any) -> None:
            self.write({"status": status_code, "kind": kwargs["exc_info"][0].__name__})

    response = await AppClient(Application([("/", Handler)])).get("/")
    assert (response.code, response.json()) == (500, {"status": 500, "kind": "ZeroDivisionError"})


async def test_a_write_error_that_raises_still_gives_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            raise HTTPError(404)

        def write_error(self, status_code: int, **kwargs: Any) -> None:
            raise ZeroDivisionError("in write_error")

    assert (await AppClient(Application([("/", Handler)])).get("/")).code == 404
    assert "ZeroDivisionError: in write_error" in caplog.text


async def test_an_answer_is_given_even_where_no_error_page_can_be_made(caplog: pytest.LogCaptureFixture) -> None:
    finished: list[str] = []

    class Handler(RequestHandler):
        def set_default_headers(self) -> None:
            if self.get_argument("broken", None):
                self.set_header("X", "a\nb")

        def get(self) -> None:
            self.request.arguments["broken"] = [b"1"]
            raise ZeroDivisionError

        def on_finish(self) -> None:
            finished.append("on_finish")

    response = await AppClient(Application([("/", Handler)])).get("/")
    assert (response.code, response.body, finished) == (500, b"", ["on_finish"])
    assert "cannot be the value of X" in caplog.text


async def test_a_status_that_is_none_becomes_a_500() -> None:
    assert (await answer(raising(HTTPError(1000)))).code == 500


async def test_log_exception_may_be_overridden(caplog: pytest.LogCaptureFixture) -> None:
    logged: list[BaseException | None] = []

    class Handler(RequestHandler):
        def get(self) -> None:
            raise ZeroDivisionError

        def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
            logged.append(value)

    assert (await AppClient(Application([("/", Handler)])).get("/")).code == 500
    assert isinstance(logged[0], ZeroDivisionError)
    assert "ZeroDivisionError" not in caplog.text


async def test_a_log_exception_that_raises_does_not_take_the_answer_along(caplog: pytest.LogCaptureFixture) -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            raise HTTPError(404)

        def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
            raise ZeroDivisionError("in log_exception")

    assert (await AppClient(Application([("/", Handler)])).get("/")).code == 404
    assert "in log_exception" in caplog.text


def begun(handler: type[RequestHandler], connection: RecordingConnection) -> Any:
    delegate = Application([("/", handler)]).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders())
    return delegate


async def test_an_exception_after_the_headers_ends_the_connection_and_is_logged(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    finished: list[str] = []

    class Handler(RequestHandler):
        async def get(self) -> None:
            self.write("begun")
            await self.flush()
            raise ZeroDivisionError("too late")

        def on_finish(self) -> None:
            finished.append("on_finish")

    connection = RecordingConnection(io_loop)
    with pytest.raises(HTTPOutputError, match=r"the response to GET / \(192\.0\.2\.1\) broke off"):
        await finish(begun(Handler, connection))
    assert (connection.body, connection.finished, finished) == (b"begun", False, ["on_finish"])
    assert caplog.text.count("ZeroDivisionError: too late") == 1


async def test_a_body_shorter_than_it_promised_ends_the_connection(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(RequestHandler):
        async def get(self) -> None:
            self.set_header("Content-Length", 10)
            self.write("abc")

    connection = RecordingConnection(io_loop)
    with pytest.raises(HTTPOutputError):
        await finish(begun(Handler, connection))
    assert not connection.finished
    assert "7 bytes shorter than its Content-Length" in caplog.text


async def test_send_error_after_the_headers_ends_the_connection(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(RequestHandler):
        async def get(self) -> None:
            await self.flush()
            self.send_error(500)

    with pytest.raises(HTTPOutputError):
        await finish(begun(Handler, RecordingConnection(io_loop)))
    assert "send_error() after flush()" in caplog.text


async def test_send_error_after_the_end_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    def get(handler: RequestHandler) -> None:
        handler.finish("done")
        handler.send_error(500)

    assert (await answer(get)).text == "done"
    assert "send_error() after finish()" in caplog.text


async def test_a_client_that_leaves_in_the_middle_is_no_error_of_the_application(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.general")
    connection = RecordingConnection(io_loop)

    class Handler(RequestHandler):
        async def get(self) -> None:
            await self.flush()
            connection.close()
            self.write("x")
            await self.flush()

    with pytest.raises(StreamClosedError):
        await finish(begun(Handler, connection))
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "GET / (192.0.2.1): the client went away" in caplog.text


async def test_a_client_that_leaves_before_the_end_was_sent_is_no_error_either(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    connection = RecordingConnection(io_loop)

    class Handler(RequestHandler):
        async def get(self) -> None:
            connection.close()
            await self.finish("into the void")

    await finish(begun(Handler, connection))
    assert caplog.records == []


async def test_a_stream_of_the_handlers_own_that_closes_is_an_error_of_the_application(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await answer(raising(StreamClosedError()))).code == 500

    class Handler(RequestHandler):
        async def get(self) -> None:
            await self.flush()
            raise StreamClosedError(ConnectionResetError("of the database"))

    with pytest.raises(HTTPOutputError):
        await finish(begun(Handler, RecordingConnection(io_loop)))
    assert "of the database" in caplog.text


async def test_a_cancelled_handler_cleans_up_and_stays_cancelled(io_loop: IOLoop) -> None:
    finished: list[str] = []

    class Handler(RequestHandler):
        async def get(self) -> None:
            await io_loop.create_future()

        def on_finish(self) -> None:
            finished.append("on_finish")

    connection = RecordingConnection(io_loop)
    with io_loop.cancel_scope(deadline=io_loop.time() + 0.01) as scope:
        await finish(begun(Handler, connection))
    assert (scope.cancelled_caught, finished, connection.start_line) == (True, ["on_finish"], None)


async def test_callbacks_that_raise_are_logged(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    class Handler(RequestHandler):
        def get(self) -> None:
            delegate.on_connection_close()

        def on_connection_close(self) -> None:
            raise ZeroDivisionError("in on_connection_close")

        def on_finish(self) -> None:
            raise ZeroDivisionError("in on_finish")

    connection = RecordingConnection(io_loop)
    delegate = begun(Handler, connection)
    await finish(delegate)
    assert connection.finished
    assert "ZeroDivisionError: in on_connection_close" in caplog.text
    assert "ZeroDivisionError: in on_finish" in caplog.text


async def test_an_application_answers_requests_only(io_loop: IOLoop) -> None:
    from eyewall.httpserver import ResponseStartLine

    delegate = Application().start_request(object(), RecordingConnection(io_loop))
    with pytest.raises(TypeError, match="begins a response"):
        delegate.headers_received(ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders())


class Statuses(RequestHandler):
    def get(self, status: str) -> None:
        self.set_status(int(status))


@pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (302, "INFO"), (404, "WARNING"), (503, "ERROR")])
async def test_each_answer_is_a_line_of_the_access_log(
    status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.access")
    await AppClient(Application([(r"/(\d+)", Statuses)]), address=("198.51.100.7", 1)).get(f"/{status}?a=1")
    [record] = [record for record in caplog.records if record.name == "eyewall.access"]
    line = record.getMessage()
    assert record.levelname == level
    assert line.startswith(f"{status} GET /{status}?a=1 (198.51.100.7) ")
    assert line.endswith("ms")


async def test_the_access_log_is_left_out_where_it_is_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "eyewall.access")
    await AppClient(Application([(r"/(\d+)", Statuses)])).get("/200")
    assert caplog.records == []


async def test_a_log_function_takes_the_place_of_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    logged: list[int] = []
    app = Application([(r"/(\d+)", Statuses)], log_function=lambda handler: logged.append(handler.get_status()))
    await AppClient(app).get("/503")
    assert (logged, caplog.records) == ([503], [])


async def test_no_control_character_of_a_client_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    evil = "/x\x1b[31m\r\nfake line\x9b\u2028"

    def get(handler: RequestHandler) -> None:
        raise HTTPError(400, "you sent %s", handler.request.uri)

    await answer(get, evil)
    await answer(raising(ZeroDivisionError()), evil)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("eyewall.")]
    assert len(messages) == 4
    assert all(message.isprintable() for message in messages)
    assert all("\\x1b[31m\\r\\nfake lineÂ\\x9bâ\\x80¨" in message for message in messages)


async def test_awaiting_what_was_cancelled_is_an_error_like_any_other(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait() -> None:
        await io_loop.create_future()

    class Handler(RequestHandler):
        async def get(self) -> None:
            task = io_loop.spawn(wait())
            pause = io_loop.create_future()
            io_loop.add_callback(pause.set_result, None)
            await pause
            task.cancel()
            await task

    assert (await AppClient(Application([("/", Handler)])).get("/")).code == 500
    assert "Uncaught exception GET /" in caplog.text


NOTHING: dict[str, str] = {}


class Boom(RequestHandler):
    def get(self, name: str) -> None:
        try:
            NOTHING["<inner>"]
        except KeyError as error:
            raise ValueError("<b>outer</b>") from error

    def post(self, name: str) -> None:
        raise HTTPError(404)


async def test_with_debug_a_page_shows_where_it_was_raised_and_escapes_everything() -> None:
    client = AppClient(Application([("/(.*)", Boom)], debug=True, autoreload=False))
    response = await client.get("/<x>?<y>", headers={"X-Evil": "<script>"})
    assert response.code == 500
    assert response.headers["Content-Type"].startswith("text/html")
    for expected in (
        "ValueError: &lt;b&gt;outer&lt;/b&gt;",
        "From KeyError: &#x27;&lt;inner&gt;&#x27;",
        "Boom.get",
        "NOTHING[&quot;&lt;inner&gt;&quot;]",
        "&lt;script&gt;",
        "/&lt;x&gt;?&lt;y&gt;",
    ):
        assert expected in response.text
    assert "<b>outer" not in response.text
    assert "<script>" not in response.text
    assert "HTTPError" in (await client.post("/x")).text


async def test_without_it_nothing_of_a_trace_is_shown() -> None:
    response = await AppClient(Application([("/(.*)", Boom)])).get("/x")
    assert (
        response.text == "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>"
    )
    text = await AppClient(Application([("/(.*)", Boom)], serve_traceback=True)).get("/x")
    assert text.headers["Content-Type"].startswith("text/plain")
    assert text.text.startswith("Traceback (most recent call last):")


def test_debug_stands_for_settings_that_can_still_be_set() -> None:
    assert Application(debug=True, autoreload=False).settings["compiled_template_cache"] is False
    assert Application(debug=True, autoreload=False, serve_traceback=False).settings["serve_traceback"] is False


@pytest.mark.parametrize(
    ("result", "told"),
    [("text", "get() returned str: write() it"), ((number for number in [1]), "get() is a generator")],
)
async def test_what_a_plain_method_returns_and_cannot_be_awaited_is_named(
    result: object, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Returns(RequestHandler):
        def get(self) -> object:
            return result

    assert (await AppClient(Application([("/", Returns)])).get("/")).code == 500
    assert f"TypeError: Returns.{told}" in caplog.text


async def test_a_status_that_is_no_number_is_named_where_it_is_given(caplog: pytest.LogCaptureFixture) -> None:
    assert (await answer(lambda handler: handler.set_status("gone"))).code == 500  # type: ignore[arg-type] # the mistake
    assert "'gone' is not a status: give a number, such as 404" in caplog.text
    with pytest.raises(TypeError, match=r"'gone' is not a status: give the number first, HTTPError\(400, 'gone'\)"):
        HTTPError("gone")  # type: ignore[arg-type] # the mistake


async def test_an_error_page_is_made_where_nothing_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "html", None)  # as with no descriptors left
    response = await answer(raising(OSError(errno.EMFILE, "Too many open files")))
    assert (response.code, "500: Internal Server Error" in response.text) == (500, True)


async def test_an_error_of_the_programs_own_may_set_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    class BrokeError(HTTPError):
        """As programs of Tornado's have it, which do not call the base."""

        def __init__(self, amount: int) -> None:
            self.status_code = 402  # type: ignore[misc] # as is said above
            self.reason = None  # type: ignore[misc] # the same
            self.log_message = "%d are missing"
            self.args = (amount,)

    class Pay(RequestHandler):
        def get(self) -> None:
            raise BrokeError(7)

    assert (await AppClient(Application([("/", Pay)])).get("/")).code == 402
    assert "7 are missing" in caplog.text
    changed = HTTPError(400, "no")
    changed.log_message = "100 %"
    assert changed.get_message() == "100 %"
    assert str(changed) == "HTTP 400: Bad Request (100 %)"
