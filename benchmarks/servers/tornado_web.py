"""Tornado's three lines; the same for eyewall is ``examples/hello.py``.

``python -m benchmarks.servers.tornado_web PORT``
"""

from __future__ import annotations

import sys

import tornado.httpserver
import tornado.ioloop
import tornado.web


class MainHandler(tornado.web.RequestHandler):
    """Answers every GET of ``/``."""

    def get(self) -> None:
        """Greet."""
        self.write("Hello, world!")  # pyright: ignore[reportUnknownMemberType] - a bare dict in Tornado's annotation


if __name__ == "__main__":
    http_server = tornado.httpserver.HTTPServer(tornado.web.Application([(r"/", MainHandler)]))
    http_server.listen(int(sys.argv[1]))
    tornado.ioloop.IOLoop.instance().start()
