"""Every kind of stream that the package brings keeps the promises of ``Stream``."""

from __future__ import annotations

import functools
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import pytest

from eyewall.iostream import IOStream, PipeIOStream, SSLIOStream, ssl_options_to_context
from eyewall.iostream.testing import MemoryStream, memory_streams, self_signed_certificate
from eyewall.iostream.testing.conformance import StreamConformance

if TYPE_CHECKING:
    import ssl

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Stream

# So that little fits into the kernel, and a test of bulk need not be large.
BUFFER = 16 * 1024


def tcp_sockets() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The loopback's segments are larger than the buffers below, and then TCP waits for its timers, 0.2 s each.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    for sock in (near, far):
        # Or a small write waits 40 ms for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


@functools.cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client's context and a server's, made once: reading their files takes longer than most of the tests."""
    certificate = self_signed_certificate()
    client = ssl_options_to_context(certificate.client_options)
    return client, ssl_options_to_context(certificate.server_options, server_side=True)


def small(pair: tuple[socket.socket, socket.socket]) -> tuple[socket.socket, socket.socket]:
    for sock in pair:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    return pair


class TestMemoryStreams(StreamConformance):
    plenty: ClassVar[int] = 1024 * 1024

    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        return memory_streams(io_loop)

    def reset(self, stream: Stream, /) -> None:
        assert isinstance(stream, MemoryStream)
        stream.reset()


class TestMemoryStreamsInTinyPieces(TestMemoryStreams):
    """Byte by byte would take many times as long; test_every_case does it, on the simulated loop."""

    plenty: ClassVar[int] = 4 * 1024
    read_ahead: ClassVar[int] = 2048

    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        return memory_streams(io_loop, chunk_size=17, capacity=250, read_chunk_size=1024)


@pytest.mark.needs("sockets")
class TestSockets(StreamConformance):
    plenty: ClassVar[int] = 512 * 1024

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        return tcp_sockets()

    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        near, far = small(self.sockets())
        return IOStream(near, io_loop=io_loop), IOStream(far, io_loop=io_loop)

    def reset(self, stream: Stream, /) -> None:
        assert isinstance(stream, IOStream)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close(ConnectionAbortedError())


class TestUnixSockets(TestSockets):
    far: IOStream
    read_chunk_size: ClassVar[int | None] = None

    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        near, self.far = (
            IOStream(sock, io_loop=io_loop, read_chunk_size=self.read_chunk_size) for sock in small(self.sockets())
        )
        return near, self.far

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        return socket.socketpair()

    def reset(self, stream: Stream, /) -> None:
        assert isinstance(stream, IOStream)
        # A Unix socket resets its peer when it is closed with bytes that nobody has read.
        with suppress(BlockingIOError):
            self.far.socket.send(b"unread")
        stream.close()


class TestSocketsReadInSmallChunks(TestUnixSockets):
    # Not TCP: there, a window that is opened a little at a time makes the sender wait for the kernel's timers.
    read_chunk_size = 1000


@pytest.mark.needs("sockets")
class TestPipes(StreamConformance):
    """Two pipes to each stream: one that it reads, one that it writes."""

    can_reset: ClassVar[bool] = False
    plenty: ClassVar[int] = 1024 * 1024

    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        (near_read, far_write), (far_read, near_write) = os.pipe(), os.pipe()
        near = PipeIOStream(near_read, near_write, io_loop=io_loop)
        return near, PipeIOStream(far_read, far_write, io_loop=io_loop)

    def reset(self, stream: Stream, /) -> None:
        raise NotImplementedError


class TestTLS(TestSockets):
    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        return await self.make_tls(io_loop)

    async def make_tls(self, io_loop: EventLoop, read_chunk_size: int | None = None) -> tuple[Stream, Stream]:
        near, far = small(self.sockets())
        client_context, server_context = tls_contexts()
        server = SSLIOStream(
            far,
            ssl_options=server_context,
            server_side=True,
            io_loop=io_loop,
            read_chunk_size=read_chunk_size,
        )
        client = SSLIOStream(
            near,
            ssl_options=client_context,
            server_hostname="localhost",
            io_loop=io_loop,
            read_chunk_size=read_chunk_size,
        )
        waiting = server.wait_for_handshake()
        await client.wait_for_handshake()
        await waiting
        # Session tickets come after the handshake; closed before they are read, a socket resets its peer.
        await server.write(b"ready")
        await client.read_bytes(5)
        return client, server


class TestTLSReadInSmallChunks(TestTLS):
    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        return await self.make_tls(io_loop, read_chunk_size=1000)


class TestTLSOverMemoryStreams(StreamConformance):
    plenty: ClassVar[int] = 1024 * 1024
    read_ahead: ClassVar[int] = 512 * 1024

    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        self.lower = memory_streams(io_loop)
        return await self.make_tls(*self.lower)

    async def make_tls(self, near: Stream, far: Stream) -> tuple[Stream, Stream]:
        client_context, server_context = tls_contexts()
        accepting = far.start_tls(True, server_context)
        client = await near.start_tls(False, client_context, "localhost")
        server = await accepting
        await server.write(b"ready")
        await client.read_bytes(5)
        return client, server

    def reset(self, stream: Stream, /) -> None:
        self.lower[0].reset()


class TestTLSInTLS(TestTLSOverMemoryStreams):
    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        return await self.make_tls(*await super().make_pair(io_loop))
