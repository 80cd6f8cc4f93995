"""A visitor of the board, as far as the handlers can tell: keeps cookies, sends forms with their token, signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.web.testing import AppResponse

PASSWORD = "correct horse"


class Visitor(AppClient):
    async def submit(self, path: str, **fields: str) -> AppResponse:
        """Send a form of a page that was looked at before."""
        if "_xsrf" not in self.cookies:
            await self.get("/sign-in")
        return await self.post(path, data={"_xsrf": self.cookies["_xsrf"], **fields})

    async def join(self, name: str) -> None:
        """Make an account, and be signed in."""
        assert (await self.submit("/join", name=name, password=PASSWORD)).code == 303
