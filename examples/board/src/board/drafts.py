"""What the pages with a form for a message share: a form that is read while it comes in, photograph and all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eyewall.web import HTTPError, stream_request_body

from .forms import StreamedForm
from .messages import Draft
from .page import MAX_FORM_BYTES, PageHandler
from .photos import MAX_BYTES, PhotoError
from .store import MAX_REPLIES, ThreadFullError

if TYPE_CHECKING:
    from .messages import Message

MAX_POST_BYTES: Final = 4 * MAX_BYTES
"""What is larger than a photograph may be is read up to this, and not kept, so that its form can say what is wrong."""


def address_of(message: Message) -> str:
    """The page that shows a message, and the place on it."""
    return f"/messages/{message.reply_to or message.id}#message-{message.id}"


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
