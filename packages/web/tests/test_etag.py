"""Entity tags of what a handler writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.web import Application, RequestHandler
from eyewall.web.testing import AppClient, AppResponse

if TYPE_CHECKING:
    from collections.abc import Callable


async def get(write: Callable[[RequestHandler], object], known: str | None = None, method: str = "GET") -> AppResponse:
    class Handler(RequestHandler):
        def get(self) -> None:
            write(self)

        post = head = get

    headers = {} if known is None else {"If-None-Match": known}
    return await AppClient(Application([("/", Handler)])).request(method, "/", headers=headers)


def writing(body: bytes) -> Callable[[RequestHandler], None]:
    def write(handler: RequestHandler) -> None:
        handler.write(body)

    return write


BODIES = [b"", b"short", b"long" * 1000]


@pytest.mark.parametrize("body", BODIES)
async def test_the_same_bytes_have_the_same_tag_and_others_another(body: bytes) -> None:
    first, second, other = [await get(writing(text)) for text in (body, body, body + b"!")]
    assert first.headers["Etag"] == second.headers["Etag"] != other.headers["Etag"]
    assert first.headers["Etag"].startswith('"')


@pytest.mark.parametrize("body", BODIES)
async def test_a_client_that_has_it_gets_a_304_without_a_body(body: bytes) -> None:
    def write(handler: RequestHandler) -> None:
        handler.set_cookie("a", "b")
        handler.write(body)

    etag = (await get(write)).headers["Etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = await get(write, known)
        assert (response.code, response.body) == (304, b"")
        assert response.headers["Etag"] == etag
        assert response.headers["Set-Cookie"] == "a=b; Path=/"
        assert "Content-Type" not in response.headers
    assert (await get(write, '"other"')).code == 200


async def test_only_a_complete_answer_of_200_to_get_or_head_has_one() -> None:
    def fail(handler: RequestHandler) -> None:
        handler.set_status(203)
        handler.write("body")

    def flush(handler: RequestHandler) -> None:
        handler.write("a")
        handler.flush()
        handler.write("b")

    assert "Etag" not in (await get(fail)).headers
    assert "Etag" not in (await get(flush)).headers
    assert "Etag" not in (await get(lambda handler: handler.write("a"), method="POST")).headers
    assert (await get(lambda handler: handler.write("a"), "*", method="POST")).code == 200
    assert "Etag" in (await get(lambda handler: handler.write("a"), method="HEAD")).headers


async def test_a_tag_that_was_set_stays() -> None:
    def write(handler: RequestHandler) -> None:
        handler.set_header("Etag", 'W/"mine"')
        handler.write("body")

    assert (await get(write)).headers["Etag"] == 'W/"mine"'
    assert (await get(write, '"mine"')).code == 304


@pytest.mark.parametrize("etag", ['"version 7"', None])
async def test_a_handler_may_make_its_own_or_none(etag: str | None) -> None:
    class Handler(RequestHandler):
        def compute_etag(self) -> str | None:
            return etag

        def get(self) -> None:
            self.write("body")

    client = AppClient(Application([("/", Handler)]))
    assert (await client.get("/")).headers.get("Etag") == etag
    assert (await client.get("/", headers={"If-None-Match": '"version 7"'})).code == (200 if etag is None else 304)


async def test_what_one_response_adds_is_not_in_the_next_that_says_the_same() -> None:
    seen = 0

    class Handler(RequestHandler):
        def get(self) -> None:
            nonlocal seen
            seen += 1
            if seen == 1:
                self.set_header("X-First", "yes")
            self.write("the same")

    client = AppClient(Application([("/", Handler)]))
    first, second = await client.get("/"), await client.get("/")
    assert ("X-First" in first.headers, "X-First" in second.headers) == (True, False)
