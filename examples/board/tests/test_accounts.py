"""Accounts alone: names, passwords, and what is kept of them."""

from __future__ import annotations

import pytest

from board.accounts import MAX_NAME, MAX_PASSWORD, Credentials, hash_password, password_matches

GOOD = "correct horse"


def test_a_password_matches_what_was_kept_of_it_and_no_other_does() -> None:
    kept = hash_password(GOOD, 1)
    assert password_matches(GOOD, kept)
    assert not password_matches(GOOD + " ", kept)
    assert not password_matches("", kept)


def test_what_is_kept_tells_neither_the_password_nor_who_has_the_same() -> None:
    one, other = hash_password(GOOD, 1), hash_password(GOOD, 1)
    assert one != other
    assert GOOD not in one


def test_a_password_keeps_the_cost_that_it_was_kept_with() -> None:
    assert password_matches(GOOD, hash_password(GOOD, 3))


def test_half_of_a_surrogate_pair_is_a_password_too() -> None:
    assert password_matches("half \ud83d", hash_password("half \ud83d", 1))


def test_a_name_is_cleaned_and_a_password_is_not() -> None:
    assert Credentials(" Ada \x00 King\n", " pass word ").clean() == Credentials("Ada King", " pass word ")


@pytest.mark.parametrize(
    ("name", "password", "at_fault"),
    [
        ("Ada", GOOD, []),
        ("", GOOD, ["name"]),
        ("x" * (MAX_NAME + 1), GOOD, ["name"]),
        ("Ada", "short", ["password"]),
        ("Ada", "x" * (MAX_PASSWORD + 1), ["password"]),
        ("", "", ["name", "password"]),
    ],
)
def test_a_problem_names_its_field(name: str, password: str, at_fault: list[str]) -> None:
    assert list(Credentials(name, password).problems()) == at_fault
