"""``python -m benchmarks.servers.echo_asyncio PORT [CERTFILE KEYFILE]``: the same with asyncio's streams."""

import asyncio
import ssl
import sys


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: D103
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main() -> None:  # noqa: D103
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if sys.argv[2:] else None
    if context is not None:
        context.load_cert_chain(*sys.argv[2:])
    async with await asyncio.start_server(handle, "127.0.0.1", int(sys.argv[1]), ssl=context) as server:
        await server.serve_forever()


asyncio.run(main())
