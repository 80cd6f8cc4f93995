"""Supervises two workers on the sockets that systemd has passed, or on a port of its own."""

from eyewall.iostream import Address, Stream
from eyewall.tcpserver import Supervisor, TCPServer, bind_sockets, sockets_from_systemd, task_id


class Greeter(TCPServer):
    """Says which worker serves."""

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        """Greet, and hang up."""
        await stream.write(f"worker {task_id()}".encode())
        stream.close()


if __name__ == "__main__":
    Supervisor(Greeter, lambda: sockets_from_systemd() or bind_sockets(0, "127.0.0.1"), workers=2).run()
