"""What the tests of the handlers share: a client of a board with an empty database, and its clerk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from board import Clerk, make_app
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eyewall.ioloop import IOLoop


@pytest.fixture
def clerk(io_loop: IOLoop, tmp_path: Path) -> Iterator[Clerk]:
    clerk = Clerk(tmp_path / "board.sqlite3", io_loop=io_loop)
    yield clerk
    io_loop.run_sync(clerk.close)


@pytest.fixture
def client(io_loop: IOLoop, clerk: Clerk) -> AppClient:
    return AppClient(make_app(clerk, title="The <Third> Floor"), io_loop=io_loop)
