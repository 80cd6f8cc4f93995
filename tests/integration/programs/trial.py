"""What the clients of the tests are let loose on: ``python trial.py [--tls CERTFILE KEYFILE] PORT_OR_PATH``."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import signal
import sys
from pathlib import Path
from typing import ClassVar

import httpx

from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop, Promise
from eyewall.tcpserver import SSLOptions, bind_sockets, bind_unix_socket
from eyewall.web import Application, RequestHandler

CHUNK = 64 * 1024


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("Hello, world!")

    def head(self) -> None:
        self.get()

    def post(self) -> None:
        self.write({"name": self.get_body_argument("name")})


class Upload(RequestHandler):
    def put(self) -> None:
        body = self.request.body
        self.write({"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})


class Download(RequestHandler):
    """So many bytes, always the same: in one piece, or as fast as the client takes them, with a length or in chunks."""

    async def get(self, size: str, how: str) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        data = random.Random(int(size)).randbytes(int(size))
        if how == "whole":
            self.write(data)
            return
        if how == "length":
            self.set_header("Content-Length", len(data))
        for start in range(0, len(data), CHUNK):
            self.write(data[start : start + CHUNK])
            await self.flush()

    def on_connection_close(self) -> None:
        Gone.told.append(self.request.path)


class FailsBefore(RequestHandler):
    def get(self) -> None:
        self.write("never sent")
        raise ZeroDivisionError("a detail that is nobody's business")


class FailsAfter(RequestHandler):
    async def get(self, how: str) -> None:
        if how == "length":
            self.set_header("Content-Length", 1000)
        self.write("begun")
        await self.flush()
        raise ZeroDivisionError("a detail that is nobody's business")


class Gone(RequestHandler):
    """A handler that waits for nothing until it is told that its client has gone."""

    told: ClassVar[list[str]] = []
    begun: ClassVar[list[str]] = []

    async def get(self, name: str) -> None:
        self.told_of_it: Promise[None] = IOLoop.current().create_future()
        self.begun.append(self.request.path)
        await self.told_of_it

    def on_connection_close(self) -> None:
        self.told.append(self.request.path)
        self.told_of_it.set_result(None)


class State(RequestHandler):
    def get(self) -> None:
        self.write({"tasks": IOLoop.current().counts().tasks, "begun": Gone.begun, "told": Gone.told})


class Libraries(RequestHandler):
    """What is written for asyncio, in a handler."""

    async def get(self, what: str) -> None:
        self.write({"answer": await getattr(self, what)()})

    async def timeout(self) -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "waited for ever"

    async def task_group(self) -> list[int]:
        async def square(number: int) -> int:
            await asyncio.sleep(0)
            return number * number

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(square(number)) for number in range(4)]
        return [task.result() for task in tasks]

    async def failing_group(self) -> str:
        async def fail() -> None:
            raise KeyError("inside")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.Event().wait()
        except ExceptionGroup as errors:
            return repr(errors.exceptions)
        return "waited for ever"

    async def queue(self) -> list[int]:
        queue: asyncio.Queue[int] = asyncio.Queue(1)

        async def produce() -> None:
            for number in range(3):
                await queue.put(number)

        producer = asyncio.create_task(produce())
        numbers = [await queue.get() for _ in range(3)]
        await producer
        return numbers

    async def wait_for(self) -> str:
        return await asyncio.wait_for(asyncio.to_thread(lambda: "from a thread"), 30)

    async def client(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://{self.request.host}/")).text


def serve(where: str, ssl_options: SSLOptions | None) -> None:
    application = Application(
        [
            (r"/", Hello),
            (r"/upload", Upload),
            (r"/download/(\d+)/(\w+)", Download),
            (r"/fails/before", FailsBefore),
            (r"/fails/after/(\w+)", FailsAfter),
            (r"/gone/(\w+)", Gone),
            (r"/state", State),
            (r"/libraries/(\w+)", Libraries),
        ],
        static_path=Path(__file__).with_name("static"),
    )
    server = HTTPServer(application, ssl_options=ssl_options)
    server.add_sockets(bind_sockets(int(where), "127.0.0.1") if where.isdecimal() else [bind_unix_socket(where)])
    io_loop = IOLoop.current()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: io_loop.add_callback_from_signal(io_loop.stop))
    io_loop.start()
    server.stop()
    io_loop.run_sync(server.close_all_connections)
    io_loop.shutdown()
    io_loop.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    tls = sys.argv[1] == "--tls"
    serve(sys.argv[-1], {"certfile": sys.argv[2], "keyfile": sys.argv[3]} if tls else None)
