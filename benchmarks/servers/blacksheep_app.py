"""The application of all kinds of work, on BlackSheep."""

from __future__ import annotations

from typing import Any

# BlackSheep's decorators are not typed.
# mypy: disable-error-code="untyped-decorator,no-any-unimported"
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportUnknownVariableType=false
from blacksheep import Application, Content, Request, Response, json

from ._work import STATIC, make_files

make_files()
app = Application()
app.serve_files(STATIC, root_path="static")


@app.router.get("/")
async def greet(_request: Request) -> Response:
    """Answer every GET of ``/``."""
    return Response(200, None, Content(b"text/html", b"Hello, world!"))


@app.router.get("/users/{number}/{name}")
async def user(number: int, name: str) -> Response:
    """Answer JSON to a route with two values."""
    return json({"id": number, "name": name})


@app.router.post("/echo")
async def echo(request: Request) -> Response:
    """Read JSON and write it."""
    data: Any = await request.json()
    return json(data)
