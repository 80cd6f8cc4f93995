"""Arguments of the query and of the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

import pytest

from eyewall.web import Application, RequestHandler
from eyewall.web.testing import AppClient, AppResponse

if TYPE_CHECKING:
    from collections.abc import Callable


async def ask(
    what: Callable[[RequestHandler], object],
    query: str = "",
    *,
    body: str | None = None,
    content_type: str | None = None,
) -> AppResponse:
    """Post a form to a handler that answers with what the function finds, as JSON."""

    class Handler(RequestHandler):
        def post(self) -> None:
            self.write({"found": what(self)})

    headers = {"Content-Type": content_type or "application/x-www-form-urlencoded"}
    return await AppClient(Application([("/", Handler)])).post(f"/{query}", body=body, headers=headers)


async def found(what: Callable[[RequestHandler], object], query: str = "", body: str | None = None) -> object:
    response = await ask(what, query, body=body)
    assert response.code == 200
    result: object = response.json()["found"]
    return result


async def test_an_argument_is_the_last_of_its_name_the_forms_before_the_querys() -> None:
    assert await found(lambda handler: handler.get_argument("a"), "?a=1&a=2") == "2"
    assert await found(lambda handler: handler.get_argument("a"), "?a=1", "a=3&a=4") == "4"
    assert await found(lambda handler: handler.get_arguments("a"), "?a=1&b=2", "a=3") == ["1", "3"]
    assert await found(lambda handler: handler.get_arguments("c"), "?a=1", "a=3") == []


async def test_query_and_form_can_be_told_apart() -> None:
    query, form = "?a=q1&a=q2", "a=f1&a=f2"
    assert await found(lambda handler: handler.get_query_argument("a"), query, form) == "q2"
    assert await found(lambda handler: handler.get_query_arguments("a"), query, form) == ["q1", "q2"]
    assert await found(lambda handler: handler.get_body_argument("a"), query, form) == "f2"
    assert await found(lambda handler: handler.get_body_arguments("a"), query, form) == ["f1", "f2"]


@pytest.mark.parametrize("name", ["get_argument", "get_query_argument", "get_body_argument"])
async def test_a_missing_argument_is_a_default_or_a_400(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await found(lambda handler: getattr(handler, name)("a", "d")) == "d"
    assert await found(lambda handler: getattr(handler, name)("a", None)) is None
    assert await found(lambda handler: getattr(handler, name)("a", default=7)) == 7
    response = await ask(lambda handler: getattr(handler, name)("a"))
    assert response.code == 400
    assert "Missing argument a" in caplog.text


async def test_an_empty_argument_is_not_missing() -> None:
    assert await found(lambda handler: handler.get_argument("a", "d"), "?a=") == ""


async def test_arguments_are_percent_decoded_and_stripped() -> None:
    assert await found(lambda handler: handler.get_argument("ä b"), "?%C3%A4+b=+%C3%BC%26+") == "ü&"
    assert await found(lambda handler: handler.get_argument("a", strip=False), "?a=+x+") == " x "
    assert await found(lambda handler: handler.get_arguments("a", strip=False), "?a=+x+") == [" x "]


async def test_control_characters_become_spaces_but_not_tabs_and_ends_of_lines() -> None:
    assert await found(lambda handler: handler.get_argument("a"), "?a=x%00y%1Bz%09t%0D%0An") == "x y z\tt\r\nn"


async def test_an_argument_that_is_no_utf_8_is_a_400(caplog: pytest.LogCaptureFixture) -> None:
    assert (await ask(lambda handler: handler.get_argument("a"), "?a=%ff")).code == 400
    assert r"Invalid unicode in a: b'\xff'" in caplog.text


async def test_another_encoding_can_be_decoded() -> None:
    class Latin(RequestHandler):
        def decode_argument(self, value: bytes, name: str | None = None) -> str:
            return f"{name}:{value.decode('latin-1')}"

        def get(self, part: str) -> None:
            self.write({"path": part, "query": self.get_argument("a")})

    answer = await AppClient(Application([(r"/(.*)", Latin)])).get("/%e9?a=%e8")
    assert answer.json() == {"path": "None:é", "query": "a:è"}


async def test_arguments_that_are_left_as_bytes_stay_so() -> None:
    class Bytes(RequestHandler):
        def decode_argument(self, value: bytes, name: str | None = None) -> Any:  # as in Tornado's days
            return value

        def get(self) -> None:
            self.write(self.get_argument("a"))

    assert (await AppClient(Application([("/", Bytes)])).get("/?a=%ff%00")).body == b"\xff\x00".strip()


async def test_a_body_of_another_type_has_no_arguments() -> None:
    response = await ask(lambda handler: handler.get_arguments("a"), body="a=1", content_type="text/plain")
    assert response.json() == {"found": []}


async def test_a_form_that_cannot_be_read_is_a_400(caplog: pytest.LogCaptureFixture) -> None:
    assert (await ask(lambda handler: handler.get_argument("a"), body="&".join(["a=1"] * 1001))).code == 400
    assert (await ask(lambda handler: handler.get_argument("a"), "?" + "&".join(["a=1"] * 1001))).code == 400
    assert "more than 1000 arguments" in caplog.text


def types_of_arguments(handler: RequestHandler) -> None:
    assert_type(handler.get_argument("a"), str)
    assert_type(handler.get_argument("a", "d"), str)
    assert_type(handler.get_argument("a", None), str | None)
    assert_type(handler.get_query_argument("a", 1), str | int)
    assert_type(handler.get_body_argument("a", strip=False), str)
    assert_type(handler.get_arguments("a"), list[str])


def test_the_types_of_arguments_are_checked_by_the_type_checkers() -> None:
    assert callable(types_of_arguments)
