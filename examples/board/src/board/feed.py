"""The feed: tells the pages that are open of new and deleted messages, whichever process saw to them."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.ioloop import PeriodicCallback
from eyewall.web import WebSocketHandler, broadcast

from .messages import Message
from .store import MAX_PAGE_SIZE, Store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from eyewall.ioloop import EventLoop, Promise

    from .clerk import Clerk
    from .messages import Deletion
    from .rendering import Templates

LOOK_MILLISECONDS: Final = 1000
"""How long a message may take to whom another process serves; from the same process it comes at once."""
MAX_WAITING: Final = 100
"""A listener that is further behind is let go, and comes back with the number of what it saw last."""


class News(NamedTuple):
    """What is told of a message, or of its deletion: JSON for ``board.js``."""

    number: int
    text: str


class Feed:
    """Looks into the store for what has higher numbers than it has seen, and tells its listeners.

    A listener is a WebSocket, which is written to, or somebody who iterates over :meth:`listen`. It is told of each
    message and each deletion once, also of those that come while it catches up.
    """

    def __init__(self, clerk: Clerk, templates: Templates, *, io_loop: EventLoop) -> None:
        self._clerk = clerk
        self._templates = templates
        self._io_loop = io_loop
        self._newest = 0
        # Each with the number of what it was told last by itself; infinity while it catches up.
        self._sockets: dict[WebSocketHandler, float] = {}
        self._mailboxes: set[Mailbox] = set()
        self._timer = PeriodicCallback(self.look, LOOK_MILLISECONDS, io_loop=io_loop)

    async def look(self) -> None:
        """Tell of what has happened since the last look: call it after a change. It is called by itself, too."""
        if not (self._sockets or self._mailboxes):
            return
        for news in await self._since(self._newest):
            if news.number > self._newest:  # and not told meanwhile, by another look
                self._newest = news.number
                broadcast([socket for socket, seen in self._sockets.items() if seen < news.number], news.text)
                for mailbox in self._mailboxes:
                    mailbox.put(news)

    async def open(self, socket: WebSocketHandler, after: int) -> None:
        """Tell a WebSocket of what is newer than ``after``, now and from now on."""
        await self._expect_listener()
        self._sockets[socket] = math.inf
        seen, newest = after, -1
        while newest != self._newest:  # others were told of something meanwhile
            newest = self._newest
            for news in await self._since(seen):
                broadcast([socket], news.text)
                seen = news.number
        if socket in self._sockets:
            self._sockets[socket] = seen

    def close(self, socket: WebSocketHandler) -> None:
        """Tell it no more."""
        self._sockets.pop(socket, None)
        self._rest()

    async def listen(self, after: int) -> AsyncGenerator[News]:
        """Give what is newer than ``after``, as it comes, for as long as somebody takes it in time."""
        await self._expect_listener()
        mailbox = Mailbox(self._io_loop)
        self._mailboxes.add(mailbox)
        try:
            seen = after
            for news in await self._since(after):
                seen = news.number
                yield news
            while not mailbox.is_full:
                news = await mailbox.take()
                if news.number > seen:
                    yield news
        finally:
            self._mailboxes.discard(mailbox)
            self._rest()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    async def _expect_listener(self) -> None:
        if not (self._sockets or self._mailboxes):
            self._newest = max(self._newest, await self._clerk.ask(Store.newest))
        self._timer.start()

    def _rest(self) -> None:
        if not (self._sockets or self._mailboxes):
            self._timer.stop()

    async def _since(self, number: int) -> Sequence[News]:
        changes = page = await self._clerk.ask(Store.since, number)
        while len(page) == MAX_PAGE_SIZE:
            page = await self._clerk.ask(Store.since, page[-1].id)
            changes += page
        return [News(change.id, await self._told(change)) for change in changes]

    async def _told(self, change: Message | Deletion) -> str:
        # Wherever its notice is shown, the number of replies has changed.
        notice = None if change.reply_to is None else await self._clerk.ask(Store.get, change.reply_to)
        notices = [] if notice is None else [notice]
        if isinstance(change, Message):
            return self._templates.news(change, [change, *notices])
        return self._templates.gone(change, notices)


class Mailbox:
    """News that wait for a listener."""

    def __init__(self, io_loop: EventLoop) -> None:
        self._io_loop = io_loop
        self._news: deque[News] = deque()
        self._comes: Promise[None] | None = None

    @property
    def is_full(self) -> bool:
        """True once the listener is too far behind."""
        return len(self._news) >= MAX_WAITING

    def put(self, news: News) -> None:
        """Put in what there is room for."""
        if not self.is_full:
            self._news.append(news)
        if self._comes is not None and not self._comes.done():
            self._comes.set_result(None)

    async def take(self) -> News:
        """Take out the oldest; wait for it where there is none."""
        while not self._news:
            self._comes = self._io_loop.create_future()
            await self._comes
        return self._news.popleft()
