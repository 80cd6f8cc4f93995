"""The application of all kinds of work, on Tornado; for eyewall it is ``eyewall_web.py``.

``python -m benchmarks.servers.tornado_web PORT [CERTIFICATE KEY]``
"""

from __future__ import annotations

import sys

import tornado.escape
import tornado.httpserver
import tornado.ioloop
import tornado.web

from ._work import STATIC, make_files

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


if __name__ == "__main__":
    make_files()
    certificate = sys.argv[2:]
    http_server = tornado.httpserver.HTTPServer(
        tornado.web.Application(
            [(r"/", MainHandler), (r"/users/([0-9]+)/([^/]+)", UserHandler), (r"/echo", EchoHandler)],
            static_path=str(STATIC),
        ),
        ssl_options={"certfile": certificate[0], "keyfile": certificate[1]} if certificate else None,
    )
    http_server.listen(int(sys.argv[1]))
    tornado.ioloop.IOLoop.instance().start()
