"""``python -m benchmarks.servers.echo_trio PORT``: the same with Trio."""

import sys

import trio


async def handle(stream: trio.SocketStream) -> None:  # noqa: D103
    async for data in stream:
        await stream.send_all(data)


async def main() -> None:  # noqa: D103
    await trio.serve_tcp(handle, int(sys.argv[1]), host="127.0.0.1")


trio.run(main)
