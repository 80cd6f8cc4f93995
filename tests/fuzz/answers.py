"""What is tried on the client's half of HTTP/1.1, for any bytes that a server may send.

The first byte chooses the request's method and how the others are cut. With a parser alone: cuts change
nothing of what it tells its delegate, of where it ends, nor whether it refuses. And with a connection: its
delegate hears of one end, a whole answer's only where there was one, and the same; nothing fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eyewall.httpserver import (
    HTTP1Connection,
    HTTP1ConnectionParameters,
    HTTPHeaders,
    HTTPInputError,
    Limits,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.httpserver._answer_parser import AnswerParser
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

from .support import FAILURES, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("GET", "HEAD", "CONNECT", "POST")
LIMITS = Limits(
    max_request_line=200,
    max_header_size=600,
    max_field_size=300,
    max_fields=20,
    max_body_size=300,
    max_trailer_size=200,
)
PLAIN = HTTP1ConnectionParameters(limits=LIMITS)
DECOMPRESSING = HTTP1ConnectionParameters(limits=LIMITS, decompress=True)


class Delegate:
    """Keeps what it is told of one answer, and insists on the order."""

    def __init__(self) -> None:
        self.heads: list[tuple[object, tuple[tuple[str, str], ...]]] = []
        self.body = b""
        self.end = ""

    def head_read(self, start_line: ResponseStartLine, keep_alive: bool, /) -> None:
        """Whether the server would go on is the connection's business."""

    def headers_received(self, start_line: object, headers: HTTPHeaders, /) -> None:
        """Keep a head."""
        assert not self.end
        assert not self.body
        self.heads.append((start_line, tuple(headers.get_all())))

    def data_received(self, chunk: bytes, /) -> None:
        """Keep a piece of the body."""
        assert chunk
        assert self.heads
        assert not self.end
        self.body += chunk

    def finish(self) -> None:
        """Keep that it was whole."""
        assert not self.end
        self.end = "whole"

    def on_connection_close(self) -> None:
        """Keep that it was not."""
        assert not self.end
        self.end = "cut"


class Told(NamedTuple):
    """What an answer came to."""

    heads: list[tuple[object, tuple[tuple[str, str], ...]]]
    body: bytes
    trailers: tuple[tuple[str, str], ...]
    rest: bytes
    is_whole: bool
    is_refused: bool


def parse(data: Iterator[bytes], method: str) -> Told:
    """Read one answer, of a server that ends its side behind the data."""
    delegate = Delegate()
    parser = AnswerParser(PLAIN.limiter, method)
    parser.begin(delegate, delegate)
    refused = ""
    try:
        for piece in data:
            parser.feed(piece)
            if parser.complete:
                break
        if not parser.complete and parser.ends_with_stream:
            parser.end()
    except HTTPInputError as error:
        refused = str(error)
    assert refused.isprintable()
    trailers = tuple(parser.trailers.get_all()) if parser.trailers else ()
    rest = parser.take_rest() + b"".join(data) if parser.complete else b""
    return Told(delegate.heads, delegate.body, trailers, rest, delegate.end == "whole", bool(refused))


def ask(how: int, data: bytes, method: str, params: HTTP1ConnectionParameters) -> Delegate:
    """Send it all to a client, and give what its delegate was told."""
    delegate = Delegate()
    with SimulatedLoop(how) as loop:
        near, far = memory_streams(loop)
        connection = HTTP1Connection(near, True, params)
        connection.write_headers(RequestStartLine(method, "a:1", ""), HTTPHeaders({"Host": "a"}))
        connection.finish()

        async def send() -> None:
            try:
                for piece in pieces(how, data):
                    await far.write(piece)
            except StreamClosedError:
                return
            far.shutdown_write()

        async def main() -> None:
            sending = loop.spawn(send())
            try:
                if await connection.read_response(delegate):
                    assert delegate.end == "whole"
            except StreamClosedError:
                assert delegate.end == "cut"
            near.close()
            await sending

        loop.run(main)
    return delegate


def one_begins_the_other(one: bytes, other: bytes) -> bool:
    """True where they are alike as far as both go."""
    return one.startswith(other) or other.startswith(one)


def check(data: bytes) -> None:
    """Try one input. Raises AssertionError where something does not hold."""
    how, data = (data[0], data[1:]) if data else (0, b"")
    method = METHODS[how % len(METHODS)]
    whole = parse(iter([data]), method)
    cut = parse(pieces(how, data), method)
    if whole.is_refused:
        # How much of it came before is chance.
        assert one_begins_the_other(cut.body, whole.body), (cut, whole)
        cut = cut._replace(body=whole.body)
    assert cut == whole, (cut, whole)
    assert not (whole.is_whole and whole.is_refused), whole

    FAILURES.messages.clear()
    asked = ask(how, data, method, PLAIN)
    assert asked.end == ("whole" if whole.is_whole else "cut"), (asked.end, whole)
    assert asked.heads == whole.heads, (asked.heads, whole)
    if whole.is_whole:
        assert asked.body == whole.body, (asked.body, whole)
    else:
        assert one_begins_the_other(asked.body, whole.body), (asked.body, whole)
    if b"encoding" in data.lower():
        decompressed = ask(how, data, method, DECOMPRESSING)
        assert whole.is_whole or decompressed.end == "cut"
    assert not FAILURES.messages, FAILURES.messages
