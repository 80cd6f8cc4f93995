"""A program of somebody who uses the lower layers and checks strictly. It must pass mypy and pyright as it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, assert_type

from eyewall.httpserver import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServer,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.ioloop import READ, EventLoop, Future, IOLoop, Promise, Task
from eyewall.iostream import Address, IOStream, PipeIOStream, SSLIOStream, Stream, StreamClosedError
from eyewall.tcpserver import (
    ConnectError,
    ConnectionLimits,
    ExitCode,
    OverrideResolver,
    ProxyProtocol,
    Resolver,
    ServerState,
    StreamHandler,
    Subprocess,
    Supervisor,
    TCPClient,
    TCPServer,
    bind_sockets,
    sockets_from_systemd,
)
from eyewall.web import Application, RequestHandler

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable


def wait_readable(io_loop: EventLoop, sock: socket.socket) -> Future[int]:
    """Take any loop, and answer with the events of a socket once it is ready."""
    promise: Promise[int] = io_loop.create_future()

    def ready(sock: socket.socket, events: int) -> None:
        io_loop.remove_handler(sock)
        if not promise.done():
            promise.set_result(events)

    io_loop.add_handler(sock, ready, READ)
    return promise


def digest(data: bytes, rounds: int) -> str:
    return data.hex() * rounds


async def use_the_loop(io_loop: EventLoop, sock: socket.socket) -> str:
    task = io_loop.spawn(first_line(io_loop, sock), name="first line")
    assert_type(task, Task[str])
    io_loop.add_callback(print, "hello", end="")
    timer = io_loop.call_later(1.0, task.cancel)
    with io_loop.cancel_scope(deadline=io_loop.time() + 5) as scope:
        assert_type(await task, str)
    timer.cancel()
    assert_type(scope.cancelled_caught, bool)
    return await io_loop.run_in_executor(None, digest, b"abc", 2)


async def first_line(io_loop: EventLoop, sock: socket.socket) -> str:
    assert_type(await wait_readable(io_loop, sock), int)
    return sock.recv(100).decode()


async def echo(stream: Stream, address: Address) -> None:
    """Take any stream."""
    try:
        while True:
            line = await stream.read_until(b"\n", max_bytes=1000)
            assert_type(line, bytes)
            await stream.write(b"> ", memoryview(line))
    except StreamClosedError as error:
        assert_type(error.real_error, BaseException | None)
        print(address, "has gone")


async def each_operation(stream: Stream, file: BinaryIO) -> None:
    """Use what a stream can do beside lines."""
    when = stream.io_loop.time() + 5
    assert_type(await stream.read_into(bytearray(10), partial=True, deadline=when), int)
    assert_type(await stream.read_until_regex(rb"\r?\n", max_bytes=100), bytes)
    assert_type(await stream.send_file(file, 10, 20), int)
    async with stream as same:
        assert_type(same, Stream)
        async for data in stream:
            assert_type(data, bytes)
    stream.close(ConnectionAbortedError())


def streams_of(sock: socket.socket, context: ssl.SSLContext) -> list[Stream]:
    tls = SSLIOStream(sock, ssl_options=context, read_chunk_size=4096)
    return [IOStream(sock, max_buffer_size=1 << 20), tls, PipeIOStream(sock.fileno())]


class EchoServer(TCPServer):
    async def handle_stream(self, stream: Stream, address: Address, /) -> None:
        await echo(stream, address)


def serve_echo(io_loop: EventLoop) -> StreamHandler:
    server = EchoServer(max_buffer_size=1 << 16, io_loop=io_loop)
    server.add_sockets(bind_sockets(0, "127.0.0.1"))
    return server


async def serve_echo_for_a_while(over: Future[None]) -> tuple[Address, ...]:
    """Use what surrounds a server: limits, a proxy in front, the end."""
    limits = ConnectionLimits(1000, max_per_address=10)
    async with EchoServer(connection_limits=limits, proxy_protocol=ProxyProtocol(["10.0.0.0/8"])) as server:
        assert_type(server, EchoServer)
        server.add_sockets(sockets_from_systemd().get("echo", []))
        forget = server.watch_state(lambda state: print(state.value))
        await over
        forget()
        report = await server.drain(5)
        assert_type(server.state, ServerState)
    return report.cut


async def ask_a_host(host: str, context: ssl.SSLContext) -> bytes:
    """Connect by name."""
    client = TCPClient(OverrideResolver(Resolver(), {"shop.test": "127.0.0.1"}))
    try:
        stream = await client.connect(host, 443, ssl_options=context, timeout=timedelta(seconds=5))
    except ConnectError as error:
        assert_type(error.failures, tuple[tuple[Address, BaseException], ...])
        return b""
    assert_type(stream, IOStream)
    proxied = stream.info.proxy
    if proxied is not None:
        assert_type(proxied.source, Address | None)
    return await stream.read_until_close()


async def make_servers() -> dict[str, TCPServer]:
    return {"echo": EchoServer(), "http": HTTPServer(answer)}


def supervise() -> None:
    groups = {"echo": bind_sockets(7), "http": bind_sockets(80)}
    assert_type(ExitCode(0), ExitCode)
    Supervisor(make_servers, groups, workers=2, max_memory=1 << 30).run()


async def sort(words: bytes) -> bytes:
    process = Subprocess(["sort"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)
    await process.stdin.write(words)
    process.stdin.close()
    assert_type(await process.wait_for_exit(raise_error=False), int)
    return await process.stdout.read_until_close()


def answer(request: HTTPServerRequest) -> None:
    """Serve HTTP with a function."""
    body = f"{request.method} {request.path}".encode()
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
    request.connection.finish()


class Upload:
    """Serve HTTP with a delegate, which sees a body as it arrives and is not a subclass of anything."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection
        self.size = 0

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        assert_type(headers.get_list("Accept"), list[str])

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        self.size += len(chunk)
        return None

    async def finish(self) -> None:
        headers = HTTPHeaders({"Content-Length": "0"})
        await self.connection.write_headers(ResponseStartLine("HTTP/1.1", 204, "No Content"), headers)
        self.connection.finish()

    def on_connection_close(self) -> None:
        print("gone after", self.size)


class Uploads:
    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        return Upload(request_conn)

    def on_close(self, server_conn: object, /) -> None:
        print("closed")


class Greeting(RequestHandler):
    def get(self, name: str) -> None:
        self.write(f"Hello, {name}")


def make_app() -> Application:
    return Application([(r"/(.*)", Greeting)], debug=True)


def main(context: ssl.SSLContext) -> None:
    delegates: list[HTTPServerConnectionDelegate] = [Uploads(), make_app()]
    for delegate in delegates:
        HTTPServer(delegate, ssl_options=context).listen(0, "127.0.0.1")
    server = HTTPServer(answer)
    server.bind(8080)
    server.start(2)
    io_loop = IOLoop.current()
    as_any_loop: EventLoop = io_loop
    as_any_loop.add_callback(io_loop.stop)
    io_loop.start()
