"""HTTP without a framework: a delegate that tells every client, in JSON, what it has sent.

``python echo_http.py [PORT]``, then ``curl --data hello 'localhost:8888/any/path?a=b'``.

``/status/404`` answers with that status without reading the body, ``/close`` ends the connection,
and ``/stream`` sends its answer piece by piece. With ``CERTFILE KEYFILE`` behind the port it speaks
TLS.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

from eyewall.httpserver import (
    HTTPHeaders,
    HTTPServer,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
    responses,
)
from eyewall.ioloop import IOLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.httpserver import HTTPConnection

WITHOUT_BODY = {204, 205, 304}


class Echo:
    """Serves every connection; an ``HTTPServerConnectionDelegate``."""

    def __init__(self) -> None:
        self.requests = 0

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> EchoRequest:
        """Begin a request."""
        return EchoRequest(self, request_conn)

    def on_close(self, server_conn: object, /) -> None:
        """Nothing is kept for a connection."""


class EchoRequest:
    """Takes in one request and answers it; an ``HTTPMessageDelegate``."""

    request: HTTPServerRequest
    number: int

    def __init__(self, echo: Echo, connection: HTTPConnection) -> None:
        self.echo = echo
        self.connection = connection
        self.body = bytearray()

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Count the request, and answer it at once where its body does not matter."""
        assert isinstance(start_line, RequestStartLine)
        self.echo.requests += 1
        self.number = self.echo.requests
        self.request = HTTPServerRequest(start_line=start_line, headers=headers, connection=self.connection)
        first, _, status = self.request.path.lstrip("/").partition("/")
        if first == "status" and status.isdecimal():
            self.answer(b"" if int(status) in WITHOUT_BODY else b"as you wish\n", status=int(status))
        elif start_line.method == "CONNECT":
            self.answer(b"no tunnels are opened here\n", status=501)
        return None

    def data_received(self, chunk: bytes, /) -> None:
        """Keep a piece of the body."""
        self.body += chunk

    def finish(self) -> Awaitable[object] | None:
        """All of it has come."""
        match self.request.path:
            case "/stream":
                return self.stream()
            case "/close":
                self.answer(b"goodbye\n", Connection="close")
            case _:
                self.answer(json.dumps(self.description()).encode(), "application/json")
        return None

    def on_connection_close(self) -> None:
        """Nobody reads the answer: there is nothing here to give up for that."""

    def description(self) -> dict[str, object]:
        """What the client has sent."""
        request = self.request
        return {
            "method": request.method,
            "target": request.uri,
            "path": request.path,
            "query": request.query,
            "headers": list(request.headers.get_all()),
            "body": base64.b64encode(self.body).decode(),
            "authority": request.host,
            "n": self.number,
        }

    async def stream(self) -> None:
        """Answer in pieces, as fast as the client takes them."""
        connection = self.connection
        await connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Type": "text/plain"}))
        for number in range(5):
            await connection.write(f"piece {number}\n".encode())
        connection.finish()

    def answer(self, body: bytes, content_type: str = "text/plain", *, status: int = 200, **more: str) -> None:
        """Answer in one piece."""
        headers = HTTPHeaders({"Content-Type": content_type, "Content-Length": str(len(body)), **more})
        start_line = ResponseStartLine("", status, responses.get(status, ""))
        self.connection.write_headers(start_line, headers, body)
        self.connection.finish()


if __name__ == "__main__":
    port, *files = sys.argv[1:] or ["8888"]
    server = HTTPServer(Echo(), ssl_options={"certfile": files[0], "keyfile": files[1]} if files else None)
    server.listen(int(port))
    IOLoop.instance().start()
