"""HTTPServer: what it serves, what it refuses to be made of, and real sockets, plain and TLS."""

from __future__ import annotations

import logging
import socket
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import (
    Deadlines,
    HTTPConnection,
    HTTPHeaders,
    HTTPServer,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    Limits,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.iostream import IOStream, SSLIOStream
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import ServerState, bind_sockets
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream

CERTIFICATE = self_signed_certificate()
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def answer(request: HTTPServerRequest) -> None:
    """Say who asked for what."""
    assert request.connection is not None
    body = f"{request.protocol} {request.remote_ip} {request.uri} {request.body.decode()}!".encode()
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    request.connection.finish()


async def answer_later(request: HTTPServerRequest) -> None:
    assert request.connection is not None
    promise = request.connection.io_loop.create_future()
    request.connection.io_loop.add_callback(promise.set_result, None)
    await promise
    answer(request)


class Delegate:
    """Answers with the method; its requests are their own delegates."""

    def __init__(self) -> None:
        self.connections: list[object] = []
        self.closed: list[object] = []

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Message:
        self.connections.append(server_conn)
        return Message(request_conn)

    def on_close(self, server_conn: object, /) -> None:
        self.closed.append(server_conn)


class Message:
    method = ""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        assert isinstance(start_line, RequestStartLine)
        self.method = start_line.method

    def data_received(self, chunk: bytes, /) -> None: ...

    def finish(self) -> None:
        headers = HTTPHeaders({"Content-Length": "4"})
        self.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, f"{self.method}!".encode())
        self.connection.finish()

    def on_connection_close(self) -> None: ...


async def talk(stream: Stream, request: bytes = GET) -> bytes:
    stream.write_nowait(request)
    head = await stream.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    return await stream.read_until(b"!")


@pytest.mark.parametrize("callback", [answer, answer_later])
async def test_a_function_serves_plain_or_as_a_coroutine(io_loop: IOLoop, callback: object) -> None:
    assert callable(callback)
    server = HTTPServer(callback, io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    for _ in range(2):
        assert await talk(client) == b"http 192.0.2.1 /x !"
    post = b"POST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    assert await talk(client, post) == b"http 192.0.2.1 /y abc!"
    client.close()
    await server.close_all_connections()


async def test_a_delegate_serves_and_learns_which_requests_share_a_connection(io_loop: IOLoop) -> None:
    delegate = Delegate()
    server = HTTPServer(delegate, io_loop=io_loop)
    clients = [connect(server, io_loop=io_loop) for _ in range(2)]
    for client in clients:
        for _ in range(2):
            assert await talk(client) == b"GET!"
    first, same, second, *_ = delegate.connections
    assert first is same
    assert first is not second
    await server.close_all_connections()
    assert sorted(map(id, delegate.closed)) == sorted({id(first), id(second)})


async def test_a_subclass_may_choose_who_takes_a_request(io_loop: IOLoop) -> None:
    class Choosing(HTTPServer):
        def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Message:
            return Message(request_conn)

    server = Choosing(answer, io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    assert await talk(client) == b"GET!"
    client.close()
    await server.close_all_connections()


def test_a_server_is_a_delegate_itself() -> None:
    assert isinstance(HTTPServer(answer), HTTPServerConnectionDelegate)


@pytest.mark.parametrize("wrong", [None, 1, "application", object()])
def test_what_cannot_serve_is_refused_with_what_can(wrong: object) -> None:
    with pytest.raises(TypeError, match="cannot serve requests: give an Application, an object with start_request"):
        HTTPServer(wrong)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limits": {"max_fields": 3}}, r"limits is \{'max_fields': 3\}: give Limits\(…\)"),
        ({"deadlines": Limits()}, r"deadlines is Limits\(.*\): give Deadlines\(…\)"),
        ({"body_timeout": "3"}, "body_timeout is '3': give a number"),
        ({"max_body_size": "1k"}, "max_body_size is '1k': give a number"),
    ],
)
def test_an_option_of_the_wrong_type_is_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        HTTPServer(answer, **options)


def test_a_class_in_place_of_its_instance_is_refused() -> None:
    with pytest.raises(TypeError, match="Delegate'> is a class: give an instance of it"):
        HTTPServer(Delegate)  # type: ignore[arg-type]  # on purpose


def test_a_handler_s_class_is_refused_when_it_is_given() -> None:
    class Handler:
        def __init__(self, application: object, request: object) -> None:
            """Take what a handler takes."""

    with pytest.raises(TypeError, match="Handler'> is a class: give an instance of it, or an Application with it"):
        HTTPServer(Handler)  # type: ignore[arg-type]  # on purpose


