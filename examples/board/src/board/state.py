"""The board itself: what its handlers share, and find in ``self.state``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .accounts import DEFAULT_COST
from .clerk import Clerk
from .doorman import Doorman

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import EventLoop


@dataclass(frozen=True, slots=True)
class Board:
    """Who does what on a board."""

    clerk: Clerk
    """Keeps messages and accounts."""
    doorman: Doorman
    """Knows who is who."""

    @classmethod
    def at(cls, database: Path, *, io_loop: EventLoop, password_cost: int = DEFAULT_COST) -> Board:
        """Make the board of a database. Make it after a fork: no thread survives one."""
        clerk = Clerk(database, io_loop=io_loop)
        return cls(clerk, Doorman(clerk, io_loop=io_loop, cost=password_cost))

    async def close(self) -> None:
        """Finish what is under way, and let go of the database."""
        self.doorman.close()
        await self.clerk.close()
