"""What all pages share: who is signed in, the header fields, the error page."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from eyewall.web import Handler, HTTPError

from .state import Board
from .store import Store

if TYPE_CHECKING:
    from .accounts import Account
    from .messages import Message

MAX_FORM_BYTES: Final = 64 * 1024
"""A body of the longest text in percent-encoded UTF-8 is about this long."""

_SESSION: Final = "board_session"
_SESSION_DAYS: Final = 30
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # With no-referrer a browser would send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_EXPLANATIONS: Final = {
    HTTPStatus.BAD_REQUEST: "Something in the request is not as it should be.",
    HTTPStatus.FORBIDDEN: "Only who posted a message can change it, signed in, and from a page of this board. "
    "Going back brings back what you wrote.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address. The message may have been deleted.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address takes forms only.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That was too long for a message.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "This address takes forms of multipart/form-data.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The board could not do that. The log on the server says why.",
}


class PageHandler(Handler[Board]):
    """A handler that answers a browser with HTML."""

    def set_default_headers(self) -> None:
        """Say what a browser may do with the page: little."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        """Refuse a form that is larger than any of ours, and find out who is signed in."""
        if len(self.request.body) > MAX_FORM_BYTES:
            raise HTTPError(413)
        session = self.get_signed_cookie(_SESSION, max_age_days=_SESSION_DAYS)
        self.current_user = None if session is None else await self.state.clerk.ask(Store.account, int(session))

    @property
    def member(self) -> Account | None:
        """Who is signed in: ``current_user``, for type checkers."""
        account: Account | None = self.current_user
        return account

    def author(self) -> Account:
        """Who is signed in; 403 where nobody is."""
        if self.member is None:
            raise HTTPError(403)
        return self.member

    def sign_in(self, account: Account) -> None:
        """Let the browser keep who it belongs to, signed, so that nobody can make it up."""
        self.set_signed_cookie(
            _SESSION,
            str(account.id),
            expires_days=_SESSION_DAYS,
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )

    def sign_out(self) -> None:
        """Let the browser forget that."""
        self.clear_cookie(_SESSION)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page that says what is wrong, and nothing of why."""
        status = HTTPStatus(status_code)
        self.render("error.html", status=status_code, phrase=status.phrase, explanation=_EXPLANATIONS.get(status, ""))

    async def message(self, number: int) -> Message:
        """The message of that number; 404 where there is none."""
        message = await self.state.clerk.ask(Store.get, number)
        if message is None:
            raise HTTPError(404)
        return message


class NoSuchPage(PageHandler):
    """Every address that nothing else answers."""

    async def prepare(self) -> None:
        """Answer 404, to any method."""
        await super().prepare()
        raise HTTPError(404)
