"""No HTTP: a TCP server that sends every line back. ``python echo_tcp.py [PORT]``, then ``nc localhost PORT``."""

import sys

from eyewall.ioloop import IOLoop
from eyewall.iostream import Address, Stream, StreamClosedError
from eyewall.tcpserver import TCPServer

MAX_LINE = 64 * 1024


class EchoServer(TCPServer):
    """Serves each connection with one coroutine."""

    async def handle_stream(self, stream: Stream, address: Address, /) -> None:
        """Echo until the peer goes away, or sends a line that is too long."""
        try:
            while True:
                line = await stream.read_until(b"\n", max_bytes=MAX_LINE)
                await stream.write(line)
        except StreamClosedError:
            pass


if __name__ == "__main__":
    server = EchoServer()
    server.listen(int(sys.argv[1]) if len(sys.argv) > 1 else 8888)
    IOLoop.instance().start()
