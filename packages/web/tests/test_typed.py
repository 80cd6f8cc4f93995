"""Typed routes and handlers, as they run; what a type checker makes of them is tested beside the downstream program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.web import (
    INT,
    PATH,
    ROOT,
    TEXT,
    Application,
    EventSourceHandler,
    Handler,
    Part,
    RequestHandler,
    RouteError,
    WebSocketHandler,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

DAY = Part("[0-9-]{10}", date.fromisoformat)


class Names:
    def __init__(self) -> None:
        self.names = {7: "Ada"}


@dataclass
class User:
    number: int
    name: str
    born: date


class Show(Handler[Names]):
    async def get(self, number: int) -> User:
        return User(number, self.state.names[number], date(1815, 12, 10))


USER = ROOT / "users" / INT


async def test_a_value_that_is_returned_is_the_response() -> None:
    client = AppClient(Application([USER.to(Show)], state=Names()))
    response = await client.get("/users/7")
    assert response.json() == {"number": 7, "name": "Ada", "born": "1815-12-10"}
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert (await client.get("/users/x")).code == 404
    assert (await client.post("/users/7")).code == 405


async def returned(result: Any, content_type: str | None = None) -> tuple[bytes, str]:
    class Give(Handler[None]):
        def get(self) -> object:
            if content_type is not None:
                self.set_header("Content-Type", content_type)
            return result

    response = await AppClient(Application([ROOT.to(Give)])).get("/")
    return response.body, response.headers["Content-Type"].partition(";")[0]


@pytest.mark.parametrize(
    ("result", "body", "content_type"),
    [
        ("text", b"text", "text/html"),
        (b"bytes", b"bytes", "text/html"),
        ({"a": 1}, b'{"a":1}', "application/json"),
        ([1, "zwei", None], b'[1,"zwei",null]', "application/json"),
        (0, b"0", "application/json"),
        (False, b"false", "application/json"),
        ({"set": {1}}, b'{"set":[1]}', "application/json"),
        (None, b"", "text/html"),
    ],
)
async def test_text_bytes_and_everything_else_have_their_forms(result: Any, body: bytes, content_type: str) -> None:
    assert await returned(result) == (body, content_type)


async def test_a_handler_of_another_kind_may_have_the_state_too() -> None:
    pytest.importorskip("websockets")

    class Call(Handler[Names], EventSourceHandler):
        async def get(self, number: int) -> AsyncGenerator[str]:
            yield self.state.names[number]

    class Talk(Handler[Names], WebSocketHandler):
        async def on_message(self, message: str | bytes) -> None:
            await self.write_message(self.state.names[int(message)])

    app = Application([USER.to(Call), ROOT.to(Talk)], state=Names())
    response = await AppClient(app).get("/users/7")
    assert (response.body, response.headers["Content-Type"]) == (b"data: Ada\n\n", "text/event-stream; charset=UTF-8")
    socket = await AppClient(app).websocket("/")
    await socket.write_message("7")
    assert await socket.read_message() == "Ada"
    socket.close()
    assert await socket.read_message() is None


async def test_a_content_type_that_was_set_stays() -> None:
    assert await returned({"a": 1}, "application/problem+json") == (b'{"a":1}', "application/problem+json")


async def test_what_was_written_comes_before_what_is_returned() -> None:
    class Both(Handler[None]):
        def get(self) -> str:
            self.write("written")
            return "returned"

        async def post(self) -> str:
            self.finish("finished")
            return "returned"

    client = AppClient(Application([ROOT.to(Both)]))
    assert ((await client.get("/")).text, (await client.post("/")).text) == ("written", "finished")


async def test_a_plain_handler_stays_as_tornados() -> None:
    class Ported(RequestHandler):
        async def get(self) -> dict[str, int]:
            return {"ignored": 1}

    response = await AppClient(Application([("/", Ported)])).get("/")
    assert (response.code, response.body) == (200, b"")


async def test_what_has_no_form_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(Handler[None]):
        def get(self) -> object:
            return {"value": object()}

    assert (await AppClient(Application([ROOT.to(Odd)])).get("/")).code == 500
    assert "cannot be written as JSON" in caplog.text


async def test_parts_are_given_in_their_order() -> None:
    class Echo(RequestHandler):
        def get(self, *path: object) -> None:
            self.write(repr(path))

    class Files(RequestHandler):
        def get(self, name: str) -> None:
            self.write(name)

    diary = ROOT / "diary" / TEXT / DAY
    client = AppClient(Application([diary.to(Echo), (ROOT / "files" / PATH).to(Files), (ROOT / "a.b" / "").to(Echo)]))
    assert (await client.get("/diary/ada%20b/1815-12-10")).text == "('ada b', datetime.date(1815, 12, 10))"
    assert (await client.get("/diary/ada/1815-13-10")).code == 404
    assert (await client.get("/files/a/b")).text == "a/b"
    assert (await client.get("/a.b/")).text == "()"
    assert (await client.get("/axb/")).code == 404
    assert diary.url("ada b", date(1815, 12, 10)) == "/diary/ada%20b/1815-12-10"
    assert repr(diary) == "TypedPath('/diary/{str}/{date}')"


async def test_a_route_may_have_a_name_and_arguments_for_initialize() -> None:
    class Limited(RequestHandler):
        def initialize(self, limit: int) -> None:
            self.limit = limit

        def get(self, number: int) -> None:
            self.write(str(min(number, self.limit)))

    app = Application([USER.to(Limited, {"limit": 5}, "limited")])
    assert (await AppClient(app).get(app.reverse_url("limited", 9))).text == "5"


def test_a_handler_that_does_not_fit_is_refused_without_a_checker_too() -> None:
    class Text(RequestHandler):
        def get(self, number: str) -> None: ...

    class Nothing(RequestHandler):
        def get(self) -> None: ...

    wrong: Any = Text
    with pytest.raises(RouteError, match=r"Text.get\(\) wants number as str, and the route gives int"):
        USER.to(wrong)
    wrong = Nothing
    with pytest.raises(RouteError, match=r"Nothing.get\(\) does not take what the route gives, int"):
        USER.to(wrong)


async def test_arguments_have_types() -> None:
    class Search(Handler[None]):
        def get(self) -> dict[str, object]:
            return {
                "page": self.argument("page", int, default=1),
                "deep": self.argument("deep", bool, False),
                "since": self.argument("since", date.fromisoformat, None),
            }

        def post(self) -> str:
            return self.argument("name", str)

    client = AppClient(Application([ROOT.to(Search)]))
    assert (await client.get("/")).json() == {"page": 1, "deep": False, "since": None}
    found = await client.get("/?page=3&deep=yes&since=2024-02-29")
    assert found.json() == {"page": 3, "deep": True, "since": "2024-02-29"}
    for query in ("page=x", "page=", "deep=maybe", "since=2023-02-29"):
        assert (await client.get(f"/?{query}")).code == 400
    assert (await client.post("/")).code == 400
    assert (await client.post("/", data={"name": "Ada"})).text == "Ada"


def test_a_handler_may_refuse_a_state() -> None:
    class Careful(Handler[Names]):
        @classmethod
        def check_state(cls, state: Names, /) -> None:
            if not state.names:
                raise ValueError("nobody is there")

    names = Names()
    Application([ROOT.to(Careful)], state=names)
    names.names.clear()
    with pytest.raises(ValueError, match="nobody is there"):
        Application([ROOT.to(Careful)], state=names)
