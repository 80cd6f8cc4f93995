"""Fields that a handler sets for every response are known from the second time on, and nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyewall.httpserver import HTTPHeaders, HTTPOutputError, HTTPServerRequest
from eyewall.httpserver.testing import RecordingConnection
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.web import Application, Handler, RequestHandler, StaticFileHandler, _defaults
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyewall.web._base import HandlerBase

STEPS: dict[str, Callable[[HandlerBase], object]] = {
    "set": lambda handler: handler.set_header("X-Set", "a"),
    "set in another case": lambda handler: handler.set_header("x-set", " b "),
    "set bytes": lambda handler: handler.set_header("X-Bytes", b"\xe9"),
    "set a type": lambda handler: handler.set_header("Content-Type", "text/plain"),
    "set a tag": lambda handler: handler.set_header("ETag", '"own"'),
    "set a length": lambda handler: handler.set_header("content-length", 9),
    "add": lambda handler: handler.add_header("X-Set", "c"),
    "take back": lambda handler: handler.clear_header("X-Set"),
    "clear": lambda handler: handler.clear(),
    "JSON": lambda handler: handler.write({"a": 12}),
    "text": lambda handler: handler.write("some text"),
    "no body": lambda handler: handler.set_status(304),
    "failed": lambda handler: handler.set_status(404),
}


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    forget()


def forget() -> None:
    _defaults._known.clear()
    _defaults._asked[:] = [0] * len(_defaults._asked)


class Stepping(RequestHandler):
    """Does what it is told."""

    def get(self, steps: list[str]) -> None:
        for step in steps:
            STEPS[step](self)

    def initialize(self, steps: list[str]) -> None:
        self.path_args = [steps]


def sent(steps: list[str]) -> tuple[object, ...]:
    """What a handler answers, or what it raises, where it takes these steps."""
    with SimulatedLoop() as io_loop:
        connection = RecordingConnection(io_loop)
        application = Application()
        handler = Stepping(application, HTTPServerRequest("GET", "/", connection=connection), steps=steps)
        try:
            handler.get(steps)
            handler.finish()
        except (RuntimeError, HTTPOutputError) as error:
            return (str(error),)
        headers = connection.headers
        assert headers is not None
        return connection.start_line, sorted(headers.get_all()), connection.body


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=6))
def test_fields_that_are_known_are_sent_as_if_they_were_not(steps: list[str]) -> None:
    forget()
    first = sent(steps)
    for _ in range(len(steps) + 3):
        assert sent(steps) == first


class Secure(RequestHandler):
    """Sets the same for every response, and one field that the client chooses."""

    def set_default_headers(self) -> None:
        self.set_header("X-Frame-Options", "DENY")

    def get(self) -> None:
        if (value := self.get_argument("value", None)) is not None:
            self.set_header(self.get_argument("name", "X-Echo"), value)
        self.write("text")


async def test_what_is_set_each_time_is_known_and_one_response_does_not_change_the_next() -> None:
    app = AppClient(Application([("/", Secure)]))
    for _ in range(3):
        assert (await app.get("/")).headers["X-Frame-Options"] == "DENY"
    known = _defaults._known[_defaults.HTML, "X-Frame-Options", "DENY"]
    for value in ("a", "a", "a", "b"):
        assert (await app.get(f"/?value={value}")).headers["X-Echo"] == value
        assert (await app.get("/?name=x-frame-options&value=ALLOW")).headers.get_list("X-Frame-Options") == ["ALLOW"]
    response = await app.get("/")
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "X-Echo" not in response.headers
    assert list(known.copy()) == ["Server", "Content-Type", "X-Frame-Options"]


async def test_what_is_another_each_time_is_not_kept_nor_what_lets_somebody_in() -> None:
    app = AppClient(Application([("/", Secure)]))
    for number in range(50):
        assert (await app.get(f"/?value=secret{number}")).headers["X-Echo"] == f"secret{number}"
    for name in ("Set-Cookie", "set-cookie", "Authorization", "X-Long"):
        value = "secret" * (100 if name == "X-Long" else 1)
        for _ in range(4):
            assert (await app.get(f"/?name={name}&value={value}")).headers[name] == value
    assert not any("secret" in value for _, _, value in _defaults._known)


async def test_no_more_are_known_than_there_is_room_for() -> None:
    app = AppClient(Application([("/", Secure)]))
    for number in range(_defaults._MOST_KNOWN * 2):
        for _ in range(2):
            await app.get(f"/?value={number}")
        assert len(_defaults._known) <= _defaults._MOST_KNOWN


def test_lengths_that_somebody_has_made_up_give_way_to_others() -> None:
    defaults = _defaults.Defaults(HTTPHeaders({"Content-Type": "text/plain"}))
    for length in range(100):
        assert defaults.with_length(length)["Content-Length"] == str(length)
        assert len(defaults._by_length) <= defaults._max_lengths
    assert defaults.with_length(99) is defaults.with_length(99)


def test_a_value_that_cannot_be_one_is_refused_every_time() -> None:
    with SimulatedLoop() as io_loop:
        for _ in range(4):
            handler = Stepping(Application(), HTTPServerRequest(connection=RecordingConnection(io_loop)), steps=[])
            for name, value in (("X-Set", "a\r\nX: y"), ("X\n", "a"), ("X-Set", "\N{SNOWMAN}")):
                with pytest.raises(ValueError, match="cannot be"):
                    handler.set_header(name, value)


async def test_a_type_that_is_set_each_time_is_that_of_a_returned_value_too() -> None:
    class Problem(Handler[None]):
        def get(self) -> dict[str, int]:
            self.set_header("X-A", "a")
            self.set_header("Content-Type", "application/problem+json")
            return {"a": 1}

    app = AppClient(Application([("/", Problem)]))
    for _ in range(5):
        response = await app.get("/")
        assert (response.headers["Content-Type"], response.json()) == ("application/problem+json", {"a": 1})


async def test_a_file_from_memory_has_what_is_set_for_this_request_and_no_other(tmp_path: Path) -> None:
    class Files(StaticFileHandler):
        def prepare(self) -> None:
            if self.request.query:
                self.set_header("X-Query", self.request.query)

    (tmp_path / "a.txt").write_text("text")
    app = AppClient(Application([("/(.*)", Files, {"path": str(tmp_path)})]))
    for query in ("", "", "?a", "?a", "?a", "?b", ""):
        response = await app.get(f"/a.txt{query}")
        assert (response.headers.get("X-Query", ""), response.text) == (query[1:], "text")
