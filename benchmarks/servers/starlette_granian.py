"""``python -m benchmarks.servers.starlette_granian PORT [CERTIFICATE KEY]``."""

from __future__ import annotations

from ._asgi import serve_on_granian

if __name__ == "__main__":
    serve_on_granian("benchmarks.servers.starlette_app:app")
