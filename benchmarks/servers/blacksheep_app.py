"""The application of all kinds of work, on BlackSheep."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

# BlackSheep's decorators are not typed.
# mypy: disable-error-code="untyped-decorator,no-any-unimported"
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from blacksheep import (
    Application,
    Content,
    Request,
    Response,
    StreamedContent,
    WebSocket,
    WebSocketDisconnectError,
    json,
)

from ._work import FIELDS, MEBIBYTE, PLACES, STATIC, make_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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


@app.router.get("/headers")
async def answer_with_fields(_request: Request) -> Response:
    """Greet, with many header fields."""
    fields = [(name.encode(), value.encode()) for name, value in FIELDS.items()]
    return Response(200, fields, Content(b"text/html", b"Hello, world!"))


@app.router.post("/upload")
async def upload(request: Request) -> Response:
    """Take a body in pieces, and say how much it was."""
    size = 0
    async for chunk in request.stream():  # type: ignore[attr-defined] # its stub takes this for a coroutine
        size += len(chunk)
    return Response(200, None, Content(b"text/plain", b"%d" % size))


@app.router.get("/download/{mebibytes}")
async def download(mebibytes: int) -> Response:
    """Give a body in pieces."""
    piece, size = bytes(65536), mebibytes * MEBIBYTE

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    return Response(200, None, StreamedContent(b"application/octet-stream", pieces, size))


@app.router.ws("/socket")
async def echo_messages(websocket: WebSocket) -> None:
    """Send back what comes."""
    await websocket.accept()
    with suppress(WebSocketDisconnectError):
        while True:
            await websocket.send_text(await websocket.receive_text())


for place in range(PLACES):
    app.router.get(f"/place-{place}/{{number}}")(greet)
