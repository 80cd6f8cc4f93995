"""Joining, signing in and out."""

from __future__ import annotations

import re

import pytest
from visiting import PASSWORD, Visitor

from eyewall.web import create_signed_value

NEW = "/new"


async def is_signed_in(visitor: Visitor) -> bool:
    return (await visitor.get(NEW)).code == 200


async def test_who_joins_is_signed_in_under_the_name(visitor: Visitor) -> None:
    response = await visitor.submit("/join", name=' Zoë  "Z" <Brandt>', password=PASSWORD)
    assert (response.code, response.headers["Location"]) == (303, "/")
    assert "<b>Zoë &#34;Z&#34; &lt;Brandt&gt;</b>" in (await visitor.get("/")).text


async def test_the_session_is_out_of_reach_for_scripts_and_other_sites(visitor: Visitor) -> None:
    response = await visitor.submit("/join", name="Ada", password=PASSWORD)
    (cookie,) = [field for field in response.headers.get_list("Set-Cookie") if field.startswith("board_session=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert PASSWORD not in cookie


async def test_who_signs_out_is_a_visitor_until_the_next_time(ada: Visitor) -> None:
    assert await is_signed_in(ada)
    assert (await ada.submit("/sign-out")).code == 303
    assert not await is_signed_in(ada)
    response = await ada.submit("/sign-in", name="ada king", password=PASSWORD)
    assert response.code == 303
    assert await is_signed_in(ada)


@pytest.mark.parametrize(("name", "password"), [("Ada King", "wrong password"), ("Eve", PASSWORD), ("Ada King", "")])
async def test_a_wrong_name_or_password_gets_the_same_answer(
    ada: Visitor, visitor: Visitor, name: str, password: str
) -> None:
    response = await visitor.submit("/sign-in", name=name, password=password)
    assert response.code == 422
    assert "There is no such name with this password." in response.text
    assert f'name="name" value="{name}"' in response.text
    assert not await is_signed_in(visitor)


async def test_a_password_of_any_length_is_no_password_of_somebody(ada: Visitor, visitor: Visitor) -> None:
    assert (await visitor.submit("/sign-in", name="Ada King", password="x" * 10_000)).code == 422


@pytest.mark.parametrize(("name", "password", "at_fault"), [("", PASSWORD, "name"), ("Eve", "short", "password")])
async def test_who_joins_is_told_what_is_wrong(visitor: Visitor, name: str, password: str, at_fault: str) -> None:
    response = await visitor.submit("/join", name=name, password=password)
    assert response.code == 422
    assert re.findall(r'<p class="problem" id="(.*?)-problem">', response.text) == [at_fault]
    assert 'value="short"' not in response.text


async def test_a_name_can_be_had_once_in_any_case(ada: Visitor, visitor: Visitor) -> None:
    response = await visitor.submit("/join", name="ADA KING", password=PASSWORD)
    assert response.code == 422
    assert "Somebody has this name already." in response.text
    assert not await is_signed_in(visitor)


async def test_who_wants_to_write_is_sent_to_sign_in_and_comes_back(ada: Visitor, visitor: Visitor) -> None:
    sent = await visitor.get(NEW)
    assert (sent.code, sent.headers["Location"]) == (302, "/sign-in?next=%2Fnew")
    assert 'name="next" value="/new"' in (await visitor.get(sent.headers["Location"])).text
    back = await visitor.submit("/sign-in", name="Ada King", password=PASSWORD, next=NEW)
    assert back.headers["Location"] == NEW


@pytest.mark.parametrize(
    "path",
    ["//evil.example/", "https://evil.example/", "/\\evil.example/", "/\t/evil.example/", "/\n/evil", "evil", ""],
)
async def test_a_link_sends_nobody_to_another_site(ada: Visitor, path: str) -> None:
    response = await ada.submit("/sign-in", name="Ada King", password=PASSWORD, next=path)
    assert response.headers["Location"] == "/"


async def test_who_is_not_signed_in_posts_nothing(visitor: Visitor) -> None:
    assert (await visitor.send(NEW, {"title": "Lunch", "body": "At noon."})).code == 403
    assert '<section class="empty">' in (await visitor.get("/")).text


@pytest.mark.parametrize("number", ["1", "99"])
async def test_a_session_that_the_board_has_not_signed_opens_nothing(
    ada: Visitor, visitor: Visitor, number: str
) -> None:
    visitor.cookies["board_session"] = number
    assert not await is_signed_in(visitor)
    visitor.cookies["board_session"] = create_signed_value("another secret", "board_session", number).decode()
    assert not await is_signed_in(visitor)


async def test_a_session_of_an_account_that_is_gone_opens_nothing(visitor: Visitor) -> None:
    visitor.cookies["board_session"] = create_signed_value("for tests only", "board_session", "99").decode()
    assert not await is_signed_in(visitor)
