"""The pages with messages, and the forms on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from eyewall.web import HTTPError, StaticFileHandler, authenticated

from .drafts import DraftHandler, address_of
from .messages import Draft, parse_number
from .page import PageHandler
from .store import PAGE_SIZE, Store

if TYPE_CHECKING:
    from datetime import datetime

    from .messages import Message

MAX_SEARCH: Final = 100
_ONE_YEAR: Final = 365 * 24 * 60 * 60


class FrontPage(PageHandler):
    """The stream of notices, or what a search finds in it, a page at a time."""

    async def get(self) -> None:
        """Show the pinned notices and the newest, or those older than ``before``."""
        search = " ".join(self.get_argument("q", "").split())[:MAX_SEARCH]
        before = self.argument("before", parse_number, None)
        is_plain = not search and before is None
        ask = self.state.clerk.ask
        # Asked first: a message that comes while the others are asked for is told of, and not lost.
        newest = await ask(Store.newest) if is_plain else None
        if search:
            messages = await ask(Store.search, search, before, PAGE_SIZE + 1)
        else:
            messages = await ask(Store.unpinned, before, PAGE_SIZE + 1)
        self.render(
            "front.html",
            newest=newest,
            search=search,
            before=before,
            pinned=await ask(Store.pinned) if is_plain else [],
            messages=messages[:PAGE_SIZE],
            older=_older(messages, search),
            draft=Draft(),
            problems={},
        )

    head = get


def _older(messages: list[Message], search: str) -> str:
    if len(messages) <= PAGE_SIZE:
        return ""
    before = {"before": str(messages[PAGE_SIZE - 1].id)}
    return "/?" + urlencode({"q": search, **before} if search else before)


class NewMessage(DraftHandler):
    """The form for a notice on a page of its own: for phones, and for a draft with a problem."""

    @authenticated
    def get(self) -> None:
        """Show the empty form."""
        self.render("new.html", draft=Draft(), problems={})

    async def post(self) -> None:
        """Post the notice, or show the form again with what was entered and what is wrong."""
        draft = await self.take_form()
        problems = await self.post_draft(draft)
        if problems:
            self.set_status(422)
            self.render("new.html", draft=draft, problems=problems)


class MessagePage(DraftHandler):
    """A notice with its replies, and the form for another."""

    async def get(self, number: int) -> None:
        """Show the notice; the address of a reply leads to its notice."""
        message = await self.message(number)
        if message.reply_to is not None:
            self.redirect(address_of(message), status=303)
        else:
            await self._show_thread(message, Draft(), {})

    head = get

    async def post(self, number: int) -> None:
        """Post a reply, or show the form again with what was entered and what is wrong."""
        draft = await self.take_form(reply_to=number)
        problems = await self.post_draft(draft)
        if problems:
            self.set_status(422)
            await self._show_thread(await self.message(number), draft, problems)

    async def _show_thread(self, message: Message, draft: Draft, problems: dict[str, str]) -> None:
        newest = await self.state.clerk.ask(Store.newest)
        replies = await self.state.clerk.ask(Store.replies, message.id)
        self.render("message.html", newest=newest, message=message, replies=replies, draft=draft, problems=problems)


class DeleteMessage(PageHandler):
    """Deletes a message, for who posted it."""

    async def post(self, number: int) -> None:
        """Delete it and go where it was shown."""
        message = await self.message(number)
        if not await self.state.delete(message.id, self.author()):
            raise HTTPError(403)
        self.redirect("/" if message.reply_to is None else f"/messages/{message.reply_to}", status=303)


class PinMessage(PageHandler):
    """Pins or unpins a notice, for who posted it."""

    async def post(self, number: int) -> None:
        """Pin it where the form says ``pinned=1``, else unpin it."""
        message = await self.message(number)
        pinned = self.argument("pinned", bool, default=False)
        if not await self.state.clerk.ask(Store.pin, message.id, self.author(), pinned):
            raise HTTPError(403)
        self.redirect(address_of(message), status=303)


class PhotoFile(StaticFileHandler):
    """A photograph: what somebody has sent, so a browser is to take it for an image and nothing else."""

    def set_extra_headers(self, path: str) -> None:
        """Let it do nothing, were it opened as a page."""
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("X-Content-Type-Options", "nosniff")

    def get_cache_time(self, path: str, modified: datetime | None, mime_type: str) -> int:
        """Let browsers keep it: another one would have another name."""
        return _ONE_YEAR
