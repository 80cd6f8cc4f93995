"""aiohttp on uvloop, its access log off.

``python -m benchmarks.servers.aiohttp_uvloop PORT``
"""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web


async def greet(_request: web.Request) -> web.Response:
    """Answer every GET of ``/``."""
    return web.Response(text="Hello, world!", content_type="text/html")


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/", greet)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=uvloop.new_event_loop())
