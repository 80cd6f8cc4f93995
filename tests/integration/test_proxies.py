"""A TCPServer behind HAProxy and nginx, which write the PROXY headers that the unit tests make by hand."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServer, ResponseStartLine
from eyewall.iostream import IOStream, SSLIOStream
from eyewall.tcpserver import ProxyProtocol, TCPServer, bind_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.httpserver import HTTPServerRequest
    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, ProxyInfo, SSLOptionsDict, Stream
    from eyewall.iostream.testing import CertificateFiles

pytestmark = pytest.mark.needs("sockets")

HAPROXY = """
defaults
    mode tcp
    timeout connect 10s
    timeout client 10s
    timeout server 10s
listen proxy
    bind fd@{frontend} {bind}
    server one 127.0.0.1:{port} {options}
"""

NGINX_PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"
# Debian has the module in a package of its own; elsewhere it is a part of nginx.
NGINX_STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

NGINX = """
{load}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
stream {{
    server {{
        listen 127.0.0.1:{frontend};
        listen unix:{folder}/proxy.socket;
        proxy_pass 127.0.0.1:{port};
        proxy_protocol on;
    }}
}}
"""


class Echo(TCPServer):
    """Echoes lines behind a proxy, and keeps what it heard of who is there."""

    def __init__(self, ssl_options: SSLOptionsDict | None = None) -> None:
        super().__init__(ssl_options, proxy_protocol=ProxyProtocol(["127.0.0.1"]))
        [sock] = bind_sockets(0, "127.0.0.1")
        self.add_socket(sock)
        self.port: int = sock.getsockname()[1]
        self.seen: list[tuple[Address, ProxyInfo | None]] = []

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        self.seen.append((address, stream.info.proxy))
        while True:
            await stream.write(await stream.read_until(b"\n"))


class HAProxy:
    """HAProxy processes, each in front of a server."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def start(self, server_port: int, options: str, bind: str = "") -> tuple[str, int]:
        """Start one, and give its address."""
        frontend = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        path = self._folder / "haproxy.cfg"
        path.write_text(HAPROXY.format(frontend=frontend.fileno(), bind=bind, port=server_port, options=options))
        process = self._stack.enter_context(
            subprocess.Popen(["haproxy", "-db", "-f", str(path)], pass_fds=[frontend.fileno()])
        )
        self._stack.callback(process.kill)
        address: tuple[str, int] = frontend.getsockname()
        return address


