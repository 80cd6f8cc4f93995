"""The store alone, on a database in a temporary folder."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from board import store as store_module
from board.accounts import Account
from board.messages import Deletion, Draft, Message
from board.store import MAX_PINNED, Store, StoreError, ThreadFullError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADA = Account(1, "Ada", "hashed")
BOB = Account(2, "Bob", "hashed")


def opened(path: Path) -> closing[Store]:
    """A store in which Ada and Bob have accounts."""
    store = Store(path, now=lambda: 1000.0)
    for account in (ADA, BOB):
        if store.account(account.id) is None:
            assert store.add_account(account.name, account.password) == account
    return closing(store)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "board.sqlite3") as store:
        yield store


def add(store: Store, title: str = "Lunch", *, pinned: bool = False, reply_to: int | None = None) -> Message:
    message = store.add(Draft(title, "At noon.", pinned, reply_to), ADA)
    assert message is not None
    return message


def titles(messages: list[Message]) -> list[str]:
    return [message.title for message in messages]


def test_a_message_comes_back_as_it_was_added(store: Store) -> None:
    message = add(store)
    assert message == Message(message.id, None, "Ada", "Lunch", "At noon.", 1000.0, False, ADA.id, "", 0)
    assert store.get(message.id) == message


def test_there_is_no_message_that_was_not_added(store: Store) -> None:
    assert store.get(12) is None
    assert store.latest() == []


def test_messages_survive_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "board.sqlite3"
    with opened(path) as first:
        add(first)
    with opened(path) as second:
        assert titles(second.latest()) == ["Lunch"]


def test_two_stores_of_one_file_see_each_other_s_messages(tmp_path: Path) -> None:
    path = tmp_path / "board.sqlite3"
    with opened(path) as one, opened(path) as other:
        add(one, "from one")
        add(other, "from other")
        assert titles(one.latest()) == titles(other.latest()) == ["from other", "from one"]


def test_the_stream_is_newest_first_and_goes_on_before_the_last_of_a_page(store: Store) -> None:
    for number in range(5):
        add(store, str(number))
    page = store.latest(limit=2)
    assert titles(page) == ["4", "3"]
    assert titles(store.latest(before=page[-1].id, limit=9)) == ["2", "1", "0"]


def test_replies_are_oldest_first_counted_and_not_in_the_stream(store: Store) -> None:
    notice = add(store)
    replies = [add(store, reply_to=notice.id) for _ in range(2)]
    assert store.replies(notice.id) == replies
    assert [(m.id, m.reply_count) for m in store.latest()] == [(notice.id, 2)]


@pytest.mark.parametrize("to_a_reply", [True, False])
def test_only_a_notice_can_be_replied_to(store: Store, to_a_reply: bool) -> None:
    number = add(store, reply_to=add(store).id).id if to_a_reply else 99
    assert store.add(Draft("", "Yes.", reply_to=number), ADA) is None


def test_a_notice_takes_replies_up_to_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_REPLIES", 2)
    notice = add(store)
    add(store, reply_to=notice.id)
    add(store, reply_to=notice.id)
    with pytest.raises(ThreadFullError):
        add(store, reply_to=notice.id)
    assert len(store.replies(notice.id)) == 2
    add(store, "and the store goes on")


def test_pinned_notices_stand_apart_from_the_others(store: Store) -> None:
    add(store, "pinned", pinned=True)
    add(store, "plain")
    assert titles(store.pinned()) == ["pinned"]
    assert titles(store.unpinned()) == ["plain"]
    assert titles(store.latest()) == ["plain", "pinned"]


def test_pinned_notices_beyond_the_limit_are_back_in_the_stream(store: Store) -> None:
    for number in range(MAX_PINNED + 1):
        add(store, str(number), pinned=True)
    assert len(store.pinned()) == MAX_PINNED
    assert titles(store.unpinned()) == ["0"]


def test_the_owner_pins_and_unpins_and_nobody_else(store: Store) -> None:
    notice = add(store)
    assert not store.pin(notice.id, BOB, True)
    assert store.pinned() == []
    assert store.pin(notice.id, ADA, True)
    assert [m.id for m in store.pinned()] == [notice.id]
    assert store.pin(notice.id, ADA, False)
    assert store.pinned() == []


def test_a_reply_cannot_be_pinned(store: Store) -> None:
    reply = add(store, reply_to=add(store).id)
    assert not store.pin(reply.id, ADA, True)


def test_the_owner_deletes_a_notice_with_its_replies_and_nobody_else(store: Store) -> None:
    notice = add(store)
    reply = add(store, reply_to=notice.id)
    assert not store.delete(notice.id, BOB)
    assert store.get(notice.id) is not None
    assert store.delete(notice.id, ADA) == []
    assert store.get(notice.id) is None
    assert store.get(reply.id) is None


def test_what_is_newer_comes_in_the_order_of_its_numbers_replies_too(store: Store) -> None:
    first = add(store)
    assert store.newest() == first.id
    newer = [add(store, reply_to=first.id), add(store)]
    assert store.since(first.id) == newer
    assert store.since(store.newest()) == []


def test_a_deletion_has_its_place_among_what_is_newer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    notice = add(store)
    reply = add(store, reply_to=notice.id)
    store.delete(reply.id, ADA)
    last = add(store)
    store.delete(notice.id, ADA)
    changes = [Deletion(reply.id + 1, reply.id, notice.id), last, Deletion(last.id + 1, notice.id, None)]
    assert store.since(notice.id) == changes
    assert store.newest() == last.id + 1
    monkeypatch.setattr(store_module, "MAX_PAGE_SIZE", 2)
    assert store.since(notice.id) == changes[:2]


def test_who_deletes_a_notice_is_told_the_photographs_that_go_with_it(store: Store) -> None:
    with_photo = store.add(Draft("Lunch", "At noon.", photo="one.jpg"), ADA)
    assert with_photo is not None
    assert with_photo.photo == "one.jpg"
    store.add(Draft("", "Yes.", reply_to=with_photo.id, photo="two.png"), BOB)
    add(store, reply_to=with_photo.id)
    assert store.delete(with_photo.id, BOB) is None
    assert store.delete(with_photo.id, ADA) == ["one.jpg", "two.png"]


def test_the_number_of_a_deleted_message_is_not_given_again(store: Store) -> None:
    gone = add(store).id
    store.delete(gone, ADA)
    assert add(store).id > gone


@pytest.mark.parametrize("text", ["KÖLN", "köln", "straße", "STRASSE", "100%", "bob"])
def test_search_finds_a_notice_by_title_body_author_or_reply_in_any_case(store: Store, text: str) -> None:
    add(store, "something else")
    store.add(Draft("Train to Köln", "Everybody: 100% agreed?"), ADA)
    notice = store.latest()[0]
    store.add(Draft("", "I am in the Große Straße.", reply_to=notice.id), BOB)
    assert titles(store.search(text)) == ["Train to Köln"]


@pytest.mark.parametrize("text", ["%", "_", "'", "nowhere"])
def test_search_takes_every_character_as_itself(store: Store, text: str) -> None:
    add(store)
    assert store.search(text) == []


def test_search_has_pages_too(store: Store) -> None:
    for number in range(3):
        add(store, f"Lunch {number}")
    newest = store.search("lunch", limit=1)
    assert titles(store.search("lunch", before=newest[0].id)) == ["Lunch 1", "Lunch 0"]


def test_text_that_looks_like_sql_is_text(store: Store) -> None:
    evil = "'); DROP TABLE message; --"
    add(store, evil)
    assert titles(store.search(evil)) == [evil]


def test_a_database_that_cannot_be_made_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot use the database .*missing/board\.sqlite3: .*; give --database"):
        Store(tmp_path / "missing" / "board.sqlite3")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store(path)
    assert path.read_text() == "not a database, " * 100


def test_a_database_of_a_newer_board_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.sqlite3"
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="made by a newer board"):
        Store(path)


def test_an_account_is_found_by_number_and_by_name_in_any_case(store: Store) -> None:
    zoe = store.add_account("Zoë Straße", "hashed")
    assert zoe is not None
    assert store.account(zoe.id) == store.account_named("ZOË STRASSE") == zoe
    assert store.account(99) is store.account_named("Zoe") is None


def test_a_name_belongs_to_one_account_in_any_case(store: Store) -> None:
    assert store.add_account("ADA", "other") is None
    assert store.account_named("ada") == ADA


def test_the_messages_of_a_board_without_accounts_are_there_and_nobody_s(tmp_path: Path) -> None:
    path = tmp_path / "board.sqlite3"
    with closing(sqlite3.connect(path)) as sql:
        sql.execute(store_module._STEPS[0].split(";")[0])
        sql.execute("INSERT INTO message VALUES (7, NULL, 'Eve', 'Old', 'Text.', 5.0, 1, 'the digest of a key')")
        sql.execute("PRAGMA user_version = 1")
        sql.commit()
    with opened(path) as store:
        assert store.get(7) == Message(7, None, "Eve", "Old", "Text.", 5.0, True, None, "", 0)
        assert not store.delete(7, ADA)
        assert add(store).id == 8
