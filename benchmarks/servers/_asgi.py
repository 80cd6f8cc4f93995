"""Serves an ASGI application on uvicorn or granian, each as fast as it can be set: uvloop, access log off."""

from __future__ import annotations

import sys


def serve_on_uvicorn(target: str) -> None:
    """Serve what is named as ``module:attribute``, on the port of the command line; with two files, over TLS."""
    import uvicorn

    certificate = dict(zip(("ssl_certfile", "ssl_keyfile"), sys.argv[2:], strict=False))
    uvicorn.run(
        target,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        # Idle connections are measured, too.
        timeout_keep_alive=75,
        ssl_certfile=certificate.get("ssl_certfile"),
        ssl_keyfile=certificate.get("ssl_keyfile"),
    )


def serve_on_granian(target: str) -> None:
    """The same; one worker, one thread."""
    from pathlib import Path

    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops

    files = [Path(name) for name in sys.argv[2:]]
    Granian(
        target,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        # Which it need not find out, and an idle connection takes half the memory.
        http=HTTPModes.http1,
        log_enabled=False,
        # Idle connections count: at the limit it accepts no more.
        backlog=20_000,
        ssl_cert=files[0] if files else None,
        ssl_key=files[1] if files else None,
    ).serve()
