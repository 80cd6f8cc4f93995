"""``python streams_alone.py NUMBER``: tells in JSON what a stream costs in memory beyond its socket, in bytes."""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from pathlib import Path

from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sockets(number: int) -> list[socket.socket]:
    return [sock for _ in range(number // 2) for sock in socket.socketpair()]


async def main() -> None:
    number = int(sys.argv[1])
    io_loop = IOLoop.current()
    warm_up = [IOStream(sock, io_loop=io_loop) for sock in sockets(200)]
    waiting = [stream.readable() for stream in warm_up]
    made = sockets(number)
    before = resident()
    streams = [IOStream(sock, io_loop=io_loop) for sock in made]
    waiting += [stream.readable() for stream in streams]
    idle = (resident() - before) / number
    # Every stream has been busy once, and is idle again.
    for stream in streams:
        await stream.write(bytes(10_000))
    for index, stream in enumerate(streams):
        await waiting[len(warm_up) + index]
        while len(stream.read_nowait()) == 0:
            await stream.readable()
        waiting[len(warm_up) + index] = stream.readable()
    again = (resident() - before) / number
    print(json.dumps({"idle": idle, "idle_again": again}))


if __name__ == "__main__":
    IOLoop.current().run_sync(main)