async def test_the_limits_are_those_that_were_given(io_loop: IOLoop) -> None:
    server = HTTPServer(answer, max_header_size=100, max_body_size=4, no_keep_alive=True, io_loop=io_loop)
    for request, status in [
        (GET, b" 200 "),
        (GET.replace(b"Host", b"A: " + b"x" * 100 + b"\r\nHost"), b" 431 "),
        (GET.replace(b"/x", b"/" + b"x" * 100), b" 414 "),
        (GET.replace(b"Host", b"Content-Length: 5\r\nHost"), b" 413 "),
    ]:
        client = connect(server, io_loop=io_loop)
        client.write_nowait(request)
        received = await client.read_until_close()
        assert status in received.partition(b"\r\n")[0]
        assert b"\r\nConnection: close\r\n" in received
    await server.close_all_connections()


async def test_a_server_may_take_no_bodies_at_all(io_loop: IOLoop) -> None:
    server = HTTPServer(answer, max_body_size=0, io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(GET.replace(b"Host", b"Content-Length: 1\r\nHost"))
    assert b" 413 " in (await client.read_until_close()).partition(b"\r\n")[0]
    await server.close_all_connections()


def test_the_defaults_are_these() -> None:
    assert HTTPServer(answer).conn_params.limits == Limits()
    assert HTTPServer(answer).conn_params.deadlines == Deadlines()
    assert (Limits().max_header_size, Limits().max_body_size) == (65_536, 104_857_600)
    assert (Deadlines().header_timeout, Deadlines().idle_connection_timeout) == (30, 75)
    assert HTTPServer(answer, max_buffer_size=5).conn_params.limits.max_body_size == 5


def test_tornados_names_prevail_over_the_values_of_their_kind() -> None:
    server = HTTPServer(
        answer,
        max_header_size=1000,
        max_body_size=5,
        body_timeout=3,
        idle_connection_timeout=4,
        limits=Limits(max_fields=7, max_body_size=9),
        deadlines=Deadlines(header_timeout=2, body_timeout=9),
    )
    params = server.conn_params
    assert params.limits == Limits(max_fields=7, max_body_size=5, max_header_size=1000)
    assert params.deadlines == Deadlines(header_timeout=2, body_timeout=3, idle_connection_timeout=4)
    alone = HTTPServer(answer, max_header_size=1000).conn_params.limits
    assert (alone.max_request_line, alone.max_field_size) == (1000, 1000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": Limits(max_fields=-1)}, "max_fields is -1: give 0 or more"),
        ({"deadlines": Deadlines(write_timeout=0)}, "write_timeout is 0: give a number above 0"),
        ({"deadlines": Deadlines(min_body_rate=-1)}, "min_body_rate is -1"),
        ({"half_closed": "maybe"}, "half_closed is 'maybe': give"),
    ],
)
def test_a_bound_that_can_be_none_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HTTPServer(answer, **options)


def test_the_tick_is_a_quarter_of_the_shortest_time_and_a_second_at_most() -> None:
    assert Deadlines().tick == 1
    assert Deadlines(handler_timeout=2).tick == 0.5
    assert Deadlines(body_timeout=0.4, write_timeout=2).tick == 0.1


