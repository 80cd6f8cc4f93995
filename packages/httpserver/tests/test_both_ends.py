"""Both ends against each other, for any cut of the bytes; and the client against a server of another make."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyewall.httpserver import (
    HTTP1Connection,
    HTTPHeaders,
    HTTPServer,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.httpserver.testing import RecordingConnection
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import IOStream
from eyewall.iostream.testing import memory_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream


class Gathered:
    """Keeps one answer."""

    def __init__(self) -> None:
        self.code = 0
        self.body = b""
        self.complete = False

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        assert isinstance(start_line, ResponseStartLine)
        self.code = start_line.code

    def data_received(self, chunk: bytes, /) -> None:
        self.body += chunk

    def finish(self) -> None:
        self.complete = True

    def on_connection_close(self) -> None:
        raise AssertionError("the connection ended before the answer")


def mirror(request: HTTPServerRequest) -> None:
    """Answer with what came: of a length, or in chunks, as the request asks."""
    connection, body = request.connection, request.body
    headers = HTTPHeaders({"X-Method": request.method})
    if request.path == "/length":
        headers["Content-Length"] = str(len(body))
    connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body[:3])
    connection.write(body[3:])
    connection.finish()


async def ask(
    stream: Stream, method: str, path: str, pieces: list[bytes], *, with_length: bool
) -> tuple[Gathered, bool]:
    connection = HTTP1Connection(stream, is_client=True)
    headers = HTTPHeaders({"Host": "a"})
    if with_length:
        headers["Content-Length"] = str(sum(map(len, pieces)))
    connection.write_headers(RequestStartLine(method, path, ""), headers)
    for piece in pieces:
        await connection.write(piece)
    connection.finish()
    answer = Gathered()
    return answer, await connection.read_response(answer)


ASKED = st.tuples(
    st.sampled_from(["POST", "PUT", "X-METHOD"]),
    st.sampled_from(["/length", "/chunks"]),
    st.lists(st.binary(max_size=50), max_size=5),
    st.booleans(),
)


@settings(deadline=None)
@given(st.lists(ASKED, max_size=4), st.integers(1, 40))
def test_both_ends_understand_each_other(requests: list[tuple[str, str, list[bytes], bool]], chunk_size: int) -> None:
    async def converse(io_loop: IOLoop) -> None:
        near, far = memory_streams(io_loop, chunk_size=chunk_size)
        server = HTTPServer(mirror, io_loop=io_loop)
        server.handle_stream(far, ("192.0.2.1", 1))
        for method, path, pieces, with_length in requests:
            answer, keep_alive = await ask(near, method, path, pieces, with_length=with_length)
            assert (answer.code, answer.body, answer.complete) == (200, b"".join(pieces), True)
            assert keep_alive
        near.close()
        await server.close_all_connections()

    with SimulatedLoop() as io_loop:
        io_loop.run_sync(lambda: converse(io_loop))


class Outsider(BaseHTTPRequestHandler):
    """The standard library's server, in both of its versions."""

    def do_GET(self) -> None:
        body = self.path.encode() * 1000
        self.protocol_version = "HTTP/1.0" if self.path == "/old" else "HTTP/1.1"
        self.send_response(200)
        if self.path != "/old":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the standard library's names

    def log_message(self, *args: object) -> None:
        """Say nothing."""


async def test_headers_that_are_a_plain_dict_are_refused_with_the_remedy(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    starts: list[tuple[Any, object]] = [
        (HTTP1Connection(near, is_client=True), RequestStartLine("GET", "/", "")),
        (HTTP1Connection(far), ResponseStartLine("", 200, "OK")),
        (RecordingConnection(io_loop), ResponseStartLine("", 200, "OK")),
    ]
    for connection, start_line in starts:
        with pytest.raises(TypeError, match=r"headers are \{'Host': 'a'\}: give HTTPHeaders\(…\)"):
            connection.write_headers(start_line, {"Host": "a"})


async def test_fields_of_another_make_are_sent_as_they_are(io_loop: IOLoop) -> None:
    class Fields:  # as Tornado's, which is no mapping of ours
        def get_all(self) -> list[tuple[str, str]]:
            return [("Content-Length", "2"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")]

    near, far = memory_streams(io_loop)
    recorder = RecordingConnection(io_loop)
    fields: Any = Fields()
    for connection in (HTTP1Connection(far), recorder):
        connection.write_headers(ResponseStartLine("", 200, "OK"), fields, b"ok")
        connection.finish()
    far.close()
    head, _, body = (await near.read_until_close()).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1:4] == [b"Content-Length: 2", b"Set-Cookie: a=1", b"Set-Cookie: b=2"]
    assert (body, recorder.body) == (b"ok", b"ok")
    assert recorder.headers is not None
    assert recorder.headers.get_list("Set-Cookie") == ["a=1", "b=2"]


@contextmanager
def outsider() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Outsider) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.needs("sockets")
async def test_the_client_understands_a_server_of_another_make(io_loop: IOLoop) -> None:
    import socket

    with outsider() as port:
        stream = IOStream(socket.socket(), io_loop=io_loop)
        await stream.connect(("127.0.0.1", port))
        answer, _ = await ask(stream, "GET", "/new", [], with_length=False)
        assert (answer.code, answer.body) == (200, b"/new" * 1000)
        stream.close()

        stream = IOStream(socket.socket(), io_loop=io_loop)
        await stream.connect(("127.0.0.1", port))
        answer, keep_alive = await ask(stream, "GET", "/old", [], with_length=False)
        assert (answer.body, answer.complete, keep_alive) == (b"/old" * 1000, True, False)

        stream = IOStream(socket.socket(), io_loop=io_loop)
        await stream.connect(("127.0.0.1", port))
        answer, _ = await ask(stream, "HEAD", "/new", [], with_length=False)
        assert (answer.code, answer.body, answer.complete) == (200, b"", True)
        stream.close()
