"""The application of all kinds of work, on aiohttp and uvloop, its access log off.

``python -m benchmarks.servers.aiohttp_uvloop PORT [CERTIFICATE KEY]``
"""

from __future__ import annotations

import ssl
import sys

import uvloop
from aiohttp import web

from ._work import STATIC, make_files


async def greet(_request: web.Request) -> web.Response:
    """Answer every GET of ``/``."""
    return web.Response(text="Hello, world!", content_type="text/html")


async def user(request: web.Request) -> web.Response:
    """Answer JSON to a route with two values."""
    return web.json_response({"id": int(request.match_info["number"]), "name": request.match_info["name"]})


async def echo(request: web.Request) -> web.Response:
    """Read JSON and write it."""
    return web.json_response(await request.json())


def main() -> None:
    """Serve."""
    make_files()
    app = web.Application()
    app.router.add_get("/", greet)
    app.router.add_get(r"/users/{number:\d+}/{name}", user)
    app.router.add_post("/echo", echo)
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
