"""Cookies of a handler: what is sent, what is read, and what could not be kept or would forge a field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.web import Application, HTTPError, RequestHandler
from eyewall.web.testing import AppClient, AppResponse

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "a long random text"


def client(get: Callable[[RequestHandler], object], **settings: Any) -> AppClient:
    class Handler(RequestHandler):
        def get(self) -> None:
            get(self)

    return AppClient(Application([("/", Handler)], **settings))


async def cookies(get: Callable[[RequestHandler], object], **settings: Any) -> list[str]:
    response = await client(get, **settings).get("/")
    assert response.code == 200, response.text
    return response.headers.get_list("Set-Cookie")


async def setting(name: str, value: str | bytes, **attributes: Any) -> str:
    (field,) = await cookies(lambda handler: handler.set_cookie(name, value, **attributes))
    return field


async def test_a_cookie_lasts_for_the_session_and_the_whole_site_unless_told_otherwise() -> None:
    assert await setting("a", "b") == "a=b; Path=/"
    assert await setting("a", b"b") == "a=b; Path=/"


async def test_each_attribute_stands_in_the_field() -> None:
    when = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    expected = (
        "__Secure-a=b; Domain=example.org; expires=Wed, 02 Jan 2030 02:04:05 GMT; HttpOnly; Max-Age=60; Partitioned; "
        "Path=/b; SameSite=Lax; Secure"
    )
    attributes: dict[str, Any] = {
        "domain": "example.org", "expires": when, "httponly": True, "max_age": 60, "partitioned": True,
        "path": "/b", "samesite": "lax", "secure": True,
    }  # fmt: skip
    assert await setting("__Secure-a", "b", **attributes) == expected


NAIVE = datetime(2030, 1, 2, 3, 4, 5)  # noqa: DTZ001 - such as it comes


@pytest.mark.parametrize("when", [1893553445, 1893553445.9, NAIVE, (2030, 1, 2, 3, 4, 5, 2, 2, 0)])
async def test_an_end_may_be_given_in_any_of_the_usual_forms(when: Any) -> None:
    assert await setting("a", "b", expires=when) == "a=b; expires=Wed, 02 Jan 2030 03:04:05 GMT; Path=/"


async def test_what_a_cookie_cannot_hold_is_quoted_and_read_back() -> None:
    value = 'semicolon;equals=quote"slash\\space'
    app = client(lambda handler: handler.set_cookie("a", value))
    await app.get("/")
    read = client(lambda handler: handler.write({"a": handler.get_cookie("a")}))
    field = await setting("a", value)
    assert ";" not in field.removesuffix("; Path=/")
    answer = await read.get("/", headers={"Cookie": field.removesuffix("; Path=/")})
    assert answer.json() == {"a": value}


async def test_each_character_is_quoted_as_http_cookies_quotes_it() -> None:
    texts = ["", *(f"a{chr(code)}b" for code in range(0x20, 0x100) if code != 0x7F)]

    def set_all(handler: RequestHandler) -> None:
        for number, text in enumerate(texts):
            handler.set_cookie(str(number), text)

    quoted = [SimpleCookie().value_encode(text)[1] for text in texts]
    assert await cookies(set_all) == [f"{number}={text}; Path=/" for number, text in enumerate(quoted)]


async def test_cookies_come_behind_fields_that_other_responses_share() -> None:
    app = client(lambda handler: handler.set_cookie("a", str(next(numbers))))
    numbers = iter(range(3))
    answers = [await app.get("/") for _ in range(3)]
    assert [answer.headers.get_list("Set-Cookie") for answer in answers] == [[f"a={n}; Path=/"] for n in range(3)]
    assert len({(answer.headers["Etag"], answer.headers["Content-Length"]) for answer in answers}) == 1


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "a\r\nSet-Cookie: b", "é", "$Path\n"])
async def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name for a cookie"):
        await raised(lambda handler: handler.set_cookie(name, "b"))


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\x00", "\x7f"])
async def test_a_value_that_could_end_the_line_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="has a control character"):
        await raised(lambda handler: handler.set_cookie("a", value))


@pytest.mark.parametrize("value", ["€", "é€", "\udc80"])
async def test_a_value_that_no_field_can_have_is_refused_where_it_is_set(value: str) -> None:
    with pytest.raises(ValueError, match="beyond Latin-1"):
        await raised(lambda handler: handler.set_cookie("a", value))


@pytest.mark.parametrize("attribute", ["domain", "path", "samesite"])
@pytest.mark.parametrize("value", ["a; Secure", "a\nb", "é"])
async def test_an_attribute_that_would_bring_others_is_refused(attribute: str, value: str) -> None:
    attributes: dict[str, Any] = {attribute: value}
    with pytest.raises(ValueError, match=r"cannot be its|make it 'Strict'"):
        await raised(lambda handler: handler.set_cookie("a", "b", **attributes))


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("__Host-a", {}),
        ("__Host-a", {"secure": True, "path": "/b"}),
        ("__Host-a", {"secure": True, "domain": "example.org"}),
        ("__Secure-a", {}),
        ("a", {"partitioned": True}),
    ],
)
async def test_what_no_browser_would_keep_is_refused(name: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is secure=True"):
        await raised(lambda handler: handler.set_cookie(name, "b", **attributes))


async def raised(get: Callable[[RequestHandler], object]) -> None:
    """Raise what the handler raised."""
    caught: list[Exception] = []

    def catch(handler: RequestHandler) -> None:
        try:
            get(handler)
        except Exception as error:
            caught.append(error)

    assert await cookies(catch) == []
    for error in caught:
        raise error


async def test_the_last_of_one_name_is_sent_and_stays_at_an_error() -> None:
    def get(handler: RequestHandler) -> None:
        handler.set_cookie("a", "1")
        handler.set_cookie("b", "1")
        handler.set_cookie("a", "2")
        raise HTTPError(403)

    response = await client(get).get("/")
    assert (response.code, response.headers.get_list("Set-Cookie")) == (403, ["a=2; Path=/", "b=1; Path=/"])


async def test_a_cookie_is_cleared_by_one_that_ended_long_ago() -> None:
    (field,) = await cookies(lambda handler: handler.clear_cookie("a", path="/b", domain="example.org"))
    assert field.startswith('a=""; Domain=example.org; expires=')
    assert field.endswith(" GMT; Path=/b")
    expires = datetime.strptime(field.split("expires=")[1][:29], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert expires < datetime.now(UTC) - timedelta(days=300)


async def test_all_cookies_of_the_request_are_cleared() -> None:
    app = client(lambda handler: handler.clear_all_cookies())
    response = await app.get("/", headers={"Cookie": "a=1; __Host-b=2"})
    fields = response.headers.get_list("Set-Cookie")
    assert [field.partition("=")[0] for field in fields] == ["a", "__Host-b"]
    assert [field.endswith("; Secure") for field in fields] == [False, True]


async def test_a_cookie_that_was_not_sent_is_the_default() -> None:
    app = client(lambda handler: handler.write({"a": handler.get_cookie("a"), "b": handler.get_cookie("b", "none")}))
    assert (await app.get("/", headers={"Cookie": "a=1; a=2; c"})).json() == {"a": "2", "b": "none"}


async def visit(app: AppClient, cookie: str) -> AppResponse:
    return await app.get("/", headers={"Cookie": cookie})


async def test_a_signed_cookie_is_read_back_and_a_forged_one_is_not() -> None:
    field = (await cookies(lambda handler: handler.set_signed_cookie("user", "Ada"), cookie_secret=SECRET))[0]
    assert "; expires=" in field
    read = client(lambda handler: handler.write(handler.get_signed_cookie("user") or b"nobody"), cookie_secret=SECRET)
    cookie = field.partition(";")[0]
    assert (await visit(read, cookie)).text == "Ada"
    assert (await visit(read, cookie.replace("user=", "admin="))).text == "nobody"
    assert (await visit(read, cookie[:-1] + "x")).text == "nobody"
    assert (await visit(read, "user=Ada")).text == "nobody"


async def test_keys_are_chosen_by_a_setting() -> None:
    settings: dict[str, Any] = {"cookie_secret": {1: "one", 2: "two"}, "key_version": 2}
    field = (await cookies(lambda handler: handler.set_signed_cookie("a", "b"), **settings))[0]
    read = client(lambda handler: handler.write({"key": handler.get_signed_cookie_key_version("a")}), **settings)
    assert (await visit(read, field.partition(";")[0])).json() == {"key": 2}
    assert (await visit(read, "a=b")).json() == {"key": None}


async def test_without_its_settings_nothing_is_signed(caplog: pytest.LogCaptureFixture) -> None:
    for settings, remedy in (
        ({}, "the setting cookie_secret"),
        ({"cookie_secret": {1: "one"}}, "in the setting key_version"),
    ):
        response = await client(lambda handler: handler.set_signed_cookie("a", "b"), **settings).get("/")
        assert response.code == 500
        assert remedy in caplog.text


async def test_the_client_for_tests_keeps_cookies() -> None:
    def get(handler: RequestHandler) -> None:
        handler.write({"seen": handler.get_cookie("seen")})
        if handler.get_argument("forget", ""):
            handler.clear_cookie("seen")
        else:
            handler.set_cookie("seen", "a b")

    app = client(get)
    assert (await app.get("/")).json() == {"seen": None}
    assert app.cookies == {"seen": "a b"}
    assert (await app.get("/?forget=1")).json() == {"seen": "a b"}
    assert app.cookies == {}
    app.cookies["seen"] = "set by hand"
    assert (await app.get("/")).json() == {"seen": "set by hand"}


async def test_what_is_no_number_of_seconds_cannot_bring_attributes_along() -> None:
    smuggled: Any = "1; Path=/x"
    with pytest.raises(ValueError, match="invalid literal"):
        await raised(lambda handler: handler.set_cookie("a", "b", max_age=smuggled))


async def test_attributes_in_another_spelling_are_taken_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="HttpOnly, pATH"):
        assert await setting("a", "b", HttpOnly=True, pATH="/foo") == "a=b; HttpOnly; Path=/foo"
    with pytest.raises(TypeError, match="set_cookie takes no 'colour'"):
        await raised(lambda handler: handler.set_cookie("a", "b", colour="red"))


async def test_a_word_of_samesite_that_is_none_is_told_those_that_are(caplog: pytest.LogCaptureFixture) -> None:
    assert (await client(lambda handler: handler.set_cookie("a", "b", samesite="Loose")).get("/")).code == 500  # type: ignore[arg-type] # the mistake
    assert "cookie 'a': samesite is 'Loose': make it 'Strict', 'Lax' or 'None'" in caplog.text


async def test_a_cookie_that_is_too_long_to_be_kept_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert len(await setting("a", "b" * 4095)) > 4096
    assert not [record for record in caplog.records if "browsers keep" in record.message]
    await setting("a", "b" * 4096)
    assert "cookie 'a' has 4098 bytes: browsers keep 4097 at most" in caplog.text