class Nginx:
    """An nginx in front of a server."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def start(self, server_port: int) -> tuple[str, int]:
        """Start it, and give its address; it listens on a Unix socket, too."""
        frontend = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        address: tuple[str, int] = frontend.getsockname()
        load = f"load_module {NGINX_STREAM_MODULE};" if NGINX_STREAM_MODULE.exists() else ""
        path = self._folder / "nginx.conf"
        path.write_text(NGINX.format(load=load, folder=self._folder, frontend=address[1], port=server_port))
        process = self._stack.enter_context(
            subprocess.Popen(
                [NGINX_PROGRAM, "-e", "stderr", "-c", str(path)],
                pass_fds=[frontend.fileno()],
                # This is how it takes over the sockets of the nginx that it replaces.
                env=os.environ | {"NGINX": f"{frontend.fileno()};"},
            )
        )
        self._stack.callback(process.terminate)  # which ends its worker, too
        return address

    async def connect_by_path(self, io_loop: IOLoop) -> socket.socket:
        """Connect to the Unix socket, once it is there."""
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(str(self._folder / "proxy.socket"))
            except OSError:
                sock.close()
                await _wait(io_loop, 0.01)
            else:
                return sock


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    """Skips where nginx lacks its stream module, but not in CI, which is to install it."""
    if not NGINX_STREAM_MODULE.exists() and not os.environ.get("CI"):
        built = subprocess.run([NGINX_PROGRAM, "-V"], stderr=subprocess.PIPE, text=True, check=True).stderr
        if "--with-stream " not in built:
            pytest.skip(f"needs nginx's stream module, {NGINX_STREAM_MODULE}: see .ci/run")
    with ExitStack() as stack:
        yield Nginx(stack, tmp_path)


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[HAProxy]:
    with ExitStack() as stack:
        yield HAProxy(stack, tmp_path)


@pytest.fixture
def pem(tmp_path: Path, certificate: CertificateFiles) -> Path:
    """The certificate and its key in one file, as HAProxy wants them."""
    path = tmp_path / "both.pem"
    path.write_bytes(b"".join(Path(part).read_bytes() for part in certificate))
    return path


async def ask(client: IOStream) -> None:
    await client.write(b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"


@pytest.mark.haproxy
@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
async def test_the_client_of_haproxy_is_the_client(io_loop: IOLoop, haproxy: HAProxy, options: str) -> None:
    server = Echo()
    address = haproxy.start(server.port, options)
    client = IOStream(socket.create_connection(address, source_address=("127.0.0.9", 0)))
    await ask(client)
    [(seen, info)] = server.seen
    assert info is not None
    assert seen == info.source == client.socket.getsockname()
    assert info.destination == address
    assert isinstance(info.peer, tuple)
    assert info.peer != seen
    assert (3 in dict(info.tlvs)) is ("crc32c" in options)
    client.close()
    await server.drain()


@pytest.mark.haproxy
async def test_what_haproxy_says_of_tls_is_understood(
    io_loop: IOLoop, haproxy: HAProxy, pem: Path, certificate: CertificateFiles
) -> None:
    server = Echo()
    address = haproxy.start(
        server.port, "send-proxy-v2-ssl-cn proxy-v2-options authority", f"ssl crt {pem} alpn echo/1"
    )
    options = certificate.client_options
    client = SSLIOStream(socket.create_connection(address), ssl_options=options, server_hostname="localhost")
    await ask(client)
    [(_, info)] = server.seen
    assert info is not None
    assert info.tls is not None
    assert info.tls.version == "TLSv1.3"
    assert (info.tls.has_certificate, info.tls.verified) == (False, False)
    assert info.authority == "localhost"
    client.close()
    await server.drain()


@pytest.mark.haproxy
async def test_health_checks_of_haproxys_are_served_as_its_own(io_loop: IOLoop, haproxy: HAProxy) -> None:
    server = Echo()
    address = haproxy.start(server.port, "send-proxy-v2 check-send-proxy check inter 20ms")
    client = IOStream(socket.create_connection(address))
    await ask(client)
    while all(info is None or info.source is not None for _, info in server.seen):
        await _wait(io_loop, 0.01)
    checks = [seen for seen, info in server.seen if info is not None and info.source is None]
    assert {seen[0] for seen in checks} == {"127.0.0.1"}
    client.close()
    server.stop()


@pytest.mark.haproxy
async def test_a_request_through_haproxy_is_its_clients_and_https(
    io_loop: IOLoop, haproxy: HAProxy, pem: Path, certificate: CertificateFiles
) -> None:
    def tell(request: HTTPServerRequest) -> None:
        body = f"{request.protocol} {request.remote_ip}".encode()
        headers = HTTPHeaders({"Content-Length": str(len(body))})
        request.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
        request.connection.finish()

    server = HTTPServer(tell, proxy_protocol=ProxyProtocol(["127.0.0.1"]))
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    address = haproxy.start(sock.getsockname()[1], "send-proxy-v2-ssl", f"ssl crt {pem}")
    raw = socket.create_connection(address, source_address=("127.0.0.9", 0))
    client = SSLIOStream(raw, ssl_options=certificate.client_options, server_hostname="localhost")
    await client.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await client.read_until_close()).endswith(b"\r\n\r\nhttps 127.0.0.9")
    client.close()
    await server.drain()


@pytest.mark.nginx
async def test_the_client_of_nginx_is_the_client(io_loop: IOLoop, nginx: Nginx) -> None:
    server = Echo()
    address = nginx.start(server.port)
    client = IOStream(socket.create_connection(address, source_address=("127.0.0.9", 0)))
    await ask(client)
    [(seen, info)] = server.seen
    assert info is not None
    assert seen == info.source == client.socket.getsockname()
    assert info.destination == address
    client.close()
    await server.drain()


@pytest.mark.nginx
async def test_tls_goes_through_nginx_right_behind_its_header(
    io_loop: IOLoop, nginx: Nginx, certificate: CertificateFiles
) -> None:
    server = Echo(certificate.server_options)
    raw = socket.create_connection(nginx.start(server.port))
    client = SSLIOStream(raw, ssl_options=certificate.client_options, server_hostname="localhost")
    await ask(client)
    [(seen, _)] = server.seen
    assert seen == client.socket.getsockname()
    client.close()
    await server.drain()


@pytest.mark.nginx
async def test_a_client_of_nginx_without_an_address_is_served_as_nginx(io_loop: IOLoop, nginx: Nginx) -> None:
    server = Echo()
    nginx.start(server.port)
    client = IOStream(await nginx.connect_by_path(io_loop))
    await ask(client)
    [(seen, info)] = server.seen
    assert info is not None
    assert info.source is None
    assert seen == info.peer
    client.close()
    await server.drain()


async def _wait(io_loop: IOLoop, seconds: float) -> None:
    later: Promise[None] = io_loop.create_future()
    io_loop.call_later(seconds, later.set_result, None)
    await later
