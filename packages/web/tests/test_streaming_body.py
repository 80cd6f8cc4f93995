"""Bodies that a handler takes in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import Application, HTTPError, RequestHandler, stream_request_body

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop


@stream_request_body
class Upload(RequestHandler):
    def prepare(self) -> None:
        self.seen: list[str] = ["prepare"]
        if (limit := self.get_query_argument("limit", None)) is not None:
            self.request.connection.set_max_body_size(int(limit))
        if self.get_query_argument("refuse", None):
            raise HTTPError(403)

    async def data_received(self, chunk: bytes) -> None:
        if b"bad" in chunk:
            raise HTTPError(422)
        self.seen.append(chunk.decode())

    async def post(self) -> None:
        self.write({"seen": self.seen, "body": len(self.request.body)})


async def ask(io_loop: IOLoop, path: str, *pieces: bytes, handler: Any = Upload) -> bytes:
    """Send a request in pieces, each when the one before has been read."""
    server = HTTPServer(Application([("/", handler)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    length = sum(map(len, pieces))
    client.write_nowait(
        b"POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (path.encode(), length)
    )
    for piece in pieces:
        for _ in range(3):
            turn = io_loop.create_future()
            io_loop.add_callback(turn.set_result, None)
            await turn
        client.write_nowait(piece)
    answer = bytes(await client.read_until_close())
    await server.close_all_connections()
    return answer


async def test_pieces_come_after_prepare_and_before_the_method(io_loop: IOLoop) -> None:
    answer = await ask(io_loop, "/", b"one", b"two")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"seen": ["prepare", "one", "two"], "body": 0}')


async def test_a_body_may_be_empty(io_loop: IOLoop) -> None:
    assert (await ask(io_loop, "/")).endswith(b'{"seen": ["prepare"], "body": 0}')


@pytest.mark.parametrize(
    ("path", "pieces", "status"),
    [("/?refuse=1", [b"one"], 403), ("/?limit=2", [b"one"], 413), ("/", [b"one", b"bad", b"three"], 422)],
)
async def test_a_body_may_be_refused_at_each_step(io_loop: IOLoop, path: str, pieces: list[bytes], status: int) -> None:
    answer = await ask(io_loop, path, *pieces)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_handler_without_data_received_says_so(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    @stream_request_body
    class Forgetful(RequestHandler):
        def post(self) -> None:
            self.write("never")

    assert (await ask(io_loop, "/", b"one", handler=Forgetful)).startswith(b"HTTP/1.1 500 ")
    assert "Forgetful streams its body: define data_received" in caplog.text


async def test_a_handler_learns_that_its_client_went_away_in_the_middle(io_loop: IOLoop) -> None:
    gone = io_loop.create_future()

    @stream_request_body
    class Watching(RequestHandler):
        def data_received(self, chunk: bytes) -> None:
            io_loop.add_callback(client.close)

        def post(self) -> None:
            self.write("never")

        def on_connection_close(self) -> None:
            gone.set_result("gone")

    server = HTTPServer(Application([("/", Watching)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\none")
    assert await gone == "gone"
    await server.close_all_connections()


def test_only_a_handler_can_stream() -> None:
    wrong: Any = dict
    with pytest.raises(TypeError, match="decorates a class of RequestHandler"):
        stream_request_body(wrong)
