"""Starlette on uvicorn with uvloop and httptools, its access log off.

``python -m benchmarks.servers.starlette_uvicorn PORT``
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


async def greet(_request: Request) -> HTMLResponse:
    """Answer every GET of ``/``."""
    return HTMLResponse("Hello, world!")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/", greet)])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
