"""Requests that another site made a browser send."""

from __future__ import annotations

from typing import Any

import pytest

from eyewall.web import Application, RequestHandler, stream_request_body
from eyewall.web.testing import AppClient

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Form(RequestHandler):
    def get_current_user(self) -> str | None:
        return self.get_argument("user", None)

    def get(self) -> None:
        self.write(self.xsrf_token)

    def head(self) -> None:
        self.get()

    def options(self) -> None:
        self.write("ok")

    def post(self) -> None:
        self.write("changed")

    put = delete = patch = post


def client(**settings: Any) -> AppClient:
    return AppClient(Application([("/", Form)], **settings))


async def post(app: AppClient, token: str | None, **headers: str) -> int:
    data = None if token is None else {"_xsrf": token}
    return (await app.post("/", data=data, headers=headers)).code


async def test_a_form_of_ours_comes_through_and_one_without_the_token_does_not() -> None:
    app = client(xsrf_cookies=True)
    assert await post(app, None) == 403
    token = (await app.get("/")).text
    assert await post(app, token) == 200
    assert await post(app, None) == 403
    assert await post(app, "2|00000000|00|1") == 403
    assert await post(app, "not a token") == 403
    app.cookies.clear()
    app.cookies["_xsrf"] = "made by another program"
    assert await post(app, "made by another program") == 200
    assert await post(app, "") == 403


@pytest.mark.parametrize("field", ["X-XSRFToken", "X-CSRFToken"])
async def test_a_script_may_send_it_in_a_header_field(field: str) -> None:
    app = client(xsrf_cookies=True)
    token = (await app.get("/")).text
    assert (await app.post("/", headers={field: token})).code == 200
    assert (await app.post("/?_xsrf=" + token.replace("|", "%7C"))).code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_every_method_that_changes_something_needs_it(method: str) -> None:
    app = client(xsrf_cookies=True)
    assert (await app.request(method, "/")).code == 403
    token = (await app.get("/")).text
    assert (await app.request(method, "/", headers={"X-XSRFToken": token})).code == 200


async def test_the_token_looks_different_each_time_and_stays_good() -> None:
    app = client(xsrf_cookies=True)
    first, second = (await app.get("/")).text, (await app.get("/")).text
    assert first != second
    assert await post(app, first) == await post(app, second) == 200


async def test_the_token_of_another_visitor_is_not_taken() -> None:
    other, app = client(xsrf_cookies=True), client(xsrf_cookies=True)
    token = (await other.get("/")).text
    await app.get("/")
    assert await post(app, token) == 403


@pytest.mark.parametrize(("writes", "reads"), [(1, 2), (2, 1), (1, 1)])
async def test_both_versions_are_read_whichever_is_written(writes: int, reads: int) -> None:
    before, app = (
        client(xsrf_cookies=True, xsrf_cookie_version=writes),
        client(xsrf_cookies=True, xsrf_cookie_version=reads),
    )
    token = (await before.get("/")).text
    assert token.startswith("2|") == (writes == 2)
    app.cookies.update(before.cookies)
    assert await post(app, token) == 200
    assert await post(app, (await app.get("/")).text) == 200


async def test_name_and_attributes_of_the_cookie_are_settings() -> None:
    app = client(
        xsrf_cookies=True, xsrf_cookie_name="__Host-xsrf", xsrf_cookie_kwargs={"secure": True, "samesite": "Strict"}
    )
    (field,) = (await app.get("/")).headers.get_list("Set-Cookie")
    assert field.startswith("__Host-xsrf=2|")
    assert field.endswith("; Path=/; SameSite=Strict; Secure")


async def test_it_lasts_where_somebody_is_signed_in() -> None:
    assert "expires" not in (await client().get("/")).headers["Set-Cookie"]
    assert "expires" in (await client().get("/?user=ada")).headers["Set-Cookie"]


async def test_a_form_has_its_hidden_field() -> None:
    class Page(RequestHandler):
        def get(self) -> None:
            self.write(self.xsrf_form_html())

    text = (await AppClient(Application([("/", Page)])).get("/")).text
    assert text.startswith('<input type="hidden" name="_xsrf" value="2|')
    assert text.endswith('"/>')


SITE = {"Host": "board.example"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://board.example"},
        {"Origin": "http://BOARD.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://what.the.proxy.said"},
    ],
)
async def test_what_is_no_browser_or_comes_from_this_site_may_change_things(headers: dict[str, str]) -> None:
    assert (await client().post("/", headers=SITE | headers)).code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://board.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://board.example.evil.example"},
        {"Origin": "https://board.example:8443"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
async def test_another_site_may_read_and_not_change(headers: dict[str, str]) -> None:
    app = client()
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await app.request(method, "/", headers=SITE | headers)).code == 403
    for method in ("GET", "HEAD", "OPTIONS"):
        assert (await app.request(method, "/", headers=SITE | headers)).code == 200


async def test_the_log_says_how_another_site_may(caplog: pytest.LogCaptureFixture) -> None:
    response = await client().post("/", headers=SITE | {"Origin": "https://shop.example"})
    assert (response.code, "shop.example" in response.text) == (403, False)
    assert "'https://shop.example' not allowed: if it may, name the origin in trusted_origins or cors" in caplog.text


async def test_sites_that_are_trusted_may() -> None:
    shop = {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"}
    assert (await client(trusted_origins=["https://shop.example"]).post("/", headers=SITE | shop)).code == 200
    assert (await client(trusted_origins=["https://other.example"]).post("/", headers=SITE | shop)).code == 403
    assert (await client(cross_origin_protection=False).post("/", headers=SITE | shop)).code == 200


async def test_settings_that_make_no_sense_are_told(caplog: pytest.LogCaptureFixture) -> None:
    evil = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert (await client(trusted_origins="https://shop.example").post("/", headers=evil)).code == 500
    assert "trusted_origins is 'https://shop.example': make it a list" in caplog.text
    assert (await client(xsrf_cookie_version=3).get("/")).code == 500
    assert "xsrf_cookie_version is 3: make it 2 or 1" in caplog.text


async def test_who_is_refused_a_streamed_body_without_a_token_can_read_in_the_log_where_to_send_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @stream_request_body
    class Streamed(Form):
        def data_received(self, chunk: bytes) -> None:
            """Take it."""

    app = AppClient(Application([("/", Streamed)], xsrf_cookies=True))
    token = (await app.get("/")).text
    assert (await app.post("/", data={"_xsrf": token})).code == 403
    assert "X-XSRFToken, or in the query" in caplog.text
    assert (await app.post(f"/?_xsrf={token}", data={})).code == 200
