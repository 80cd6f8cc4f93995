"""The clerk: the thread between the loop and the store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from board.clerk import Clerk
from board.messages import Draft
from board.store import Store, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from board import Board
    from eyewall.ioloop import IOLoop


def thread_of(_: Store) -> int:
    return threading.get_ident()


@pytest.fixture
def clerk(board: Board) -> Clerk:
    return board.clerk


async def test_a_question_is_answered_by_the_store(clerk: Clerk) -> None:
    ada = await clerk.ask(Store.add_account, "Ada", "hashed")
    assert ada is not None
    message = await clerk.ask(Store.add, Draft("Lunch", "At noon."), ada)
    assert message is not None
    assert await clerk.ask(Store.get, message.id) == message


@pytest.mark.needs("threads")
async def test_all_questions_are_answered_in_one_thread_which_is_not_the_loop_s(clerk: Clerk) -> None:
    threads = {await clerk.ask(thread_of) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_store_that_cannot_be_opened_is_told_to_whoever_asks(io_loop: IOLoop, tmp_path: Path) -> None:
    clerk = Clerk(tmp_path / "missing" / "board.sqlite3", io_loop=io_loop)
    with pytest.raises(StoreError):
        await clerk.ask(Store.latest)
    await clerk.close()


def test_a_clerk_that_was_never_asked_closes_and_leaves_no_file(io_loop: IOLoop, tmp_path: Path) -> None:
    io_loop.run_sync(Clerk(tmp_path / "board.sqlite3", io_loop=io_loop).close)
    assert list(tmp_path.iterdir()) == []
