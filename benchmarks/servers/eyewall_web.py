"""The application of all kinds of work, on eyewall.

``python -m benchmarks.servers.eyewall_web PORT [CERTIFICATE KEY]``: with these two, over TLS.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.web import INT, ROOT, TEXT, Application, Handler, RequestHandler, WebSocketHandler, stream_request_body

from ._work import FIELDS, MEBIBYTE, PLACES, STATIC, make_files

if TYPE_CHECKING:
    from eyewall.web import RouteLine, TypedRoute


class Hello(RequestHandler):
    """Greets."""

    def get(self) -> None:
        """Greet."""
        self.write("Hello, world!")


class Place(RequestHandler):
    """Greets, whatever the number in the path."""

    def get(self, _number: str) -> None:
        """Greet."""
        self.write("Hello, world!")


class Headers(RequestHandler):
    """Greets, with many header fields."""

    def get(self) -> None:
        """Greet."""
        for name, value in FIELDS.items():
            self.set_header(name, value)
        self.write("Hello, world!")


class User(Handler[Any]):
    """Answers JSON to a typed route."""

    def get(self, number: int, name: str) -> dict[str, object]:
        """Give what the path says."""
        return {"id": number, "name": name}


class Echo(RequestHandler):
    """Reads JSON and writes it."""

    def post(self) -> None:
        """Give it back."""
        self.write(json.loads(self.request.body))


class TypedEcho(Handler[Any]):
    """The same by a faster codec, where one is installed."""

    def post(self) -> dict[str, object]:
        """Give it back."""
        return self.json(dict[str, object])


@stream_request_body
class Upload(RequestHandler):
    """Takes a body in pieces."""

    def initialize(self) -> None:
        """Begin to count."""
        self.request.connection.set_max_body_size(1024 * MEBIBYTE)
        self.size = 0

    def data_received(self, chunk: bytes) -> None:
        """Count."""
        self.size += len(chunk)

    def post(self) -> None:
        """Say how much it was."""
        self.write(str(self.size))


class Download(RequestHandler):
    """Gives a body in pieces."""

    async def get(self, mebibytes: str) -> None:
        """Give it."""
        piece = bytes(65536)
        self.set_header("Content-Length", int(mebibytes) * MEBIBYTE)
        for _ in range(int(mebibytes) * MEBIBYTE // len(piece)):
            self.write(piece)
            await self.flush()


class EchoSocket(WebSocketHandler):
    """Sends back what comes."""

    async def on_message(self, message: str | bytes) -> None:
        """Send it back."""
        await self.write_message(message, binary=isinstance(message, bytes))


ROUTES: list[RouteLine | TypedRoute[Any]] = [
    (r"/", Hello),
    (ROOT / "users" / INT / TEXT).to(User),
    (r"/echo", Echo),
    (ROOT / "typed-echo").to(TypedEcho),
    (r"/upload", Upload),
    (r"/download/([0-9]+)", Download),
    (r"/headers", Headers),
    *((rf"/place-{number}/([0-9]+)", Place) for number in range(PLACES)),
]
# An extra, without which the other kinds of work are measured all the same.
if find_spec("websockets"):
    ROUTES.append((r"/socket", EchoSocket))


if __name__ == "__main__":
    certificate = sys.argv[2:]
    make_files()
    server = HTTPServer(
        Application(ROUTES, static_path=str(STATIC)),
        ssl_options={"certfile": certificate[0], "keyfile": certificate[1]} if certificate else None,
    )
    server.listen(int(sys.argv[1]), "127.0.0.1")
    IOLoop.instance().start()
