"""Which drafts are refused, and what cleaning does to one."""

from __future__ import annotations

import re

import pytest

from board.messages import MAX_BODY, MAX_TITLE, Draft, parse_number

GOOD = Draft(title="Lunch", body="At noon.")


def test_a_complete_draft_has_no_problems() -> None:
    assert GOOD.clean() == GOOD
    assert GOOD.problems() == {}


def test_every_empty_field_has_its_own_sentence_in_the_order_of_the_form() -> None:
    assert list(Draft().problems()) == ["title", "body"]


def test_a_field_of_nothing_but_space_is_empty() -> None:
    assert list(Draft(title="\n", body="\r\n \r\n").clean().problems()) == ["title", "body"]


@pytest.mark.parametrize(("field", "limit"), [("title", MAX_TITLE), ("body", MAX_BODY)])
def test_a_field_may_be_as_long_as_its_limit_and_no_longer(field: str, limit: int) -> None:
    def draft(length: int) -> Draft:
        texts = {"title": "Lunch", "body": "At noon.", field: "é" * length}
        return Draft(texts["title"], texts["body"])

    assert draft(limit).problems() == {}
    assert draft(limit + 1).problems() == {field: f"Please shorten this to {limit} characters; it has {limit + 1}."}


def test_a_reply_needs_no_title_and_keeps_neither_title_nor_pin() -> None:
    reply = Draft(title="ignored", body="Yes.", pinned=True, reply_to=7).clean()
    assert reply == Draft(body="Yes.", reply_to=7)
    assert reply.problems() == {}


def test_a_body_keeps_its_lines_and_a_title_is_one_line() -> None:
    draft = Draft(title="a\n b", body="  one\r\n\r\n  two\tthree \r\n").clean()
    assert (draft.title, draft.body) == ("a b", "one\n\n  two\tthree")


def test_control_characters_and_halves_of_surrogate_pairs_do_not_get_in() -> None:
    draft = Draft(title="x\x1b[31m", body="half \ud83d").clean()
    assert (draft.title, draft.body) == ("x[31m", "half ?")


def test_the_number_of_a_message_is_one_that_a_database_can_hold() -> None:
    assert parse_number("9" * 18) == 10**18 - 1


@pytest.mark.parametrize("text", ["", "x", "-1", "+1", " 1", "1_0", "²", "9" * 19])
def test_nothing_else_is_the_number_of_a_message(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        parse_number(text)
