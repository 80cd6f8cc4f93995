"""The same under a supervisor, which replaces its workers on SIGHUP: ``python hello_supervised.py [PORT]``."""

import logging
import os
import sys

from eyewall.httpserver import HTTPServer
from eyewall.tcpserver import Supervisor, bind_sockets
from eyewall.web import Application, RequestHandler


class MainHandler(RequestHandler):
    """Answers every GET of ``/``."""

    def get(self) -> None:
        """Greet, and say which process did."""
        self.write(f"Hello from process {os.getpid()}!")


def make_server() -> HTTPServer:
    """Make what each worker serves; called in the worker."""
    return HTTPServer(Application([(r"/", MainHandler)]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(message)s")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    # A function that binds: after SIGUSR2 the new program has the sockets already, and does not call it.
    Supervisor(make_server, lambda: bind_sockets(port), workers=2).run()
