"""The cookie that stands for a browser."""

from __future__ import annotations

import pytest

from board.messages import MAX_AUTHOR
from board.visitor import Visitor, new_key, owner_of


def returned(cookie: str) -> str:
    """What a browser sends back for a Set-Cookie."""
    return cookie.partition(";")[0]


@pytest.mark.parametrize("name", ["Ada King", "Zoë; Brandt", 'a"b,c=d:e', "山田"])
def test_a_visitor_comes_back_with_name_and_key(name: str) -> None:
    visitor = Visitor().named(name)
    assert Visitor.from_cookies(f"other=1; {returned(visitor.cookie())}; x") == visitor


def test_a_visitor_keeps_the_key_under_another_name() -> None:
    ada = Visitor().named("Ada")
    assert ada.named("Ada King").owner == ada.owner


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites() -> None:
    attributes = Visitor().named("Ada").cookie().split("; ")[1:]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)


@pytest.mark.parametrize(
    "header", ["", ";;", "eyewall_board", "eyewall_board=", "eyewall_board=short:Ada", "xeyewall_board=" + "k" * 22]
)
def test_an_odd_cookie_is_a_new_visitor(header: str) -> None:
    assert Visitor.from_cookies(header) == Visitor()


def test_a_name_from_a_cookie_is_no_longer_than_a_form_allows() -> None:
    assert len(Visitor.from_cookies(f"eyewall_board={new_key()}:{'x' * 1000}").name) == MAX_AUTHOR


def test_no_key_owns_nothing() -> None:
    assert Visitor().owner == ""
    assert owner_of("") != ""


def test_what_a_message_keeps_of_a_key_does_not_tell_the_key() -> None:
    key = new_key()
    assert key not in owner_of(key)
    assert owner_of(key) == owner_of(key) != owner_of(new_key())
