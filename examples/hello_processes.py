"""The same on two processes, which share the port: ``python hello_processes.py [PORT]``."""

import os
import sys

import eyewall.httpserver
import eyewall.ioloop
import eyewall.web


class MainHandler(eyewall.web.RequestHandler):
    """Answers every GET of ``/``."""

    def get(self) -> None:
        """Greet, and say which process did."""
        self.write(f"Hello from process {os.getpid()}!")


if __name__ == "__main__":
    http_server = eyewall.httpserver.HTTPServer(eyewall.web.Application([(r"/", MainHandler)]))
    http_server.bind(int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
    http_server.start(2)  # forks: the loop is made after it, one in each process
    eyewall.ioloop.IOLoop.instance().start()
