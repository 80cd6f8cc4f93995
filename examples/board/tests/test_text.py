"""What the templates' filters make of plain values."""

from __future__ import annotations

import pytest

from board.text import DAY, HOUR, MINUTE, NUMBER_OF_HUES, age, full_time, hue, initials, iso_time, linkify


def link(address: str) -> str:
    return f'<a href="{address}" rel="nofollow noopener noreferrer">{address}</a>'


def test_markup_in_a_text_is_shown_and_not_obeyed() -> None:
    assert linkify("<script>alert('&')</script>") == "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/b?c=1&d=2.", f"see {link('https://a.example/b?c=1&amp;d=2')}."),
        ("(http://a.example/)", f"({link('http://a.example/')})"),
        ("https://a.example, https://b.example!", f"{link('https://a.example')}, {link('https://b.example')}!"),
        ("<https://a.example/é>", f"&lt;{link('https://a.example/é')}&gt;"),
    ],
)
def test_web_addresses_become_links_without_the_sentence_around_them(text: str, expected: str) -> None:
    assert linkify(text) == expected


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "http://", "ftp://a.example"])
def test_nothing_but_web_addresses_becomes_a_link(text: str) -> None:
    assert "<a" not in linkify(text)


def test_an_address_cannot_leave_its_attribute() -> None:
    assert linkify('https://a.example/"onclick=x') == f"{link('https://a.example/')}&#34;onclick=x"


@pytest.mark.parametrize(
    ("name", "expected"), [("Ada", "A"), ("Ada King", "AK"), ("peter van dam", "PD"), ("éa ß", "ÉSS"), ("", "")]
)
def test_initials_are_of_the_first_and_the_last_name(name: str, expected: str) -> None:
    assert initials(name) == expected


def test_a_name_has_one_colour_however_it_is_capitalised() -> None:
    assert hue("Ada King") == hue("ada king")
    assert {hue(f"name {number}") for number in range(100)} == set(range(NUMBER_OF_HUES))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "just now"),
        (59, "just now"),
        (MINUTE, "1 minute ago"),
        (HOUR - 1, "59 minutes ago"),
        (HOUR, "1 hour ago"),
        (DAY - 1, "23 hours ago"),
        (DAY, "1 day ago"),
        (7 * DAY - 1, "6 days ago"),
    ],
)
def test_an_age_is_told_as_people_tell_it(seconds: float, expected: str) -> None:
    assert age(1_000_000_000.0, now=1_000_000_000.0 + seconds) == expected


def test_after_a_week_an_age_is_a_date() -> None:
    noon = 1_000_037_200.0  # 9 September 2001, 12:06:40 UTC: that day in most time zones
    assert age(noon, now=noon + 7 * DAY) == "9 Sep 2001"
    assert full_time(noon).startswith("Sun 9 Sep 2001, ")


def test_a_time_for_machines_is_in_utc() -> None:
    assert iso_time(1_000_000_000.5) == "2001-09-09T01:46:40+00:00"
