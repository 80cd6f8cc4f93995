"""What is tried on the HTTP/1.1 server, for any bytes whatever: the fuzzer's target, and the corpus's test.

The first byte chooses how the others are cut. Then, with a parser alone: cuts change nothing of what it
tells its delegate, nor whether it refuses. And with a whole server: it never fails, answers in its own
strict words, once for each request and in their order, and leaves nothing behind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from eyewall.httpserver import (
    HTTP1ConnectionParameters,
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPServer,
    Limits,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.httpserver._parser import RequestParser
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

from .support import FAILURES, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(max_request_line=200, max_header_size=600, max_field_size=300, max_fields=20, max_body_size=300)
MAX_REQUESTS = 50
UNMEASURED = "PQ"
"""What the methods begin with whose answers say no length."""


class Told(NamedTuple):
    """What one request came to."""

    start_line: object
    fields: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...]
    keep_alive: bool


class Delegate:
    """Keeps what it is told of one request."""

    def __init__(self) -> None:
        self.start_line: object = None
        self.fields: tuple[tuple[str, str], ...] = ()
        self.body = b""
        self.keep_alive = False

    def headers_received(self, start_line: object, headers: HTTPHeaders, /) -> None:
        """Keep the head."""
        self.start_line = start_line
        self.fields = tuple(headers.get_all())

    def data_received(self, chunk: bytes, /) -> None:
        """Keep a piece of the body."""
        assert chunk
        self.body += chunk

    def finish(self) -> None:
        """Nothing to do: the parser says it is complete."""

    def on_connection_close(self) -> None:
        """No parser calls this."""
        raise AssertionError

    def head_read(self, start_line: RequestStartLine, keep_alive: bool, /) -> None:
        """Keep what the head says of the connection."""
        self.keep_alive = keep_alive


def parse(data: Iterator[bytes]) -> tuple[list[Told], bool]:
    """Give the requests that are complete, and whether the rest is refused."""
    parser = RequestParser(HTTP1ConnectionParameters(limits=LIMITS).limiter)
    delegate = Delegate()
    parser.begin(delegate, delegate)
    told: list[Told] = []
    try:
        for piece in data:
            parser.feed(piece)
            while parser.complete or parser.holds_body:
                if parser.complete:
                    trailers = tuple(parser.trailers.get_all()) if parser.trailers else ()
                    told.append(
                        Told(delegate.start_line, delegate.fields, delegate.body, trailers, delegate.keep_alive)
                    )
                    delegate = Delegate()
                    parser.begin(delegate, delegate)
                else:
                    parser.told_to_continue()
                    parser.feed(b"")
    except HTTPInputError as error:
        refused: HTTPInputError | None = error
    else:
        refused = None
    if refused is not None:
        assert str(refused).isprintable()
        assert len(str(refused)) < 80 * len("\\xff") + 100
        assert 400 <= refused.status <= 505
    return told, refused is not None


class Answering:
    """Serves every connection: numbers each request in its answer."""

    def __init__(self) -> None:
        self.begun = 0
        self.finished = 0
        self.gone = 0
        self.closed = 0

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> AnsweringOne:
        """Begin a request."""
        assert not self.closed
        self.begun += 1
        return AnsweringOne(self, request_conn, self.begun)

    def on_close(self, server_conn: object, /) -> None:
        """Count."""
        self.closed += 1


class AnsweringOne:
    """Answers one request: in chunks or not, at once or at the end, by its method."""

    def __init__(self, server: Answering, connection: HTTPConnection, number: int) -> None:
        self.server = server
        self.connection = connection
        self.body = b"<%d>" % number
        self.method = ""

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        """Answer a method that begins with E early."""
        assert isinstance(start_line, RequestStartLine)
        self.method = start_line.method
        if self.method[0] == "E":
            self.answer()

    def data_received(self, chunk: bytes, /) -> None:
        """Throw it away."""

    def finish(self) -> None:
        """Answer."""
        self.server.finished += 1
        if self.method[0] != "E":
            self.answer()

    def answer(self) -> None:
        """Answer."""
        status = 405 if self.method == "CONNECT" else 200
        fields = {} if self.method[0] in UNMEASURED else {"Content-Length": str(len(self.body))}
        self.connection.write_headers(ResponseStartLine("", status, "x"), HTTPHeaders(fields), self.body)
        self.connection.finish()

    def on_connection_close(self) -> None:
        """Count."""
        self.server.gone += 1


# The answers, as this target's delegates and the server itself make them.
ANSWER = re.compile(
    rb"HTTP/1\.1 (?P<status>\d{3}) [^\r\n]*\r\n(?:[A-Za-z-]+: [^\r\n]+\r\n)*\r\n"
    rb"(?:(?:[0-9a-f]+\r\n)?<(?P<number>\d+)>(?:\r\n0\r\n\r\n)?|\d{3} [A-Za-z' -]+\n)?"
)


def talk(how: int, data: bytes) -> tuple[Answering, bytes]:
    """Send it all to a server, and give what it answered."""
    application = Answering()
    received = b""
    with SimulatedLoop(how) as loop:
        server = HTTPServer(application, io_loop=loop, limits=LIMITS)
        client, far = memory_streams(loop)
        server.handle_stream(far, ("192.0.2.1", 1))

        async def main() -> None:
            nonlocal received
            for piece in pieces(how, data):
                try:
                    await client.write(piece)
                except StreamClosedError:
                    break
            client.shutdown_write()
            try:
                while True:
                    await client.readable()
                    received += client.read_nowait()
            except StreamClosedError:
                client.close()
            await server.close_all_connections()

        loop.run(main)
    return application, received


def check(data: bytes) -> None:
    """Try one input. Raises AssertionError where something does not hold."""
    how, data = (data[0], data[1:]) if data else (0, b"")
    whole = parse(iter([data]))
    assert len(whole[0]) <= MAX_REQUESTS or len(data) > MAX_REQUESTS
    cut = parse(pieces(how, data))
    assert cut == whole, (cut, whole)

    FAILURES.messages.clear()
    application, received = talk(how, data)
    assert not FAILURES.messages, FAILURES.messages
    assert application.closed == 1
    answers = list(ANSWER.finditer(received))
    assert b"".join(answer[0] for answer in answers) == received, received
    numbers = [int(answer["number"]) for answer in answers if answer["number"]]
    assert numbers == sorted(set(numbers)), received
    finals = [answer for answer in answers if answer["status"] != b"100"]
    assert certain(whole[0]) <= len(finals) <= application.begun, received


def certain(requests: list[Told]) -> int:
    """How many requests are answered for certain: up to one that ends the connection, or is answered early."""
    for count, request in enumerate(requests, 1):
        assert isinstance(request.start_line, RequestStartLine)
        method, _, version = request.start_line
        # An answer without a length, to a client that knows no chunks, ends with the connection.
        ends_by_close = version == "HTTP/1.0" and method[0] in UNMEASURED
        if not request.keep_alive or ends_by_close or method[0] == "E":
            return count
    return len(requests)
