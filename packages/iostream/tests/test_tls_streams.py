"""TLS over any stream: start_tls, unwrap, TLS in TLS, ends that are none, handshakes that stall."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.iostream import (
    IOStream,
    SSLIOStream,
    StreamClosedError,
    StreamTruncatedError,
    TLSStream,
    ssl_options_to_context,
)
from eyewall.iostream.testing import memory_streams, self_signed_certificate

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop
    from eyewall.iostream import BaseIOStream, BaseTLSStream

CERTIFICATE = self_signed_certificate()


async def started(
    near: BaseIOStream, far: BaseIOStream, context: ssl.SSLContext | None = None
) -> tuple[BaseTLSStream, BaseTLSStream]:
    serving = far.start_tls(True, CERTIFICATE.server_options)
    client = await near.start_tls(False, context or CERTIFICATE.client_options, "localhost")
    return client, await serving


async def exchange(near: BaseIOStream, far: BaseIOStream) -> None:
    await near.write(b"question\n")
    assert await far.read_until(b"\n") == b"question\n"
    await far.write(b"answer\n")
    assert await near.read_until(b"\n") == b"answer\n"


async def test_tls_begins_in_the_middle_of_a_stream_ends_and_the_plain_stream_goes_on(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    await exchange(near, far)
    client, server = await started(near, far)
    assert isinstance(client, TLSStream)
    assert isinstance(server, TLSStream)
    await exchange(client, server)
    ending = server.unwrap()
    assert await client.unwrap() is near
    assert await ending is far
    await exchange(near, far)


@pytest.mark.needs("sockets")
async def test_the_same_on_sockets(io_loop: IOLoop) -> None:
    near, far = map(IOStream, socket.socketpair())
    closed: list[None] = []
    near.set_close_callback(lambda: closed.append(None))
    await exchange(near, far)
    client, server = await started(near, far)
    assert isinstance(client, SSLIOStream)
    assert isinstance(server, SSLIOStream)
    assert near.closed()
    await exchange(client, server)
    ending = server.unwrap()
    plain = await client.unwrap()
    rest = await ending
    await exchange(plain, rest)
    plain.close()
    rest.close()
    await turns(io_loop)
    assert closed == [None]


async def test_plaintext_that_follows_the_end_of_tls_at_once_is_the_plain_streams(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    client, server = await started(near, far)
    assert isinstance(client, TLSStream)
    assert isinstance(server, TLSStream)
    server.set_eof_callback(lambda: None)
    ending = client.unwrap()
    assert await server.read_until_close() == b""
    plain = await server.unwrap()
    plain.write_nowait(b"plain again\n")
    assert await (await ending).read_until(b"\n") == b"plain again\n"


async def test_bytes_that_come_instead_of_the_end_fail_unwrap(io_loop: IOLoop) -> None:
    client, server = await started(*memory_streams(io_loop))
    assert isinstance(client, TLSStream)
    server.write_nowait(b"more")
    with pytest.raises(OSError, match="4 bytes more after unwrap"):
        await client.unwrap()
    assert client.closed()


async def test_unwrap_wants_an_idle_stream(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    early = TLSStream(near, ssl_options=CERTIFICATE.client_options, server_hostname="localhost")
    with pytest.raises(ValueError, match="handshake is done"):
        early.unwrap()
    server = TLSStream(far, ssl_options=CERTIFICATE.server_options, server_side=True)
    await server.wait_for_handshake()
    await early.wait_for_handshake()
    server.write_nowait(b"unread")
    await early.readable()
    with pytest.raises(ValueError, match="6 bytes are unread"):
        early.unwrap()


async def test_start_tls_wants_an_idle_stream(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, capacity=10)
    read = near.read_bytes(1)
    with pytest.raises(ValueError, match="while a read waits"):
        near.start_tls(False)
    far.write_nowait(bytes(100))
    with pytest.raises(ValueError, match="bytes wait to be sent"):
        far.start_tls(True, CERTIFICATE.server_options)
    await read
    near.close()
    with pytest.raises(StreamClosedError):
        near.start_tls(False)


async def test_a_hello_that_has_been_read_ahead_begins_the_handshake(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    connecting = near.start_tls(False, CERTIFICATE.client_options, "localhost")
    await far.readable()
    server = await far.start_tls(True, CERTIFICATE.server_options)
    await exchange(await connecting, server)


@pytest.mark.needs("sockets")
async def test_a_hello_that_has_been_read_ahead_begins_the_handshake_on_sockets(io_loop: IOLoop) -> None:
    near, far = map(IOStream, socket.socketpair())
    connecting = near.start_tls(False, CERTIFICATE.client_options, "localhost")
    await far.readable()
    server = await far.start_tls(True, CERTIFICATE.server_options)
    client = await connecting
    await exchange(client, server)
    client.close()
    server.close()


async def test_plaintext_that_was_slipped_in_is_never_taken_for_what_came_by_tls(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    near.write_nowait(b"STARTTLS\r\nDELETE everything\r\n")
    assert await far.read_until(b"\r\n") == b"STARTTLS\r\n"
    with pytest.raises(ssl.SSLError):
        await far.start_tls(True, CERTIFICATE.server_options)


async def test_tls_in_tls_in_memory(io_loop: IOLoop) -> None:
    outer = await started(*memory_streams(io_loop))
    client, server = await started(*outer)
    await exchange(client, server)
    server.close()
    assert await client.read_until_close() == b""


@pytest.mark.needs("sockets")
async def test_tls_in_tls_on_sockets(io_loop: IOLoop) -> None:
    near, far = map(IOStream, socket.socketpair())
    outer = await started(near, far)
    client, server = await started(*outer)
    assert isinstance(client, SSLIOStream)
    assert isinstance(server, SSLIOStream)
    await exchange(client, server)
    big = bytes(range(256)) * 4096
    sending = client.write(big)
    assert await server.read_bytes(len(big)) == big
    await sending
    ending = server.unwrap()
    below: list[object] = [await client.unwrap(), await ending]
    assert below == list(outer)
    await exchange(*outer)
    outer[0].close()
    outer[1].close()


async def test_an_end_that_tls_does_not_tell_is_an_error_and_what_came_can_be_read(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    client, server = await started(near, far)
    await server.write(b"some of it")
    read = client.read_until_close()
    far.close()
    with pytest.raises(StreamClosedError) as caught:
        await read
    assert isinstance(caught.value.real_error, StreamTruncatedError)
    assert client.read_nowait() == b"some of it"


async def test_a_context_may_take_a_truncation_for_an_end(io_loop: IOLoop) -> None:
    context = ssl_options_to_context(CERTIFICATE.client_options)
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    near, far = memory_streams(io_loop)
    client, server = await started(near, far, context)
    await server.write(b"all of it")
    far.close()
    assert await client.read_until_close() == b"all of it"


async def test_a_handshake_that_stalls_is_given_up(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    with pytest.raises(TimeoutError, match=r"handshake_timeout, 0\.01 s"):
        await far.start_tls(True, CERTIFICATE.server_options, handshake_timeout=0.01)
    assert await near.read_until_close() == b""


async def test_giving_up_start_tls_closes_the_stream(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    with io_loop.cancel_scope(deadline=io_loop.time()) as scope:
        await near.start_tls(False, CERTIFICATE.client_options, "localhost")
    assert scope.cancelled_caught
    with pytest.raises(StreamClosedError):
        await far.read_bytes(10_000)


async def test_options_that_cannot_be_leave_the_plain_stream_as_it_was(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    with pytest.raises(ValueError, match="need 'certfile'"):
        far.start_tls(True)
    await exchange(near, far)


@pytest.mark.needs("sockets")
async def test_a_session_is_resumed(io_loop: IOLoop) -> None:
    context = ssl_options_to_context(CERTIFICATE.client_options)
    serving = ssl_options_to_context(CERTIFICATE.server_options, server_side=True)
    session: Any = None
    reused: list[bool] = []
    for _ in range(2):
        near, far = socket.socketpair()
        server = SSLIOStream(far, ssl_options=serving, server_side=True)
        client = SSLIOStream(near, ssl_options=context, server_hostname="localhost", session=session)
        server.write_nowait(b"x")
        await client.read_bytes(1)
        session = client.session
        assert client.info.tls is not None
        reused.append(client.info.tls.session_reused)
        client.close()
        server.close()
    assert reused == [False, True]


@pytest.mark.needs("sockets")
async def test_a_unix_socket_says_whose_process_is_at_the_other_end(io_loop: IOLoop) -> None:
    import os

    near, far = map(IOStream, socket.socketpair())
    credentials = near.info.credentials
    assert credentials is not None
    assert credentials == (os.getpid(), os.getuid(), os.getgid())
    near.close()
    far.close()
    assert near.info.credentials == credentials


async def turns(io_loop: IOLoop) -> None:
    for _ in range(5):
        turn = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn
