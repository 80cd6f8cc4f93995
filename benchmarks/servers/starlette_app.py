"""The application of all kinds of work, on Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ._work import STATIC, make_files

if TYPE_CHECKING:
    from starlette.requests import Request


async def greet(_request: Request) -> HTMLResponse:
    """Answer every GET of ``/``."""
    return HTMLResponse("Hello, world!")


async def user(request: Request) -> JSONResponse:
    """Answer JSON to a route with two values."""
    return JSONResponse({"id": request.path_params["number"], "name": request.path_params["name"]})


async def echo(request: Request) -> JSONResponse:
    """Read JSON and write it."""
    return JSONResponse(await request.json())


make_files()
app = Starlette(
    routes=[
        Route("/", greet),
        Route("/users/{number:int}/{name}", user),
        Route("/echo", echo, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
)
