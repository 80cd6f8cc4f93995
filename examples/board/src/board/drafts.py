"""What the pages with a form for a message share: a form that is read while it comes in, photograph and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.web import FormLimits, HTTPError, UploadHandler

from .messages import Draft
from .page import MAX_FORM_BYTES, PageHandler
from .photos import MAX_BYTES, PhotoError
from .store import MAX_REPLIES, ThreadFullError

if TYPE_CHECKING:
    from eyewall.web import UploadedFile

    from .messages import Message


def address_of(message: Message) -> str:
    """The page that shows a message, and the place on it."""
    return f"/messages/{message.reply_to or message.id}#message-{message.id}"


# Both bases say whether they need the application's state: it is PageHandler that does.
class DraftHandler(PageHandler, UploadHandler):
    """A page with a form for a message, which may come with a photograph."""

    # A file that is larger than a photograph may be is read all the same, so that the form can say what is wrong.
    form_limits = FormLimits(4 * MAX_BYTES, max_parts=10, max_fields_size=MAX_FORM_BYTES, memory_size=64 * 1024)

    photo: UploadedFile | None = None
    """The photograph that came with the form."""

    async def prepare(self) -> None:
        """Refuse a form before it comes, where nobody is signed in."""
        await super().prepare()
        if self.request.method == "POST":
            self.author()

    def check_xsrf_cookie(self) -> None:
        """Wait for the token: it is in the form, and :meth:`take_form` checks it."""

    async def take_form(self, reply_to: int | None = None) -> Draft:
        """Read the form, photograph and all, and give the draft in it, cleaned; 403 where its token is wrong."""
        form = await self.read_form()
        super().check_xsrf_cookie()
        self.photo = form.file("photo") if "photo" in form.files else None
        return Draft(
            title=self.get_argument("title", ""),
            body=self.get_argument("body", ""),
            pinned=self.argument("pinned", bool, default=False),
            reply_to=reply_to,
        ).clean()

    async def post_draft(self, draft: Draft) -> dict[str, str]:
        """Keep the draft and send the browser to where it is shown, or give the problems that it has."""
        problems = draft.problems()
        if problems:
            if self.photo is not None:
                problems["photo"] = "Please choose the photograph again: a browser does not keep it."
            return problems
        try:
            message = await self.state.post(draft, self.author(), self.photo)
        except PhotoError as error:
            return {"photo": str(error)}
        except ThreadFullError:
            return {"body": f"There are {MAX_REPLIES} replies already. Please start a new message."}
        if message is None:
            raise HTTPError(404)
        self.redirect(address_of(message), status=303)
        return {}
