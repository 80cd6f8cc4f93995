"""The board itself: what its handlers share, and find in ``self.state``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .accounts import DEFAULT_COST
from .clerk import Clerk
from .doorman import Doorman
from .feed import Feed
from .rendering import Templates
from .store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import EventLoop

    from .accounts import Account
    from .messages import Draft, Message


@dataclass(frozen=True, slots=True)
class Board:
    """Who does what on a board."""

    clerk: Clerk
    """Keeps messages and accounts."""
    doorman: Doorman
    """Knows who is who."""
    feed: Feed
    """Tells who is looking."""
    templates: Templates
    """How it all looks."""

    @classmethod
    def at(
        cls, database: Path, *, io_loop: EventLoop, title: str = "Office board", password_cost: int = DEFAULT_COST
    ) -> Board:
        """Make the board of a database. Make it after a fork: no thread survives one."""
        clerk = Clerk(database, io_loop=io_loop)
        templates = Templates(title)
        return cls(
            clerk,
            Doorman(clerk, io_loop=io_loop, cost=password_cost),
            Feed(clerk, templates, io_loop=io_loop),
            templates,
        )

    async def post(self, draft: Draft, author: Account) -> Message | None:
        """Keep a clean draft without problems, and tell who is looking; as :meth:`Store.add` otherwise."""
        message = await self.clerk.ask(Store.add, draft, author)
        await self.feed.look()
        return message

    async def close(self) -> None:
        """Finish what is under way, and let go of the database."""
        self.feed.stop()
        self.doorman.close()
        await self.clerk.close()
