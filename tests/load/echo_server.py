"""``python echo_server.py PORT``: sends each line back; to ``?`` it tells, in JSON, what it holds."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from types import CoroutineType

from eyewall.ioloop import IOLoop
from eyewall.iostream import BaseIOStream, Stream, StreamClosedError
from eyewall.tcpserver import TCPServer


def holdings() -> dict[str, int]:
    """What this process holds, with the garbage gone; of coroutines, those that have not ended."""
    gc.collect()
    objects = gc.get_objects()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())) - 1,
        "streams": sum(isinstance(thing, BaseIOStream) for thing in objects),
        "coroutines": sum(isinstance(thing, CoroutineType) and thing.cr_frame is not None for thing in objects),
        "objects": len(objects),
        "resident": resident,
    }


class EchoServer(TCPServer):
    async def handle_stream(self, stream: Stream, address: object, /) -> None:
        try:
            while line := await stream.read_until(b"\n", max_bytes=1024):
                await stream.write(json.dumps(holdings()).encode() + b"\n" if line == b"?\n" else line)
        except StreamClosedError:
            pass


if __name__ == "__main__":
    EchoServer().listen(int(sys.argv[1]), "127.0.0.1", backlog=4096)
    print("ready", flush=True)
    IOLoop.current().start()
