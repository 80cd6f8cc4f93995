"""A connection that has been idle for a while rests: it keeps less, and nobody notices."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPConnectionContext, RequestRecord
from eyewall.httpserver._outbox import Outbox
from eyewall.httpserver._parser import RequestParser

from ._served import GET, POST, TICK, Recorder, Served, answer, pause, turns

if TYPE_CHECKING:
    from eyewall.ioloop.testing import SimulatedLoop


class Observer:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def connection_opened(self, context: HTTPConnectionContext, /) -> None:
        self.told.append("opened")

    def connection_closed(self, context: HTTPConnectionContext, /) -> None:
        self.told.append("closed")

    def request_ended(self, record: RequestRecord, /) -> None:
        self.told.append((record.cause, record.bytes_received))


def parts(served: Served) -> set[object]:
    """Give what the connection refers to of what only requests need."""
    return {thing for thing in gc.get_referents(served.connections[0]) if isinstance(thing, RequestParser | Outbox)}


async def ask(served: Served, request: bytes = GET) -> None:
    served.client.write_nowait(request)
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")


def test_it_keeps_nothing_of_its_own_that_only_requests_need(loop: SimulatedLoop) -> None:
    async def main() -> None:
        one, another = Served(loop, finish=answer), Served(loop, finish=answer)
        for _ in range(2):
            for served in (one, another):
                await ask(served)
                assert len(parts(served)) == 2
            assert not parts(one) & parts(another)
            await pause(loop, 3 * TICK)
            assert len(parts(one)) == 1
            assert parts(one) == parts(another)
        for served in (one, another):
            await served.server.close_all_connections()

    loop.run(main)


@pytest.mark.parametrize("eighths", range(1, 17))
def test_a_request_is_answered_whenever_it_comes_and_whatever_comes_behind_it(
    loop: SimulatedLoop, eighths: int
) -> None:
    async def main() -> None:
        served = Served(loop, finish=answer)
        for request in (GET, GET * 3, POST + b"12345" + GET):
            served.client.write_nowait(request)
            for _ in range(request.count(b"HTTP/1.1")):
                assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
            await pause(loop, eighths / 8 * TICK)
        await served.server.close_all_connections()

    loop.run(main)


@pytest.mark.parametrize("pieces", [(POST[:9], POST[9:] + b"12345"), (POST, b"12345"), (POST + b"12", b"345")])
def test_a_request_that_ends_the_rest_may_come_in_pieces_and_with_the_end_behind_it(
    loop: SimulatedLoop, pieces: tuple[bytes, bytes]
) -> None:
    async def main() -> None:
        observer = Observer()
        served = Served(loop, finish=answer, options={"observer": observer})
        await ask(served)
        await pause(loop, 3 * TICK)
        served.client.write_nowait(pieces[0])
        await turns(served.client, 5)
        served.client.write_nowait(pieces[1])
        served.client.shutdown_write()
        assert (await served.client.read_until_close()).endswith(b"hello")
        await served.over()
        assert observer.told == ["opened", ("answered", 0), ("answered", 5), "closed"]

    loop.run(main)


@pytest.mark.parametrize(
    ("request_", "told"),
    [(POST + b"12", ["headers", "data", "close"]), (GET, ["headers", "finish", "close"])],
    ids=["while it is read", "while it is answered"],
)
def test_the_delegate_of_the_request_that_ends_a_rest_is_told_of_the_end(
    loop: SimulatedLoop, request_: bytes, told: list[str]
) -> None:
    def finish(recorder: Recorder) -> None:
        if len(served.requests) == 1:
            recorder.answer()

    async def main() -> None:
        await ask(served)
        await pause(loop, 3 * TICK)
        served.client.write_nowait(request_)
        await turns(served.client, 5)
        served.client.reset()
        await served.over()
        assert served.told[1] == told
        assert observer.told == ["opened", ("answered", 0), ("aborted", request_.count(b"12") * 2), "closed"]

    observer = Observer()
    served = Served(loop, finish=finish, options={"observer": observer})
    loop.run(main)


@pytest.mark.parametrize("how", ["close", "reset", "shutdown_write"])
def test_an_end_that_comes_meanwhile_is_noticed_at_once(loop: SimulatedLoop, how: str) -> None:
    async def main() -> None:
        observer = Observer()
        served = Served(loop, finish=answer, options={"observer": observer, "half_closed": "finish"})
        await ask(served)
        await pause(loop, 3 * TICK)
        getattr(served.client, how)()
        await served.over()
        assert observer.told == ["opened", ("answered", 0), "closed"]

    loop.run(main)
