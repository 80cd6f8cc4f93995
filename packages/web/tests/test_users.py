"""Users: who they are is asked once, and who is nobody is sent to sign in."""

from __future__ import annotations

from typing import Any

import pytest

from eyewall.web import Application, RequestHandler, authenticated
from eyewall.web.testing import AppClient


class Inbox(RequestHandler):
    asked = 0

    def get_current_user(self) -> str | None:
        self.asked += 1
        return self.get_query_argument("user", None)

    @authenticated
    async def get(self, number: str) -> None:
        self.write({"user": self.current_user, "number": number, "asked": self.asked})

    @authenticated
    def post(self, number: str) -> None:
        self.write(number)


def client(**settings: Any) -> AppClient:
    return AppClient(Application([(r"/(\d+)", Inbox)], **settings))


async def test_a_user_comes_through_and_is_asked_for_once() -> None:
    assert (await client().get("/7?user=ada")).json() == {"user": "ada", "number": "7", "asked": 1}
    assert (await client().post("/7?user=ada")).text == "7"


@pytest.mark.parametrize(
    ("login_url", "location"),
    [
        ("/login", "/login?next=%2F7%3Fq%3Da%2Bb"),
        ("/login?then=home", "/login?then=home"),
        ("https://id.example/", "https://id.example/?next=http%3A%2F%2Ftestserver%2F7%3Fq%3Da%2Bb"),
    ],
)
async def test_nobody_is_sent_to_sign_in(login_url: str, location: str) -> None:
    response = await client(login_url=login_url).get("/7?q=a+b")
    assert (response.code, response.headers["Location"]) == (302, location)


async def test_nobody_may_not_post() -> None:
    assert (await client(login_url="/login").post("/7")).code == 403


async def test_without_a_place_to_sign_in_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert (await client().get("/7")).code == 500
    assert "authenticated needs the setting login_url" in caplog.text


async def test_a_prepare_that_waits_may_set_the_user() -> None:
    class Handler(RequestHandler):
        async def prepare(self) -> None:
            self.current_user = {"name": "ada"}

        @authenticated
        def get(self) -> None:
            self.write(self.current_user["name"])

    assert (await AppClient(Application([("/", Handler)])).get("/")).text == "ada"


async def test_a_coroutine_is_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Awaited(RequestHandler):
        async def get_current_user(self) -> None:
            """Find nobody, if somebody awaits it."""

        @authenticated
        def get(self) -> None:
            self.write("for users")

    assert (await AppClient(Application([("/", Awaited)], login_url="/login")).get("/")).code == 500
    assert "set self.current_user in a prepare() that awaits" in caplog.text
