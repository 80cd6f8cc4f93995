"""The board itself: what its handlers share, and find in ``self.state``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .accounts import DEFAULT_COST
from .clerk import Clerk
from .doorman import Doorman
from .feed import Feed
from .photos import Photos
from .store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import EventLoop
    from eyewall.web import UploadedFile

    from .accounts import Account
    from .messages import Draft, Message
    from .rendering import Templates


@dataclass(frozen=True, slots=True)
class Board:
    """Who does what on a board."""

    clerk: Clerk
    """Keeps messages and accounts."""
    doorman: Doorman
    """Knows who is who."""
    photos: Photos
    """Keeps photographs."""
    feed: Feed
    """Tells who is looking."""
    templates: Templates
    """How it all looks."""

    @classmethod
    def at(
        cls, database: Path, templates: Templates, *, io_loop: EventLoop, password_cost: int = DEFAULT_COST
    ) -> Board:
        """Make the board of a database. Make it after a fork: no thread survives one."""
        clerk = Clerk(database, io_loop=io_loop)
        return cls(
            clerk,
            Doorman(clerk, io_loop=io_loop, cost=password_cost),
            Photos(database.with_suffix(".photos"), io_loop=io_loop),
            Feed(clerk, templates, io_loop=io_loop),
            templates,
        )

    async def post(self, draft: Draft, author: Account, photo: UploadedFile | None = None) -> Message | None:
        """Keep a clean draft without problems, with its photograph, and tell who is looking.

        Gives and raises what :meth:`Store.add` and :meth:`Photos.keep` do; without a message, no photograph stays.
        """
        if photo is not None:
            draft = replace(draft, photo=await self.photos.keep(photo))
        try:
            message = await self.clerk.ask(Store.add, draft, author)
        except Exception:
            await self.photos.remove([draft.photo])
            raise
        if message is None:
            await self.photos.remove([draft.photo])
        else:
            await self.feed.look()
        return message

    async def delete(self, number: int, author: Account) -> bool:
        """Delete a message of this author, with its replies and all their photographs, and tell who is looking.

        False where there is none.
        """
        photos = await self.clerk.ask(Store.delete, number, author)
        if photos is None:
            return False
        await self.photos.remove(photos)
        await self.feed.look()
        return True

    async def close(self) -> None:
        """Finish what is under way, and let go of the database."""
        self.feed.stop()
        self.doorman.close()
        await self.clerk.close()
