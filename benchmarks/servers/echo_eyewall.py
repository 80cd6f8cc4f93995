"""``python -m benchmarks.servers.echo_eyewall PORT``: what comes goes back."""

import sys

from eyewall.ioloop import IOLoop
from eyewall.iostream import Stream
from eyewall.tcpserver import TCPServer


class EchoServer(TCPServer):  # noqa: D101
    async def handle_stream(self, stream: Stream, address: object, /) -> None:  # noqa: D102
        async for data in stream:
            await stream.write(data)


EchoServer().listen(int(sys.argv[1]), "127.0.0.1")
IOLoop.current().start()
