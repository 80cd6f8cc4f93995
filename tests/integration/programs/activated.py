"""Greets each client on the sockets that systemd has passed, with the name of the socket, and ends after the last."""

from eyewall.ioloop import IOLoop
from eyewall.iostream import Address, Stream
from eyewall.tcpserver import TCPServer, sockets_from_systemd


class Greeter(TCPServer):
    """Says the name of the socket that the client came by."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name: str = name

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        """Greet, and hang up."""
        await stream.write(self.name.encode())
        stream.close()


for name, sockets in sockets_from_systemd().items():
    Greeter(name).add_sockets(sockets)
IOLoop.current().start()
