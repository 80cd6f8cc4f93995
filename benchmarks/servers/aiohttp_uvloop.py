"""The application of all kinds of work, on aiohttp and uvloop, its access log off.

``python -m benchmarks.servers.aiohttp_uvloop PORT [CERTIFICATE KEY]``
"""

from __future__ import annotations

import ssl
import sys

import uvloop
from aiohttp import WSMsgType, web

from ._work import FIELDS, MEBIBYTE, PLACES, STATIC, make_files


async def greet(_request: web.Request) -> web.Response:
    """Answer every GET of ``/``."""
    return web.Response(text="Hello, world!", content_type="text/html")


async def user(request: web.Request) -> web.Response:
    """Answer JSON to a route with two values."""
    return web.json_response({"id": int(request.match_info["number"]), "name": request.match_info["name"]})


async def echo(request: web.Request) -> web.Response:
    """Read JSON and write it."""
    return web.json_response(await request.json())


async def answer_with_fields(_request: web.Request) -> web.Response:
    """Greet, with many header fields."""
    return web.Response(text="Hello, world!", content_type="text/html", headers=FIELDS)


async def upload(request: web.Request) -> web.Response:
    """Take a body in pieces, and say how much it was."""
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
    return web.Response(text=str(size))


async def download(request: web.Request) -> web.StreamResponse:
    """Give a body in pieces."""
    piece, size = bytes(65536), int(request.match_info["mebibytes"]) * MEBIBYTE
    response = web.StreamResponse()
    response.content_length = size
    await response.prepare(request)
    for _ in range(size // len(piece)):
        await response.write(piece)
    return response


async def echo_messages(request: web.Request) -> web.WebSocketResponse:
    """Send back what comes."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


def main() -> None:
    """Serve."""
    make_files()
    app = web.Application()
    app.router.add_get("/", greet)
    app.router.add_get(r"/users/{number:\d+}/{name}", user)
    app.router.add_post("/echo", echo)
    app.router.add_post("/upload", upload)
    app.router.add_get(r"/download/{mebibytes:\d+}", download)
    app.router.add_get("/socket", echo_messages)
    app.router.add_get("/headers", answer_with_fields)
    for number in range(PLACES):
        app.router.add_get(rf"/place-{number}/{{number:\d+}}", greet)
    app.router.add_static("/static/", STATIC)
    context = None
    if sys.argv[2:]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*sys.argv[2:])
    loop = uvloop.new_event_loop()
    web.run_app(
        app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=loop, ssl_context=context
    )


if __name__ == "__main__":
    main()
