"""Paths with and without a slash at their end."""

from __future__ import annotations

import pytest

from eyewall.web import Application, RequestHandler, addslash, removeslash
from eyewall.web.testing import AppClient


class Without(RequestHandler):
    @removeslash
    def get(self) -> None:
        self.write("here")

    @removeslash
    async def post(self) -> None:
        self.write("here")


class With(RequestHandler):
    @addslash
    async def get(self) -> None:
        self.write("here")


CLIENT_APP = Application([(r"/without/*", Without), (r"/with/?", With), (r"/+.*/", Without), (r"/+[^/]+", With)])


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/without/", "/without"),
        ("/without///?q=1", "/without?q=1"),
        ("/with", "/with/"),
        ("/with?q=1&r", "/with/?q=1&r"),
        ("//evil.example/", "/evil.example"),
        ("//evil.example", "/evil.example/"),
        ("/\\evil.example/", "/evil.example"),
    ],
)
async def test_the_other_form_is_a_redirect_within_this_host(path: str, location: str) -> None:
    response = await AppClient(CLIENT_APP).get(path)
    assert (response.code, response.headers.get("Location")) == (301, location)


async def test_the_right_form_is_answered() -> None:
    client = AppClient(CLIENT_APP)
    assert [(await client.get(path)).text for path in ("/without", "/with/")] == ["here", "here"]
    assert ((await client.post("/without")).text, (await client.post("/without/")).code) == ("here", 404)
