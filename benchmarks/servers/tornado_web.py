"""The application of all kinds of work, on Tornado; for eyewall it is ``eyewall_web.py``.

``python -m benchmarks.servers.tornado_web PORT [CERTIFICATE KEY]``
"""

from __future__ import annotations

import sys

import tornado.escape
import tornado.httpserver
import tornado.ioloop
import tornado.web
import tornado.websocket

from ._work import FIELDS, MEBIBYTE, PLACES, STATIC, make_files

# pyright: reportUnknownMemberType=false
# A bare dict in Tornado's annotation of write().


class MainHandler(tornado.web.RequestHandler):
    """Answers every GET of ``/``."""

    def get(self) -> None:
        """Greet."""
        self.write("Hello, world!")


class UserHandler(tornado.web.RequestHandler):
    """Answers JSON to a route with two values."""

    def get(self, number: str, name: str) -> None:
        """Give what the path says."""
        self.write({"id": int(number), "name": name})


class EchoHandler(tornado.web.RequestHandler):
    """Reads JSON and writes it."""

    def post(self) -> None:
        """Give it back."""
        self.write(tornado.escape.json_decode(self.request.body))


class PlaceHandler(tornado.web.RequestHandler):
    """Greets, whatever the number in the path."""

    def get(self, _number: str) -> None:
        """Greet."""
        self.write("Hello, world!")


class HeadersHandler(tornado.web.RequestHandler):
    """Greets, with many header fields."""

    def get(self) -> None:
        """Greet."""
        for name, value in FIELDS.items():
            self.set_header(name, value)
        self.write("Hello, world!")


@tornado.web.stream_request_body
class UploadHandler(tornado.web.RequestHandler):
    """Takes a body in pieces."""

    def initialize(self) -> None:
        """Begin to count."""
        self.size = 0

    def data_received(self, chunk: bytes) -> None:
        """Count."""
        self.size += len(chunk)

    def post(self) -> None:
        """Say how much it was."""
        self.write(str(self.size))


class DownloadHandler(tornado.web.RequestHandler):
    """Gives a body in pieces."""

    async def get(self, mebibytes: str) -> None:
        """Give it."""
        piece = bytes(65536)
        self.set_header("Content-Length", int(mebibytes) * MEBIBYTE)
        for _ in range(int(mebibytes) * MEBIBYTE // len(piece)):
            self.write(piece)
            await self.flush()


class EchoSocket(tornado.websocket.WebSocketHandler):
    """Sends back what comes."""

    async def on_message(self, message: str | bytes) -> None:
        """Send it back."""
        await self.write_message(message, binary=isinstance(message, bytes))


if __name__ == "__main__":
    make_files()
    certificate = sys.argv[2:]
    http_server = tornado.httpserver.HTTPServer(
        tornado.web.Application(
            [
                (r"/", MainHandler),
                (r"/users/([0-9]+)/([^/]+)", UserHandler),
                (r"/echo", EchoHandler),
                (r"/upload", UploadHandler),
                (r"/download/([0-9]+)", DownloadHandler),
                (r"/socket", EchoSocket),
                (r"/headers", HeadersHandler),
                *((rf"/place-{number}/([0-9]+)", PlaceHandler) for number in range(PLACES)),
            ],
            static_path=str(STATIC),
        ),
        ssl_options={"certfile": certificate[0], "keyfile": certificate[1]} if certificate else None,
        max_body_size=1024 * MEBIBYTE,
    )
    http_server.listen(int(sys.argv[1]), backlog=1024)
    tornado.ioloop.IOLoop.instance().start()
