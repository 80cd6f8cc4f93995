"""The pages where people sign in, join and leave."""

from __future__ import annotations

import re
from typing import Final

from .accounts import Credentials
from .page import PageHandler

_WRONG: Final = {"password": "There is no such name with this password."}
_TAKEN: Final = {"name": "Somebody has this name already. Please add something to yours, or sign in."}


# To a browser, //evil.example/ names a host, a backslash is a slash, and a tab or a line's end in between is nothing.
_is_ours = re.compile(r"/(?!/)[!-\[\]-~]*").fullmatch


class SignIn(PageHandler):
    """Where who has an account signs in."""

    template = "sign_in.html"

    def get(self) -> None:
        """Show the empty form."""
        self.show(Credentials(), {})

    head = get

    async def post(self) -> None:
        """Sign in, and go where the visitor came from."""
        credentials = self.credentials()
        account = await self.state.doorman.let_in(credentials)
        if account is None:
            self.show(credentials, _WRONG)
        else:
            self.sign_in(account)
            self.redirect(self.next, status=303)

    def show(self, credentials: Credentials, problems: dict[str, str]) -> None:
        """Show the form, with what was entered and what is wrong with it."""
        self.set_status(422 if problems else 200)
        self.render(self.template, name=credentials.name, problems=problems, next=self.next)

    def credentials(self) -> Credentials:
        """The form's fields, cleaned."""
        password = self.get_body_argument("password", "", strip=False)
        return Credentials(self.get_body_argument("name", ""), password).clean()

    @property
    def next(self) -> str:
        """Where the visitor came from: a path of this board, whatever somebody may have put into the link."""
        path = self.get_argument("next", "/")
        return path if _is_ours(path) else "/"


class Join(SignIn):
    """Where who has none makes one."""

    template = "join.html"

    async def post(self) -> None:
        """Make the account, sign in, and go where the visitor came from."""
        credentials = self.credentials()
        problems = credentials.problems()
        account = None if problems else await self.state.doorman.welcome(credentials)
        if account is None:
            self.show(credentials, problems or _TAKEN)
        else:
            self.sign_in(account)
            self.redirect(self.next, status=303)


class SignOut(PageHandler):
    """Where people leave."""

    def post(self) -> None:
        """Sign out."""
        self.sign_out()
        self.redirect("/", status=303)
