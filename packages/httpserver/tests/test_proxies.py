"""What proxies say of their clients, and who is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServer, HTTPServerRequest, ResponseStartLine
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Address

PROXY = ("192.0.2.1", 49152)


def answer(request: HTTPServerRequest) -> None:
    body = f"{request.remote_ip} {request.protocol}".encode()
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    request.connection.finish()


async def ask(
    io_loop: IOLoop,
    *fields: str,
    xheaders: bool | Iterable[str] = True,
    trusted_downstream: Iterable[str] | None = None,
    address: Address = PROXY,
) -> str:
    """Ask twice on one connection, first with the fields and then without; give what the server took each for."""
    server = HTTPServer(answer, io_loop=io_loop, xheaders=xheaders, trusted_downstream=trusted_downstream)
    client = connect(server, address=address, io_loop=io_loop)
    lines = "".join(f"{field}\r\n" for field in fields)
    client.write_nowait(f"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
    client.write_nowait(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answers = (await client.read_until_close()).split(b"HTTP/1.1 200 OK")
    await server.close_all_connections()
    first, second = (received.rpartition(b"\r\n")[2].decode() for received in answers[1:])
    assert second.split()[0] in {PROXY[0], "0.0.0.0"}, "a request knows nothing of the one before"
    return first


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ((), "192.0.2.1 http"),
        (("X-Real-Ip: 4.4.4.4",), "4.4.4.4 http"),
        (("X-Real-Ip: 2620:0:1cfe:face:b00c::3",), "2620:0:1cfe:face:b00c::3 http"),
        (("X-Forwarded-For: 127.0.0.1, 4.4.4.4",), "4.4.4.4 http"),
        (("X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 4.4.4.4"), "4.4.4.4 http"),
        (("X-Real-Ip: 4.4.4.4", "X-Forwarded-For: 5.5.5.5"), "4.4.4.4 http"),
        (("X-Real-Ip: 4.4.4.4", "X-Real-Ip: 5.5.5.5"), "192.0.2.1 http"),
        (("X-Real-Ip: 4.4.4.4<script>",), "192.0.2.1 http"),
        (("X-Forwarded-For: 4.4.4.4, 5.5.5.5<script>",), "192.0.2.1 http"),
        (("X-Real-Ip: fe80::1%eth0.1",), "fe80::1%eth0.1 http"),
        (("X-Real-Ip: fe80::1%<script>",), "192.0.2.1 http"),
        (("X-Forwarded-For: ::ffff:4.4.4.4%a b",), "192.0.2.1 http"),
        (("X-Real-Ip: www.example.org",), "192.0.2.1 http"),
        (("X-Forwarded-For: ,",), "192.0.2.1 http"),
        (("X-Scheme: https",), "192.0.2.1 https"),
        (("X-Forwarded-Proto: https",), "192.0.2.1 https"),
        (("X-Forwarded-Proto: http , https",), "192.0.2.1 https"),
        (("X-Forwarded-Proto: https,http",), "192.0.2.1 http"),
        (("X-Scheme: https", "X-Forwarded-Proto: http"), "192.0.2.1 https"),
        (("X-Scheme: gopher",), "192.0.2.1 http"),
    ],
)
async def test_a_proxy_says_who_its_client_is(io_loop: IOLoop, fields: tuple[str, ...], seen: str) -> None:
    assert await ask(io_loop, *fields) == seen


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("4.4.4.4, 5.5.5.5", "4.4.4.4"),
        ("4.4.4.4, 10.1.2.3, 5.5.5.5, ::ffff:10.0.0.1", "4.4.4.4"),
        ("10.1.2.3, 5.5.5.5", "10.1.2.3"),
        ("5.5.5.5, 4.4.4.4", "4.4.4.4"),
    ],
)
async def test_trusted_proxies_further_on_are_passed_over(io_loop: IOLoop, forwarded: str, client: str) -> None:
    downstream = ["5.5.5.5", "10.0.0.0/8"]
    assert await ask(io_loop, f"X-Forwarded-For: {forwarded}", trusted_downstream=downstream) == f"{client} http"


@pytest.mark.parametrize(
    ("proxies", "address", "believed"),
    [
        (["192.0.2.1"], PROXY, True),
        (["192.0.2.0/24"], PROXY, True),
        (["192.0.2.2", "2001:db8::/32"], PROXY, False),
        (["192.0.2.1"], ("::ffff:192.0.2.1", 1, 0, 0), True),
        (["unix"], "/run/proxy.sock", True),
        (["unix"], PROXY, False),
        (["192.0.2.1"], "/run/proxy.sock", False),
    ],
)
async def test_only_the_given_proxies_are_believed(
    io_loop: IOLoop, proxies: list[str], address: Address, believed: bool
) -> None:
    server_sees = "4.4.4.4 https"
    fields = ("X-Real-Ip: 4.4.4.4", "X-Scheme: https")
    server = HTTPServer(answer, io_loop=io_loop, xheaders=proxies)
    client = connect(server, address=address, io_loop=io_loop)
    client.write_nowait(
        f"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields[0]}\r\n{fields[1]}\r\n\r\n".encode()
    )
    received = (await client.read_until_close()).rpartition(b"\r\n")[2].decode()
    await server.close_all_connections()
    assert (received == server_sees) is believed


async def test_nobody_is_believed_unless_asked_for(io_loop: IOLoop) -> None:
    assert await ask(io_loop, "X-Real-Ip: 4.4.4.4", "X-Scheme: https", xheaders=False) == "192.0.2.1 http"


def test_what_is_no_address_of_a_proxy_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="xheaders: 'proxy' does not appear to be an IPv4 or IPv6 network; give "):
        HTTPServer(answer, xheaders=["proxy"])
    with pytest.raises(ValueError, match=r"trusted_downstream: 10\.0\.0\.1/8 has host bits set; give "):
        HTTPServer(answer, xheaders=True, trusted_downstream=["10.0.0.1/8"])
    with pytest.raises(TypeError, match=r"xheaders is '10\.0\.0\.1': give a list of addresses"):
        HTTPServer(answer, xheaders="10.0.0.1")
