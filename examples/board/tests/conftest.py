"""What the tests of the handlers share: a board with an empty database, and who looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from visiting import Visitor

from board import Board, make_app
from board.rendering import Templates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eyewall.ioloop import IOLoop
    from eyewall.web import Application


TEMPLATES = Templates("The <Third> Floor")  # to compile them takes as long as all else in a test


@pytest.fixture
def board(io_loop: IOLoop, tmp_path: Path) -> Iterator[Board]:
    board = Board.at(tmp_path / "board.sqlite3", TEMPLATES, io_loop=io_loop, password_cost=1)
    yield board
    io_loop.run_sync(board.close)


@pytest.fixture
def app(board: Board) -> Application[Board]:
    return make_app(board, cookie_secret="for tests only")


@pytest.fixture
def visitor(io_loop: IOLoop, app: Application[Board]) -> Visitor:
    """Somebody who has no account."""
    return Visitor(app, io_loop=io_loop)


@pytest.fixture
def ada(io_loop: IOLoop, app: Application[Board]) -> Visitor:
    """Somebody who is signed in."""
    visitor = Visitor(app, io_loop=io_loop)
    io_loop.run_sync(lambda: visitor.join("Ada King"))
    return visitor


@pytest.fixture
def jun(io_loop: IOLoop, app: Application[Board]) -> Visitor:
    """Somebody else who is."""
    visitor = Visitor(app, io_loop=io_loop)
    io_loop.run_sync(lambda: visitor.join("Jun"))
    return visitor
