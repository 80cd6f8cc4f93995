"""``python -m benchmarks.micro``: what the parts of one request cost in this process, on no socket.

For whoever optimises the HTTP and the web layer: no kernel, no wrk, no second core, and so far less noise. The
parts do not add up to the whole, which calls them from elsewhere.
"""

# What is measured are the parts, and those are private.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import argparse
import cProfile
import gc
import timeit
from itertools import cycle
from typing import TYPE_CHECKING, Final, cast

from eyewall.httpserver import (
    HTTP1Connection,
    HTTP1ConnectionParameters,
    HTTPConnectionContext,
    HTTPHeaders,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.httpserver._callback import CallbackDelegate
from eyewall.httpserver._framing import NOT_BEGUN
from eyewall.httpserver._head import parse_request_head
from eyewall.httpserver._parser import RequestParser
from eyewall.ioloop import CompletedFuture, IOLoop
from eyewall.iostream import StreamInfo
from eyewall.web import Application, RequestHandler

from ._contestants import BROWSER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eyewall.httpserver import HTTPMessageDelegate, HTTPServerConnectionDelegate
    from eyewall.iostream import Buffer, Stream

ADDRESS: Final = ("127.0.0.1", 49152)
START_LINE: Final = ResponseStartLine("HTTP/1.1", 200, "OK")
HEADERS: Final = HTTPHeaders({"Content-Type": "text/html; charset=UTF-8", "Content-Length": "13"})
BODY: Final = b"Hello, world!"
REPEATS: Final = 5
WORKS: Final = ("hello", "browser", "strangers")


class Requests:
    """A stream that has a request to give whenever it is read, and takes whatever is written."""

    def __init__(self, io_loop: IOLoop, requests: Iterator[bytes]) -> None:
        self.io_loop = io_loop
        self.info = StreamInfo(address=ADDRESS)
        self._requests = requests
        self._taken = CompletedFuture(io_loop, None)

    def read_nowait(self) -> bytes:
        """Give the next request."""
        return next(self._requests)

    def write(self, *buffers: Buffer) -> CompletedFuture[None]:
        """Take it all."""
        return self._taken

    def unread(self, data: bytes) -> None:
        """Forget it: there is always another request."""

    def closed(self) -> bool:
        """Tell that it never is."""
        return False

    def close(self) -> None:
        """Do nothing."""


class Silent:
    """A delegate that takes a request in and never answers; satisfies HTTPMessageDelegate."""

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        """Do nothing."""

    def data_received(self, chunk: bytes, /) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""

    def on_connection_close(self) -> None:
        """Do nothing."""


class Hello(RequestHandler):
    """The web layer's part."""

    def get(self) -> None:
        """Greet."""
        self.write("Hello, world!")


def greet(request: HTTPServerRequest) -> None:
    """Answer as a plain function does."""
    request.connection.write_headers(START_LINE, HEADERS, BODY)
    request.connection.finish()


class Bench:
    """The parts, as functions without arguments that may be called any number of times."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        io_loop = IOLoop(make_current=False)
        # What an answered request asks of a stream is there; the rest of the Protocol is not.
        self.stream = cast("Stream", Requests(io_loop, cycle(requests)))
        self.context = HTTPConnectionContext(self.stream, ADDRESS)
        self.params = HTTP1ConnectionParameters()
        self.requests = cycle(requests)
        self.heads = cycle([request.removesuffix(b"\r\n\r\n") for request in requests])
        self.silent: HTTPMessageDelegate = Silent()
        self.callback = CallbackDelegate(greet)
        self.parser = RequestParser(self.params.limiter)
        self.application = Application([(r"/", Hello)])
        self.unanswered = self.connection()
        # Kept: a coroutine that nobody refers to ends, and the connection's request with it.
        self._reading = self.unanswered.read_response(self.silent)
        self._reading.send(None)

    def parts(self) -> dict[str, Callable[[], object]]:
        """Give them by name."""
        return {
            "parse the head": lambda: parse_request_head(next(self.heads)),
            "parser: find the head, parse it, call on": self.parse,
            "make a connection for a request": self.connection,
            "make a request object": self.request_object,
            "answer: write_headers and finish": self.answer,
            "begin: read and answered by a function": self.begin,
            "whole, to a function": lambda: self.exchange(self.callback),
            "whole, to a RequestHandler": lambda: self.exchange(self.application),
        }

    def connection(self) -> HTTP1Connection:
        """Do what a server does for each request."""
        return HTTP1Connection(self.stream, False, self.params, self.context, self.parser)

    def request_object(self) -> HTTPServerRequest:
        """Make what a function is called with."""
        start_line = RequestStartLine("GET", "/", "HTTP/1.1")
        return HTTPServerRequest(start_line=start_line, headers=HEADERS, connection=self.unanswered)

    def parse(self) -> None:
        """Read a request, with a delegate that does nothing."""
        self.parser.begin(self.silent, _DEAF, next(self.requests))

    def answer(self) -> None:
        """Answer one request again and again: a new one each time would be measured too."""
        connection = self.unanswered
        connection._left = NOT_BEGUN
        connection._finish_waiter = None
        connection.write_headers(START_LINE, HEADERS, BODY)
        connection.finish()

    def begin(self) -> None:
        """Read a request and have a function answer it, in one call, as a server does while nothing is waited for."""
        connection = self.connection()
        if connection.begin(self.callback, self, next(self.requests)) is not None or not connection.keep_alive:
            raise RuntimeError("the request was not answered at once, or its connection was not kept")

    def exchange(self, application: HTTPServerConnectionDelegate) -> None:
        """Read a request and have it answered; there is nothing to wait for, and so no loop."""
        connection = self.connection()
        reading = connection.serve(application, self)
        try:
            reading.send(None)
        except StopIteration as ended:
            if ended.value:
                return
        raise RuntimeError("the request was not answered at once, or its connection was not kept")


class _Deaf:
    """Listens to a parser, and does nothing."""

    def head_read(self, start_line: object, keep_alive: bool, /) -> None:
        """Do nothing."""


_DEAF: Final = _Deaf()


def requests_of(work: str) -> list[bytes]:
    """Give what is sent, in turn, by a kind of work; the same as on sockets."""
    fields = {"Host": "127.0.0.1:8080"} | ({} if work == "hello" else BROWSER)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    cookies = [f"Cookie: session={number:016x}\r\n" for number in range(4096)] if work == "strangers" else [""]
    return [f"GET / HTTP/1.1\r\n{lines}{cookie}\r\n".encode() for cookie in cookies]


def cost(part: Callable[[], object], number: int) -> float:
    """Give the microseconds of a call: the best of several runs, as all that disturbs a run makes it longer.

    With the garbage collector, which timeit turns off: it is part of what a request costs.
    """
    runs = timeit.repeat(part, setup="gc.enable()", globals={"gc": gc}, repeat=REPEATS, number=number)
    return min(runs) / number * 1e6


def profile(part: Callable[[], object], number: int) -> None:
    """Print where the time of a part goes."""
    profiler = cProfile.Profile()
    with profiler:
        for _ in range(number):
            part()
    profiler.print_stats("tottime")


def main() -> None:
    """Print each part's cost, or the profile of some."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro", description=__doc__)
    parser.add_argument("--number", type=int, default=20_000, help="calls in a run (default: 20000)")
    parser.add_argument("--work", default="hello", choices=WORKS, help="the kind of request (default: hello)")
    parser.add_argument("--only", default="", metavar="TEXT", help="the parts whose names hold this")
    parser.add_argument("--profile", action="store_true", help="where the time goes, instead of how much it is")
    chosen = parser.parse_args()
    for name, part in Bench(requests_of(chosen.work)).parts().items():
        if chosen.only not in name:
            continue
        if chosen.profile:
            print(name)
            profile(part, chosen.number)
        else:
            print(f"{name:42}{cost(part, chosen.number):8.2f} µs")


if __name__ == "__main__":
    main()
