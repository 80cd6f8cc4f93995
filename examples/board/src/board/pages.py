"""The pages with messages, and the forms on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from eyewall.web import HTTPError, StaticFileHandler, authenticated, stream_request_body

from .forms import StreamedForm
from .messages import Draft, parse_number
from .page import MAX_FORM_BYTES, PageHandler
from .photos import MAX_BYTES, PhotoError
from .store import MAX_REPLIES, PAGE_SIZE, Store, ThreadFullError

if TYPE_CHECKING:
    from datetime import datetime

    from .messages import Message

MAX_SEARCH: Final = 100
MAX_POST_BYTES: Final = 4 * MAX_BYTES
"""What is larger than a photograph may be is read up to this, and not kept, so that its form can say what is wrong."""
_ONE_YEAR: Final = 365 * 24 * 60 * 60


def address_of(message: Message) -> str:
    """The page that shows a message, and the place on it."""
    return f"/messages/{message.reply_to or message.id}#message-{message.id}"


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


@stream_request_body
class DraftHandler(PageHandler):
    """A page with a form for a message, whose photograph is on the disk when the form is complete."""

    form: StreamedForm | None = None

    async def prepare(self) -> None:
        """Let somebody who is signed in send as much as a photograph has."""
        await super().prepare()
        if self.request.method == "POST":
            self.author()
            self.request.connection.set_max_body_size(MAX_POST_BYTES)
            content_type = self.request.headers.get("Content-Type", "")
            self.form = StreamedForm(content_type, self.state.photos.receive, max_bytes=MAX_FORM_BYTES)

    async def data_received(self, chunk: bytes) -> None:
        """Take in a piece of the form."""
        if self.form is not None:
            await self.form.feed(chunk)

    def on_connection_close(self) -> None:
        """Leave nothing of a form that was cut off."""
        if self.form is not None:
            self.form.discard()

    def on_finish(self) -> None:
        """Leave nothing of a photograph that no message has."""
        if self.form is not None:
            self.form.discard()

    def check_xsrf_cookie(self) -> None:
        """Check the token when it is there: it is in the body, which is still to come."""
        if self.form is not None:
            super().check_xsrf_cookie()

    def take_form(self, reply_to: int | None = None) -> tuple[Draft, dict[str, str]]:
        """Give what the form holds, cleaned, with the problems that it has; 403 where the token is wrong."""
        if self.form is None:
            raise HTTPError(400)
        self.form.finish()
        self.request.arguments = self.form.arguments
        self.check_xsrf_cookie()
        draft = Draft(
            title=self.get_argument("title", ""),
            body=self.get_argument("body", ""),
            pinned=self.argument("pinned", bool, default=False),
            reply_to=reply_to,
        ).clean()
        problems = draft.problems()
        if self.form.problem is not None:
            problems["photo"] = self.form.problem
        elif problems and self.form.upload is not None:
            problems["photo"] = "Please choose the photograph again: a browser does not keep it."
        return draft, problems

    async def post_draft(self, draft: Draft) -> dict[str, str]:
        """Keep the draft and send the browser to where it is shown, or give the problem that it has."""
        photo = None if self.form is None else self.form.upload
        try:
            message = await self.state.post(draft, self.author(), photo)
        except PhotoError as error:
            return {"photo": str(error)}
        except ThreadFullError:
            return {"body": f"There are {MAX_REPLIES} replies already. Please start a new message."}
        if message is None:
            raise HTTPError(404)
        self.redirect(address_of(message), status=303)
        return {}


class NewMessage(DraftHandler):
    """The form for a notice on a page of its own: for phones, and for a draft with a problem."""

    @authenticated
    def get(self) -> None:
        """Show the empty form."""
        self.render("new.html", draft=Draft(), problems={})

    async def post(self) -> None:
        """Post the notice, or show the form again with what was entered and what is wrong."""
        draft, problems = self.take_form()
        problems = problems or await self.post_draft(draft)
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
        draft, problems = self.take_form(reply_to=number)
        problems = problems or await self.post_draft(draft)
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
