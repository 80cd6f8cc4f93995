"""The handlers that tell an open page of new messages: over a WebSocket, or where that fails by server-sent events."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from eyewall.web import EventSourceHandler, ServerSentEvent, WebSocketHandler

from .messages import parse_number

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .feed import Feed


class LiveSocket(WebSocketHandler):
    """News over a WebSocket, from behind the message ``after``."""

    def initialize(self, feed: Feed) -> None:
        """Take what the route gives."""
        self.feed: Feed = feed

    async def prepare(self) -> None:
        """Refuse a number that is none before there is a WebSocket."""
        self.after = self.argument("after", parse_number)

    async def open(self) -> None:
        """Begin to listen."""
        await self.feed.open(self, self.after)

    def on_message(self, message: str | bytes) -> None:
        """Nothing is expected."""

    def on_close(self) -> None:
        """Listen no more."""
        self.feed.close(self)


class LiveEvents(EventSourceHandler):
    """The same as server-sent events. A browser that was cut off says by itself what it saw last."""

    def initialize(self, feed: Feed) -> None:
        """Take what the route gives."""
        self.feed: Feed = feed

    async def prepare(self) -> None:
        """Find out where to begin."""
        self.after = self.argument("after", parse_number)
        with suppress(ValueError):
            self.after = parse_number(self.last_event_id or "")

    async def get(self) -> AsyncGenerator[ServerSentEvent]:
        """Give an event for each message."""
        async for news in self.feed.listen(self.after):
            yield ServerSentEvent(news.text, id=str(news.number))
