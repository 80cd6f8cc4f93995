"""Accept fields: what a client would rather have."""

from __future__ import annotations

import pytest

from eyewall.httpserver import (
    Preference,
    best_encoding,
    best_language,
    best_media_type,
    parse_preferences,
)


def test_preferences_come_in_the_order_of_their_weights() -> None:
    assert parse_preferences("a;q=0.5, B , c;q=0, d ; q=1.000,, ;q=1") == [
        Preference("b", 1.0),
        Preference("d", 1.0),
        Preference("a", 0.5),
        Preference("c", 0.0),
    ]


@pytest.mark.parametrize("item", ["a;q=2", "a;q=-1", "a;q=0.1234", "a;q=", "a;q=nan", "a;q=1e0", "a;q=\u0660"])
def test_an_item_with_a_weight_that_is_none_is_passed_over(item: str) -> None:
    assert parse_preferences(f"{item}, b") == [Preference("b", 1.0)]


def test_parameters_belong_to_what_is_named() -> None:
    assert parse_preferences('text/html; Level=1;q=0.3, a;b="x,y"') == [
        Preference('a;b="x,y"', 1.0),
        Preference("text/html;level=1", 0.3),
    ]


@pytest.mark.parametrize(
    "field", ['"\\' * 500_000, " " * 1_000_000, "a;" * 500_000, ";" * 1_000_000 + "q=1", "," * 1_000_000]
)
def test_no_field_costs_the_square_of_its_length(field: str) -> None:
    # With a quadratic parser, one of them takes minutes.
    assert len(parse_preferences(field)) <= 1


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "text/html"),
        ("", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "application/json"),
        ("text/*;q=0.5, application/json", "application/json"),
        ("text/*, application/json;q=0.5", "text/html"),
        ("application/json, text/html", "text/html"),
        ("*/*;q=0.1, text/html;q=0", "application/json"),
        ("text/html;level=1, */*;q=0.2", "text/html"),
        ("TEXT/HTML", "text/html"),
        ("image/png", None),
        ("text/html;q=0, application/json;q=0", None),
        ("text/htm", None),
    ],
)
def test_the_media_type_that_is_wanted_most_is_sent(accept: str | None, chosen: str | None) -> None:
    assert best_media_type(accept, ["text/html", "application/json"]) == chosen


def test_an_offer_with_parameters_is_meant_by_the_type_without() -> None:
    offers = ["text/html; level=1", "text/html"]
    assert best_media_type("text/html;q=0.4, text/html;level=1", offers) == "text/html; level=1"
    assert best_media_type("text/html;level=1;q=0.4, text/html", offers) == "text/html"
    assert best_media_type("text/html", offers[:1]) == offers[0]


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP, br", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("deflate", "identity"),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "gzip"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("gzip;q=0", "identity"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("*;q=0, identity", "identity"),
        ("gzip, *;q=0", "gzip"),
    ],
)
def test_the_coding_that_is_wanted_most_is_sent(field: str | None, chosen: str | None) -> None:
    assert best_encoding(field, ["br", "gzip"]) == chosen


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        (None, "de"),
        ("en", "en-GB"),
        ("en-US", None),
        ("fr;q=0.9, en-gb;q=0.8, de;q=0.7", "en-GB"),
        ("*;q=0.1, de;q=0", "en-GB"),
        ("d", None),
    ],
)
def test_the_language_that_is_wanted_most_is_sent(field: str | None, chosen: str | None) -> None:
    assert best_language(field, ["de", "en-GB"]) == chosen


def test_a_client_with_thousands_of_wishes_is_heard_up_to_the_hundredth() -> None:
    assert [wish.value for wish in parse_preferences("a," * 98 + "b,c,d")][-2:] == ["b", "c"]
    assert best_encoding("a," * 99 + "gzip", ["gzip"]) == "gzip"
    assert best_encoding("a," * 100 + "gzip", ["gzip"]) == "identity"
