"""A visitor of the board, as far as the handlers can tell: keeps cookies, sends forms with their token, signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.web.testing import AppResponse

PASSWORD = "correct horse"


def multipart(fields: dict[str, str], photo: bytes | None = None) -> tuple[bytes, dict[str, str]]:
    """Write a form as browsers do; gives its body and its header fields."""
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'name="photo"; filename="%s"\r\n\r\n' % (b"x.html" if photo else b"") + (photo or b""))
    body = b"".join(b"--limit\r\nContent-Disposition: form-data; %s\r\n" % part for part in parts) + b"--limit--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=limit"}


class Visitor(AppClient):
    async def token(self) -> str:
        """What a form of this visitor's holds against forged ones."""
        if "_xsrf" not in self.cookies:
            await self.get("/sign-in")
        return self.cookies["_xsrf"]

    async def submit(self, path: str, **fields: str) -> AppResponse:
        """Send a form."""
        return await self.post(path, data={"_xsrf": await self.token(), **fields})

    async def send(
        self, path: str, fields: dict[str, str], photo: bytes | None = None, headers: dict[str, str] | None = None
    ) -> AppResponse:
        """Send a form with a place for a photograph."""
        body, content_type = multipart({"_xsrf": await self.token(), **fields}, photo)
        return await self.post(path, body=body, headers={**content_type, **(headers or {})})

    async def join(self, name: str) -> None:
        """Make an account, and be signed in."""
        assert (await self.submit("/join", name=name, password=PASSWORD)).code == 303
