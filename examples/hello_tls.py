r"""The same over TLS: ``python hello_tls.py CERTFILE KEYFILE [PORT]``.

A certificate to try it with::

    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
"""

import sys

import eyewall.httpserver
import eyewall.ioloop
import eyewall.web


class MainHandler(eyewall.web.RequestHandler):
    """Answers every GET of ``/``."""

    def get(self) -> None:
        """Greet."""
        self.write("Hello, world, in private!")


if __name__ == "__main__":
    http_server = eyewall.httpserver.HTTPServer(
        eyewall.web.Application([(r"/", MainHandler)]),
        ssl_options={"certfile": sys.argv[1], "keyfile": sys.argv[2]},
    )
    http_server.listen(int(sys.argv[3]) if len(sys.argv) > 3 else 8443)
    eyewall.ioloop.IOLoop.instance().start()
