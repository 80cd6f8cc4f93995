"""What is written for Trio, in handlers; and a server within a program that is Trio's."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import httpx
import pytest

import eyewall.ioloop
from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import bind_sockets
from eyewall.web import Application, RequestHandler

pytest.importorskip("trio")

import anyio
import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


class Libraries(RequestHandler):
    """Answers by what a library has done."""

    async def get(self, what: str) -> None:
        self.write({"answer": await getattr(self, what)()})

    async def sleep(self) -> str:
        await trio.sleep(0.001)
        return "slept"

    async def time_out(self) -> str:
        with trio.move_on_after(0.001) as scope:
            await IOLoop.current().create_future()
        return "timed out" if scope.cancelled_caught else "was answered"

    async def nursery(self) -> list[int]:
        squares: list[int] = []

        async def square(number: int) -> None:
            await trio.lowlevel.checkpoint()
            squares.append(number * number)

        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(square, number)
        return sorted(squares)

    async def failing_nursery(self) -> str:
        async def fail() -> None:
            raise KeyError("inside")

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail)
                await trio.sleep_forever()
        except ExceptionGroup as errors:
            return repr(errors.exceptions)

    async def channel(self) -> list[int]:
        send, receive = trio.open_memory_channel[int](0)

        async def produce() -> None:
            async with send:
                for number in range(3):
                    await send.send(number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            return [number async for number in receive]

    async def thread(self) -> str:
        return await trio.to_thread.run_sync(lambda: "from a thread")

    async def anyio_group(self) -> str:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 0.001)
        with anyio.move_on_after(0.001):
            await anyio.sleep_forever()
        return await anyio.to_thread.run_sync(lambda: "from a thread of anyio's")

    async def client(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://{self.request.host}/libraries/sleep")).text

    async def sleep_of_asyncio(self) -> None:
        await asyncio.sleep(1)

    async def turn_of_asyncio(self) -> None:
        await asyncio.sleep(0)


class Gone(RequestHandler):
    """Waits for ever, and tells how it ended."""

    ended: list[str]

    def initialize(self, ended: list[str]) -> None:
        self.ended = ended

    async def get(self) -> None:
        self.write("begun")
        await self.flush()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            self.ended.append("cancelled")
            raise


@contextlib.asynccontextmanager
async def serving(ended: list[str]) -> AsyncGenerator[str]:
    server = HTTPServer(Application([(r"/libraries/(\w+)", Libraries), ("/gone", Gone, {"ended": ended})]))
    (sock,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.stop()
    await server.close_all_connections()


def by_trio(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main)


def by_eyewall(main: Callable[[], Awaitable[None]]) -> None:
    eyewall.ioloop.run(main, backend="trio")


# A program that is Trio's, and one that is eyewall's.
pytestmark = pytest.mark.parametrize("run", [by_trio, by_eyewall])


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("sleep", "slept"),
        ("time_out", "timed out"),
        ("nursery", [0, 1, 4, 9]),
        ("failing_nursery", "(KeyError('inside'),)"),
        ("channel", [0, 1, 2]),
        ("thread", "from a thread"),
        ("anyio_group", "from a thread of anyio's"),
        ("client", '{"answer": "slept"}'),
    ],
)
def test_a_handler_uses_trio(run: Callable[[Callable[[], Awaitable[None]]], None], what: str, answer: object) -> None:
    async def main() -> None:
        async with serving([]) as address, httpx.AsyncClient(trust_env=False) as client:
            # Twice: what one request has done to the task of the connection, the next would feel.
            for _ in range(2):
                assert json.loads((await client.get(f"{address}/libraries/{what}")).text) == {"answer": answer}

    run(main)


@pytest.mark.parametrize(
    ("what", "said"),
    [("sleep_of_asyncio", "no running event loop"), ("turn_of_asyncio", "some other framework like asyncio")],
)
@pytest.mark.filterwarnings("ignore:coroutine 'sleep' was never awaited")
def test_a_handler_written_for_asyncio_is_answered_500_and_the_log_says_why(
    run: Callable[[Callable[[], Awaitable[None]]], None], what: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving([]) as address, httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{address}/libraries/{what}")).status_code == 500
            assert (await client.get(f"{address}/libraries/sleep")).status_code == 200

    run(main)
    assert said in caplog.text


def test_a_handler_under_way_is_cancelled_as_trio_has_it(run: Callable[[Callable[[], Awaitable[None]]], None]) -> None:
    ended: list[str] = []

    async def main() -> None:
        async with serving(ended) as address:
            async with await trio.open_tcp_stream("127.0.0.1", int(address.rpartition(":")[2])) as client:
                await client.send_all(b"GET /gone HTTP/1.1\r\nHost: localhost\r\n\r\n")
                while b"begun" not in await client.receive_some():
                    pass
            assert ended == []

    run(main)
    assert ended == ["cancelled"]
