"""``python -m benchmarks.servers.echo_eyewall PORT [CERTFILE KEYFILE]``: what comes goes back, with files by TLS."""

import sys

from eyewall.ioloop import IOLoop
from eyewall.iostream import SSLOptionsDict, Stream
from eyewall.tcpserver import TCPServer


class EchoServer(TCPServer):  # noqa: D101
    async def handle_stream(self, stream: Stream, address: object, /) -> None:  # noqa: D102
        async for data in stream:
            await stream.write(data)


options: SSLOptionsDict = {"certfile": sys.argv[2], "keyfile": sys.argv[3]} if sys.argv[2:] else {}
EchoServer(options or None).listen(int(sys.argv[1]), "127.0.0.1")
IOLoop.current().start()
