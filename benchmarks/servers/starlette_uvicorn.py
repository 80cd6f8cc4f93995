"""``python -m benchmarks.servers.starlette_uvicorn PORT [CERTIFICATE KEY]``."""

from __future__ import annotations

from ._asgi import serve_on_uvicorn

if __name__ == "__main__":
    serve_on_uvicorn("benchmarks.servers.starlette_app:app")
