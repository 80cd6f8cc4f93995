"""The smallest server: ``python hello.py [PORT]`` says "Hello, world!" at http://localhost:PORT/."""

import sys

import eyewall.httpserver
import eyewall.ioloop
import eyewall.web


class MainHandler(eyewall.web.RequestHandler):
    """Answers every GET of ``/``."""

    def get(self) -> None:
        """Greet."""
        self.write("Hello, world!")


if __name__ == "__main__":
    http_server = eyewall.httpserver.HTTPServer(eyewall.web.Application([(r"/", MainHandler)]))
    http_server.listen(int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
    eyewall.ioloop.IOLoop.instance().start()
