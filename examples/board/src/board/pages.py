"""The pages: handlers that answer a browser with HTML."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from eyewall.web import HTTPError, RequestHandler

from .messages import MAX_AUTHOR, MAX_BODY, MAX_TITLE, Draft, Message
from .store import MAX_REPLIES, PAGE_SIZE, Store, ThreadFullError
from .visitor import Visitor

if TYPE_CHECKING:
    from .clerk import Clerk
    from .rendering import Templates

MAX_FORM_BYTES: Final = 64 * 1024
"""A body of the longest text in percent-encoded UTF-8 is about this long."""
MAX_SEARCH: Final = 100

_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # With no-referrer a browser would send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class PageHandler(RequestHandler):
    """What all pages share: the visitor, the template, the error page, and who may post a form."""

    def initialize(self, clerk: Clerk, templates: Templates) -> None:
        """Take what the route gives."""
        self.clerk: Clerk = clerk
        self.templates: Templates = templates
        self.visitor: Visitor = Visitor.from_cookies(self.request.headers.get("Cookie", ""))

    def prepare(self) -> None:
        """Refuse a form that came from another site, or is larger than any of ours."""
        if self.request.method == "POST":
            if not self._is_from_this_site():
                raise HTTPError(403)
            if len(self.request.body) > MAX_FORM_BYTES:
                raise HTTPError(413)

    def _is_from_this_site(self) -> bool:
        headers = self.request.headers
        # Browsers send it over TLS and on localhost, where it is right even behind a proxy that changes Host.
        site = headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == headers.get("Host")

    def show(self, template: str, **values: object) -> None:
        """Answer with a page, which also knows the visitor and the limits."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        limits = {"author": MAX_AUTHOR, "title": MAX_TITLE, "body": MAX_BODY}
        self.write(self.templates.render(template, visitor=self.visitor, limits=limits, **values))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page that says what is wrong, and nothing of why."""
        status = HTTPStatus(status_code)
        self.show("error.html", status=status_code, phrase=status.phrase, explanation=_EXPLANATIONS.get(status, ""))

    def draft(self, reply_to: int | None = None) -> Draft:
        """The form's fields, cleaned."""
        return Draft(
            author=self.get_argument("author", ""),
            title=self.get_argument("title", ""),
            body=self.get_argument("body", ""),
            pinned=bool(self.get_argument("pinned", "")),
            reply_to=reply_to,
        ).clean()

    async def post_draft(self, draft: Draft) -> dict[str, str]:
        """Keep the draft and send the browser to where it is shown, or give the problems that it has."""
        problems = draft.problems()
        if problems:
            return problems
        visitor = self.visitor.named(draft.author)
        try:
            message = await self.clerk.ask(Store.add, draft, visitor.owner)
        except ThreadFullError:
            return {"body": f"There are {MAX_REPLIES} replies already. Please start a new message."}
        if message is None:
            raise HTTPError(404)
        self.set_header("Set-Cookie", visitor.cookie())
        self.redirect(address_of(message), status=303)
        return {}

    async def message(self, number: str) -> Message:
        """The message of that number; 404 where there is none."""
        message = await self.clerk.ask(Store.get, int(number))
        if message is None:
            raise HTTPError(404)
        return message


_EXPLANATIONS: Final = {
    HTTPStatus.BAD_REQUEST: "Something in the request is not as it should be.",
    HTTPStatus.FORBIDDEN: "Only the browser that posted a message can change it, from this site.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address. The message may have been deleted.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address takes forms only.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That was too long for a message.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The board could not do that. The log on the server says why.",
}


def address_of(message: Message) -> str:
    """The page that shows a message, and the place on it."""
    return f"/messages/{message.reply_to or message.id}#message-{message.id}"


def parse_before(text: str) -> int | None:
    """The ``before`` of an address, a message's number; raises ``ValueError`` where it is none."""
    if not text:
        return None
    number = int(text)
    if not 0 < number < 10**18:  # what fits SQLite's integers, and the route's pattern
        raise ValueError(text)
    return number


class FrontPage(PageHandler):
    """The stream of notices, or what a search finds in it, a page at a time."""

    async def get(self) -> None:
        """Show the pinned notices and the newest, or those older than ``before``."""
        search = " ".join(self.get_argument("q", "").split())[:MAX_SEARCH]
        try:
            before = parse_before(self.get_argument("before", ""))
        except ValueError:
            raise HTTPError(400) from None
        if search:
            messages = await self.clerk.ask(Store.search, search, before, PAGE_SIZE + 1)
        else:
            messages = await self.clerk.ask(Store.unpinned, before, PAGE_SIZE + 1)
        is_plain = not search and before is None
        self.show(
            "front.html",
            search=search,
            before=before,
            pinned=await self.clerk.ask(Store.pinned) if is_plain else [],
            messages=messages[:PAGE_SIZE],
            older=_older(messages, search),
            draft=Draft(author=self.visitor.name),
            problems={},
        )

    head = get


def _older(messages: list[Message], search: str) -> str:
    if len(messages) <= PAGE_SIZE:
        return ""
    before = {"before": str(messages[PAGE_SIZE - 1].id)}
    return "/?" + urlencode({"q": search, **before} if search else before)


class NewMessage(PageHandler):
    """The form for a notice on a page of its own: for phones, and for a draft with a problem."""

    async def get(self) -> None:
        """Show the empty form."""
        self.show("new.html", draft=Draft(author=self.visitor.name), problems={})

    head = get

    async def post(self) -> None:
        """Post the notice, or show the form again with what was entered and what is wrong."""
        draft = self.draft()
        problems = await self.post_draft(draft)
        if problems:
            self.set_status(422)
            self.show("new.html", draft=draft, problems=problems)


class MessagePage(PageHandler):
    """A notice with its replies, and the form for another."""

    async def get(self, number: str) -> None:
        """Show the notice; the address of a reply leads to its notice."""
        message = await self.message(number)
        if message.reply_to is not None:
            self.redirect(address_of(message), status=303)
        else:
            await self._show_thread(message, Draft(author=self.visitor.name), {})

    head = get

    async def post(self, number: str) -> None:
        """Post a reply, or show the form again with what was entered and what is wrong."""
        draft = self.draft(reply_to=int(number))
        problems = await self.post_draft(draft)
        if problems:
            message = await self.message(number)
            self.set_status(422)
            await self._show_thread(message, draft, problems)

    async def _show_thread(self, message: Message, draft: Draft, problems: dict[str, str]) -> None:
        replies = await self.clerk.ask(Store.replies, message.id)
        self.show("message.html", message=message, replies=replies, draft=draft, problems=problems)


class DeleteMessage(PageHandler):
    """Deletes a message, for the browser that posted it."""

    async def post(self, number: str) -> None:
        """Delete it and go where it was shown."""
        message = await self.message(number)
        if not await self.clerk.ask(Store.delete, message.id, self.visitor.owner):
            raise HTTPError(403)
        self.redirect("/" if message.reply_to is None else f"/messages/{message.reply_to}", status=303)


class PinMessage(PageHandler):
    """Pins or unpins a notice, for the browser that posted it."""

    async def post(self, number: str) -> None:
        """Pin it where the form says ``pinned=1``, else unpin it."""
        message = await self.message(number)
        if not await self.clerk.ask(Store.pin, message.id, self.visitor.owner, bool(self.get_argument("pinned", ""))):
            raise HTTPError(403)
        self.redirect(address_of(message), status=303)


class NoSuchPage(PageHandler):
    """Every address that nothing else answers."""

    def prepare(self) -> None:
        """Answer 404, to any method."""
        raise HTTPError(404)
