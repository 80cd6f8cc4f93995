"""``python -m benchmarks.servers.echo_trio PORT [CERTFILE KEYFILE]``: the same with Trio."""

import ssl
import sys

import trio


async def handle(stream: trio.abc.Stream) -> None:  # noqa: D103
    async for data in stream:
        await stream.send_all(data)


async def main() -> None:  # noqa: D103
    if sys.argv[2:]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[2:])
        await trio.serve_ssl_over_tcp(handle, int(sys.argv[1]), context, host="127.0.0.1")
    else:
        await trio.serve_tcp(handle, int(sys.argv[1]), host="127.0.0.1")


trio.run(main)
