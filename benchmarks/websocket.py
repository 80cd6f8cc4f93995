"""``python -m benchmarks.websocket``: what a WebSocket message costs, in frames alone and on whole servers.

Frames: a library is given the bytes of a masked frame and asked for those of its echo; nothing else. Servers: clients
send messages and wait for them to come back; and one broadcasts to all who are connected. What counts is the server's
processor time for each message. wsproto and picows are measured where they are installed.
"""

# The pinning of processes and the reading of /proc are those of the HTTP benchmark, one package with this one.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import argparse
import importlib.util
import os
import selectors
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from ._measure import _ROOT, BenchmarkError, _pinned, _processor_time, choose_cores, running
from .servers.websocket import NEWS, SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

SIZES: Final = (32, 4096)
CONNECTIONS: Final = 16
_MASK: Final = b"\x11\x22\x33\x44"
_ASK: Final = (
    b"GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(text: bytes) -> bytes:
    """A client's frame of a text."""
    length = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0xFE]) + struct.pack("!H", len(text))
    return b"\x81" + length + _MASK + bytes(byte ^ _MASK[place % 4] for place, byte in enumerate(text))


def echoed_size(size: int) -> int:
    """How many bytes the echo of a text has."""
    return size + (2 if size < 126 else 4)


def websockets_echo() -> Callable[[bytes], bytes]:
    """By websockets, as eyewall uses it."""
    from websockets.frames import Opcode
    from websockets.protocol import SERVER, Protocol

    protocol = Protocol(SERVER, max_size=10 * 1024 * 1024)

    def echo(data: bytes) -> bytes:
        protocol.receive_data(data)
        for event in protocol.events_received():
            if getattr(event, "opcode", None) is Opcode.TEXT:
                protocol.send_text(str(getattr(event, "data", b""), "utf-8").encode())
        return b"".join(protocol.data_to_send())

    return echo


def wsproto_echo() -> Callable[[bytes], bytes]:
    """By wsproto."""
    connection: Any = importlib.import_module("wsproto.connection")
    events: Any = importlib.import_module("wsproto.events")
    protocol = connection.Connection(connection.ConnectionType.SERVER)

    def echo(data: bytes) -> bytes:
        protocol.receive_data(data)
        return b"".join([protocol.send(events.TextMessage(data=event.data)) for event in protocol.events()])

    return echo


FRAMES: Final = {"websockets": websockets_echo, "wsproto": wsproto_echo}


def cost_of_frames(make: Callable[[], Callable[[bytes], bytes]], size: int, times: int = 2000) -> float:
    """Microseconds of processor time for one echo: the least of several rounds."""
    echo, data = make(), frame(b"x" * size)
    if len(echo(data)) != echoed_size(size):
        raise BenchmarkError("that is no echo")
    best = float("inf")
    for _ in range(7):
        began = time.process_time()
        for _ in range(times):
            echo(data)
        best = min(best, time.process_time() - began)
    return 1e6 * best / times


def serving(name: str, cpu: int) -> AbstractContextManager[tuple[int, int]]:
    """Run a server; give its process and its port once it answers."""
    return running(name, "benchmarks.servers.websocket", [name], cpu, _answers)


def _answers(port: int) -> bool:
    connect(port).close()
    return True


def connect(port: int, path: bytes = b"/") -> socket.socket:
    """Open a WebSocket."""
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(30)
    client.sendall(_ASK % path)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        if not (data := client.recv(1)):
            raise BenchmarkError(f"the server opens no WebSocket, and says {answer!r}")
        answer += data
    return client


class Clients:
    """Connections that are waited for all together."""

    def __init__(self, port: int, count: int, path: bytes = b"/") -> None:
        self._selector = selectors.DefaultSelector()
        self.sockets = [connect(port, path) for _ in range(count)]
        self._left: dict[socket.socket, int] = {}
        for client in self.sockets:
            client.setblocking(False)
            self._selector.register(client, selectors.EVENT_READ)

    def send(self, data: bytes, clients: Sequence[socket.socket]) -> None:
        """Send something on each."""
        for client in clients:
            client.sendall(data)

    def wait_for(self, count: int) -> None:
        """Read that many bytes from each."""
        self._left = dict.fromkeys(self.sockets, count)
        while self._left:
            for key, _ in self._selector.select(30):
                client = key.fileobj
                if isinstance(client, socket.socket):
                    self._take(client)

    def _take(self, client: socket.socket) -> None:
        data = client.recv(1 << 16)
        if not data:
            raise BenchmarkError("the server has closed a connection")
        self._left[client] = self._left.get(client, 0) - len(data)
        if self._left[client] <= 0:
            del self._left[client]

    def close(self) -> None:
        """Close them."""
        self._selector.close()
        for client in self.sockets:
            client.close()


def cost_of_echo(pid: int, port: int, size: int, batch: int, seconds: float) -> float:
    """Microseconds of the server's processor time for one message."""
    clients, data = Clients(port, CONNECTIONS), frame(b"x" * size) * batch
    try:
        sent, began, until = 0, sum(_processor_time(pid)), time.monotonic() + seconds
        while time.monotonic() < until:
            clients.send(data, clients.sockets)
            clients.wait_for(batch * echoed_size(size))
            sent += batch * CONNECTIONS
        return 1e6 * (sum(_processor_time(pid)) - began) / sent
    finally:
        clients.close()


def cost_of_broadcast(pid: int, port: int, count: int, times: int) -> float:
    """Microseconds of the server's processor time for one connection that is sent one message."""
    clients = Clients(port, count)
    try:
        began = sum(_processor_time(pid))
        for _ in range(times):
            clients.send(frame(b"go"), clients.sockets[:1])
            clients.wait_for(echoed_size(len(NEWS)))
        return 1e6 * (sum(_processor_time(pid)) - began) / (count * times)
    finally:
        clients.close()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.websocket", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=1000, help="of the broadcast (default: 1000)")
    parser.add_argument("--only", nargs="+", choices=[*FRAMES, *SERVERS], default=[*FRAMES, *SERVERS])
    arguments = parser.parse_args()
    chosen = [name for name in arguments.only if importlib.util.find_spec(name)]
    cores = choose_cores()
    for name in filter(chosen.__contains__, FRAMES):
        costs = [f"{size} B {cost_of_frames(FRAMES[name], size):7.2f} µs" for size in SIZES]
        print(f"frames     {name:12}", "   ".join(costs), flush=True)
    for name in filter(chosen.__contains__, SERVERS):
        with serving(name, cores.server) as (pid, port), _pinned(cores.load):
            costs = [
                f"{size} B, {batch} at a time {cost_of_echo(pid, port, size, batch, arguments.seconds):7.2f} µs"
                for size in SIZES
                for batch in (1, 16)
            ]
            print(f"echo       {name:12}", "   ".join(costs), flush=True)
            cost = cost_of_broadcast(pid, port, arguments.connections, 10)
            print(f"broadcast  {name:12} to {arguments.connections}: {cost:7.2f} µs for each", flush=True)


if __name__ == "__main__":
    os.chdir(_ROOT)
    main()