async def test_a_server_behind_tls_of_another_says_https(io_loop: IOLoop) -> None:
    server = HTTPServer(answer, protocol="https", io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    assert (await talk(client)).startswith(b"https ")
    client.close()
    await server.close_all_connections()


async def test_a_refusal_is_one_line_that_cannot_break_the_log(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    server = HTTPServer(answer, io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    client.write_nowait(b"GET / HTTP/1.1\r\nHost: a\r\nA: \x1b[31m" + b"x" * 1000 + b"\r\n\r\n")
    assert (await client.read_until_close()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    [message] = caplog.messages
    assert message.startswith("refused a request from 192.0.2.1 with 400: a control character in a field value: 'A: ")
    assert message.isprintable()
    assert len(message) < 250
    client.close()
    await server.close_all_connections()


# On sockets


def listen(server: HTTPServer) -> tuple[str, int]:
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    host, port = sock.getsockname()
    return host, port


@pytest.mark.needs("sockets")
async def test_it_serves_a_port(io_loop: IOLoop) -> None:
    server = HTTPServer(answer, io_loop=io_loop)
    client = IOStream(socket.create_connection(listen(server)), io_loop=io_loop)
    for _ in range(2):
        assert await talk(client) == b"http 127.0.0.1 /x !"
    server.stop()
    assert await talk(client) == b"http 127.0.0.1 /x !"
    await server.close_all_connections()
    assert await client.read_until_close() == b""


@pytest.mark.needs("sockets")
async def test_a_client_reads_its_refusal_though_it_goes_on_sending(io_loop: IOLoop) -> None:
    server = HTTPServer(answer, max_body_size=10, io_loop=io_loop)
    client = IOStream(socket.create_connection(listen(server)), io_loop=io_loop)
    client.write_nowait(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000)
    assert (await client.read_until(b"Large\n")).startswith(b"HTTP/1.1 413 ")
    client.close()
    server.stop()
    await server.close_all_connections()


@pytest.mark.needs("sockets")
async def test_a_socket_without_addresses_is_served(io_loop: IOLoop) -> None:
    here, there = socket.socketpair()
    server = HTTPServer(answer, io_loop=io_loop)
    server.handle_stream(IOStream(there, io_loop=io_loop), "")
    client = IOStream(here, io_loop=io_loop)
    assert await talk(client) == b"http 0.0.0.0 /x !"
    client.close()
    await server.close_all_connections()


@pytest.mark.needs("sockets")
async def test_a_failed_handshake_is_logged_once_without_a_trace(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall")
    server = HTTPServer(answer, ssl_options=CERTIFICATE.server_options, io_loop=io_loop)
    client = IOStream(socket.create_connection(listen(server)), io_loop=io_loop)
    client.write_nowait(GET)
    await client.read_until_close()
    await server.close_all_connections()
    server.stop()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("the TLS handshake with 127.0.0.1 port ")
    assert record.exc_info is None


@pytest.mark.needs("sockets")
async def test_it_speaks_tls(io_loop: IOLoop) -> None:
    server = HTTPServer(answer, ssl_options=CERTIFICATE.server_options, io_loop=io_loop)
    client = SSLIOStream(
        socket.create_connection(listen(server)),
        ssl_options=CERTIFICATE.client_options,
        server_hostname="localhost",
        io_loop=io_loop,
    )
    for _ in range(2):
        assert await talk(client) == b"https 127.0.0.1 /x !"
    client.close()
    server.stop()
    await server.close_all_connections()


@pytest.mark.needs("sockets")
@pytest.mark.needs("threads")
@pytest.mark.parametrize("secure", [False, True])
async def test_a_file_goes_by_the_kernel_or_through_tls_and_the_connection_goes_on(
    io_loop: IOLoop, secure: bool
) -> None:
    content = bytes(range(256)) * 4000

    async def send(request: HTTPServerRequest) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            headers = HTTPHeaders({"Content-Length": str(len(content) - 100)})
            request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers)
            await request.connection.write_file(file, 100)
            request.connection.finish()

    server = HTTPServer(send, ssl_options=CERTIFICATE.server_options if secure else None, io_loop=io_loop)
    sock = socket.create_connection(listen(server))
    client: IOStream
    if secure:
        client = SSLIOStream(sock, ssl_options=CERTIFICATE.client_options, server_hostname="localhost", io_loop=io_loop)
    else:
        client = IOStream(sock, io_loop=io_loop)
    client.write_nowait(GET * 3)
    for _ in range(3):
        assert (await client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await client.read_bytes(len(content) - 100) == content[100:]
    client.close()
    server.stop()
    await server.close_all_connections()


@pytest.mark.needs("sockets")
async def test_a_draining_server_answers_who_has_asked_and_refuses_who_comes(io_loop: IOLoop) -> None:
    may_answer = io_loop.create_future()

    async def wait(request: HTTPServerRequest) -> None:
        await may_answer
        answer(request)

    server = HTTPServer(wait, io_loop=io_loop)
    address = listen(server)
    client = IOStream(socket.create_connection(address), io_loop=io_loop)
    begun = client.write(GET)
    await begun
    while not server.connection_count:
        await turn(io_loop)
    draining = io_loop.spawn(server.drain(60))
    while server.state is not ServerState.DRAINING:
        await turn(io_loop)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    may_answer.set_result(None)
    received = await client.read_until_close()
    assert received.endswith(b"http 127.0.0.1 /x !")
    assert b"\r\nConnection: close\r\n" in received
    assert (await draining).cut == ()


@pytest.mark.needs("sockets")
async def test_a_handshake_that_does_not_end_is_closed_in_its_time(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall")
    deadlines = Deadlines(handshake_timeout=0.1)
    server = HTTPServer(answer, ssl_options=CERTIFICATE.server_options, deadlines=deadlines, io_loop=io_loop)
    client = IOStream(socket.create_connection(listen(server)), io_loop=io_loop)
    client.write_nowait(b"\x16\x03\x01")
    assert await client.read_until_close() == b""
    assert "it takes longer than handshake_timeout, 0.1 seconds" in caplog.text
    server.stop()
    await server.close_all_connections()


async def turn(io_loop: IOLoop) -> None:
    promise = io_loop.create_future()
    io_loop.add_callback(promise.set_result, None)
    await promise
