"""OpenSSL's own programs and curl at the other end: new keys, handshakes anew, sessions, ends."""

from __future__ import annotations

import socket
import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import SSLIOStream, StreamClosedError, StreamTruncatedError
from eyewall.iostream.testing import self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import SSLOptionsDict

pytestmark = pytest.mark.needs("sockets")

CERTIFICATE = self_signed_certificate()


@contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
    with process:
        try:
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def wait_for(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    assert process.stdout is not None
    while text not in (line := process.stdout.readline()):
        assert line, f"{text!r} never came"
    return line


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


async def accepted(io_loop: IOLoop, listener: socket.socket) -> SSLIOStream:
    sock, _ = await io_loop.run_in_executor(None, listener.accept)
    return SSLIOStream(sock, ssl_options=CERTIFICATE.server_options, server_side=True, io_loop=io_loop)


@pytest.mark.openssl
@pytest.mark.needs("threads")
@pytest.mark.parametrize(("version", "commands"), [("-tls1_3", [b"K\n", b"k\n"]), ("-tls1_2", [b"R\n"])])
async def test_a_client_may_change_keys_or_ask_to_negotiate_anew(
    io_loop: IOLoop, version: str, commands: list[bytes]
) -> None:
    with listening() as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with program("openssl", "s_client", version, "-connect", address, "-CAfile", CERTIFICATE.certfile) as client:
            stream = await accepted(io_loop, listener)
            tell(client, b"first\n")
            assert await stream.read_until(b"\n") == b"first\n"
            for command in commands:
                tell(client, command)
                # It takes a command only where nothing else comes with it.
                wait_for(client, b"RENEGOTIATING" if command == b"R\n" else b"KEYUPDATE")
                if command == b"R\n":  # a server refuses that, and OpenSSL's client then gives up
                    with pytest.raises(StreamClosedError):
                        await stream.read_bytes(1)
                    break
                tell(client, b"next\n")
                assert await stream.read_until(b"\n") == b"next\n"
                await stream.write(b"answer\n")
            stream.close()


@pytest.mark.openssl
@pytest.mark.needs("threads")
async def test_the_end_of_input_of_s_client_is_an_end_of_tls(io_loop: IOLoop) -> None:
    with listening() as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with program("openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", address) as client:
            stream = await accepted(io_loop, listener)
            assert client.stdin is not None
            client.stdin.write(b"all of it")
            client.stdin.close()
            client.stdin = None
            assert await stream.read_until_close() == b"all of it"
            assert stream.error is None


@pytest.mark.openssl
@pytest.mark.needs("threads")
@pytest.mark.parametrize(("version", "commands"), [("-tls1_3", b"KkK"), ("-tls1_2", b"rRr")])
async def test_a_server_may_change_keys_and_negotiate_anew(io_loop: IOLoop, version: str, commands: bytes) -> None:
    files = ("-cert", CERTIFICATE.certfile, "-key", CERTIFICATE.keyfile)
    with program("openssl", "s_server", version, "-alpn", "echo/1", "-accept", "127.0.0.1:0", *files) as server:
        port = int(wait_for(server, b"ACCEPT").rpartition(b":")[2])
        options: SSLOptionsDict = {**CERTIFICATE.client_options, "alpn_protocols": ["echo/1"]}
        async with SSLIOStream(socket.socket(), ssl_options=options, io_loop=io_loop) as stream:
            await stream.connect(("127.0.0.1", port), "localhost")
            assert stream.info.tls is not None
            assert (stream.info.tls.version, stream.info.tls.alpn) == (f"TLSv1.{version[-1]}", "echo/1")
            for command in commands:
                # A command has to come alone. It is taken before what the connection brings, which is shown.
                reading = stream.read_until(b"\n")
                tell(server, bytes([command]) + b"\n")
                await stream.write(b"question\n")
                await io_loop.run_in_executor(None, wait_for, server, b"question")
                tell(server, b"answer\n")
                assert await reading == b"answer\n"
            # Told to quit, once hands are shaken, it ends the connection without ending TLS; or resets it.
            tell(server, b"Q\n")
            with pytest.raises(StreamClosedError) as caught:
                await stream.read_until_close()
            assert isinstance(caught.value.real_error, (StreamTruncatedError, ConnectionResetError))


@pytest.mark.curl
@pytest.mark.needs("threads")
async def test_curl_reads_an_answer_that_ends_with_the_connection(io_loop: IOLoop) -> None:
    with listening() as listener:
        url = f"https://localhost:{listener.getsockname()[1]}/"
        with program("curl", "-sS", "--ipv4", "--cacert", CERTIFICATE.certfile, url) as curl:
            stream = await accepted(io_loop, listener)
            await stream.read_until(b"\r\n\r\n", max_bytes=4096)
            assert stream.info.tls is not None
            assert stream.info.tls.server_name == "localhost"
            await stream.write(b"HTTP/1.1 200 OK\r\n\r\n", b"all of it")
            stream.close()
            assert curl.stdout is not None
            assert curl.stdout.read() == b"all of it"
            assert curl.wait() == 0


@pytest.mark.curl
@pytest.mark.needs("threads")
async def test_plain_http_to_a_tls_port_ends_at_once(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    with listening() as listener, program("curl", "-sS", f"http://127.0.0.1:{listener.getsockname()[1]}/") as curl:
        stream = await accepted(io_loop, listener)
        with pytest.raises(ssl.SSLError, match=r"(?i)http.request"):
            await stream.wait_for_handshake()
        assert curl.wait() != 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
