"""eyewall.httpserver alone, with a function for an application.

``python -m benchmarks.servers.eyewall_callback PORT``
"""

from __future__ import annotations

import sys

from eyewall.httpserver import HTTPHeaders, HTTPServer, HTTPServerRequest, ResponseStartLine
from eyewall.ioloop import IOLoop

START_LINE = ResponseStartLine("HTTP/1.1", 200, "OK")
HEADERS = HTTPHeaders({"Content-Type": "text/html; charset=UTF-8", "Content-Length": "13"})


def greet(request: HTTPServerRequest) -> None:
    """Answer any request."""
    request.connection.write_headers(START_LINE, HEADERS, b"Hello, world!")
    request.connection.finish()


if __name__ == "__main__":
    server = HTTPServer(greet)
    server.listen(int(sys.argv[1]), "127.0.0.1")
    IOLoop.instance().start()
