"""``python -m benchmarks.servers.websocket PORT NAME``: an echo by WebSocket, and a broadcast to everybody.

A message is sent back to who sent it; ``go`` in its place sends 100 bytes to everybody.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

NEWS: Final = "n" * 100


def eyewall(port: int) -> None:
    """By eyewall, over the library websockets."""
    from eyewall.httpserver import HTTPServer
    from eyewall.ioloop import IOLoop
    from eyewall.web import Application, WebSocketHandler, broadcast

    everybody: set[WebSocketHandler] = set()

    class Echo(WebSocketHandler):
        def open(self) -> None:
            everybody.add(self)

        def on_message(self, message: str | bytes) -> None:
            if message == "go":
                broadcast(everybody, NEWS)
            else:
                self.write_message(message)

        def on_close(self) -> None:
            everybody.discard(self)

    server = HTTPServer(Application([("/", Echo)]))
    server.listen(port, "127.0.0.1", backlog=1024)
    IOLoop.current().start()


def tornado(port: int) -> None:
    """By Tornado, whose frames are its own."""
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    everybody: set[WebSocketHandler] = set()

    class Echo(WebSocketHandler):
        def open(self, *args: str, **kwargs: str) -> None:
            everybody.add(self)

        def on_message(self, message: str | bytes) -> None:
            for handler in everybody if message == "go" else [self]:
                handler.write_message(NEWS if message == "go" else message)

        def on_close(self) -> None:
            everybody.discard(self)

    async def serve() -> None:
        Application([("/", Echo)]).listen(port, "127.0.0.1", backlog=1024)
        await asyncio.Event().wait()

    asyncio.run(serve())


def aiohttp(port: int) -> None:
    """By aiohttp, whose frames are its own, in Cython."""
    from aiohttp import WSMsgType, web

    everybody: set[web.WebSocketResponse] = set()

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        everybody.add(socket)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            for other in everybody if message.data == "go" else [socket]:
                await other.send_str(NEWS if message.data == "go" else message.data)
        everybody.discard(socket)
        return socket

    app = web.Application()
    app.router.add_get("/", echo)
    web.run_app(app, host="127.0.0.1", port=port, backlog=1024, print=None, access_log=None)


def picows(port: int) -> None:
    """By picows, in Cython, on asyncio's transports."""
    library: Any = importlib.import_module("picows")
    everybody: set[Any] = set()

    class Echo(library.WSListener):  # type: ignore[misc] # it has no types that are found where it is not installed
        def on_ws_connected(self, transport: Any) -> None:
            everybody.add(transport)

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type == library.WSMsgType.CLOSE:
                everybody.discard(transport)
                transport.disconnect()
                return
            message = frame.get_payload_as_bytes()
            for other in everybody if message == b"go" else [transport]:
                other.send(library.WSMsgType.TEXT, NEWS.encode() if message == b"go" else message)

    def make_echo(_: object) -> Any:
        return Echo()

    async def serve() -> None:
        server = await library.ws_create_server(make_echo, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()

    asyncio.run(serve())


SERVERS: Final[dict[str, Callable[[int], None]]] = {
    "eyewall": eyewall,
    "tornado": tornado,
    "aiohttp": aiohttp,
    "picows": picows,
}

if __name__ == "__main__":
    SERVERS[sys.argv[2]](int(sys.argv[1]))
