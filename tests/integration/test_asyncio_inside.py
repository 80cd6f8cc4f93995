"""What is written for asyncio, in handlers; and a server within a program that is asyncio's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import bind_sockets
from eyewall.web import Application, RequestHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from target import Target


@pytest.mark.needs("asyncio")
@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("timeout", "timed out"),
        ("task_group", [0, 1, 4, 9]),
        ("failing_group", "(KeyError('inside'),)"),
        ("queue", [0, 1, 2]),
        ("wait_for", "from a thread"),
    ],
)
def test_a_handler_uses_asyncio(target: Target, what: str, answer: object) -> None:
    with target.connect() as wire:
        # Twice: what one request has done to the task of the connection, the next would feel.
        for _ in range(2):
            assert json.loads(wire.ask(f"/libraries/{what}").body) == {"answer": answer}


@pytest.mark.needs("asyncio_transports")
def test_a_handler_uses_a_client_for_asyncio(target: Target) -> None:
    if not target.url.startswith("http://127"):
        pytest.skip("one way to reach itself is enough")
    with target.httpx() as client:
        assert client.get("/libraries/client").json() == {"answer": "Hello, world!"}


class Hello(RequestHandler):
    async def get(self) -> None:
        await asyncio.sleep(0)
        self.write(f"Hello from {asyncio.current_task() in self.settings['tasks']}!")


def serve() -> tuple[HTTPServer, str]:
    server = HTTPServer(Application([("/", Hello)], tasks=asyncio.all_tasks()))
    (sock,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    return server, f"http://127.0.0.1:{sock.getsockname()[1]}/"


async def main() -> tuple[list[str], IOLoop, asyncio.AbstractEventLoop]:
    """A program that knows asyncio, and has a server."""
    server, address = serve()
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.get(address)) for _ in range(3)]
    server.stop()
    await server.close_all_connections()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(address.split(":")[2].strip("/")))
    return [task.result().text for task in tasks], IOLoop.current(), asyncio.get_running_loop()


def run_with_uvloop() -> tuple[list[str], IOLoop, asyncio.AbstractEventLoop]:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("run", [lambda: asyncio.run(main()), run_with_uvloop], ids=["asyncio", "uvloop"])
def test_a_server_lives_in_a_program_that_asyncio_runs(
    run: Callable[[], tuple[list[str], IOLoop, asyncio.AbstractEventLoop]],
) -> None:
    answers, io_loop, asyncio_loop = run()
    assert answers == ["Hello from False!"] * 3
    assert io_loop.asyncio_loop is asyncio_loop
    # And the next program has the next loop.
    assert run()[1] is not io_loop


@pytest.mark.needs("sockets", "asyncio_transports")
async def test_a_server_and_its_client_share_a_loop_of_eyewalls(io_loop: IOLoop) -> None:
    server, address = serve()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(address)).text == "Hello from False!"
    server.stop()
    await server.close_all_connections()
    assert IOLoop.current() is io_loop
