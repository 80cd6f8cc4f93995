"""The application of all kinds of work, on Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from ._work import FIELDS, MEBIBYTE, PLACES, STATIC, make_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.websockets import WebSocket


async def greet(_request: Request) -> HTMLResponse:
    """Answer every GET of ``/``."""
    return HTMLResponse("Hello, world!")


async def user(request: Request) -> JSONResponse:
    """Answer JSON to a route with two values."""
    return JSONResponse({"id": request.path_params["number"], "name": request.path_params["name"]})


async def echo(request: Request) -> JSONResponse:
    """Read JSON and write it."""
    return JSONResponse(await request.json())


async def answer_with_fields(_request: Request) -> HTMLResponse:
    """Greet, with many header fields."""
    return HTMLResponse("Hello, world!", headers=FIELDS)


async def upload(request: Request) -> HTMLResponse:
    """Take a body in pieces, and say how much it was."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return HTMLResponse(str(size))


async def download(request: Request) -> StreamingResponse:
    """Give a body in pieces."""
    piece, size = bytes(65536), request.path_params["mebibytes"] * MEBIBYTE

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    return StreamingResponse(pieces(), headers={"Content-Length": str(size)})


async def echo_messages(socket: WebSocket) -> None:
    """Send back what comes."""
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(message)


make_files()
app = Starlette(
    routes=[
        Route("/", greet),
        Route("/users/{number:int}/{name}", user),
        Route("/echo", echo, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/download/{mebibytes:int}", download),
        WebSocketRoute("/socket", echo_messages),
        Route("/headers", answer_with_fields),
        *(Route(f"/place-{number}/{{number:int}}", greet) for number in range(PLACES)),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
)
