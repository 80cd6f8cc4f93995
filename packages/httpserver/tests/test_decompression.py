"""Compressed requests: what a server undoes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import gzip
import logging
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServer, HTTPServerRequest, Limits, ResponseStartLine
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop

TEXT = b"0123456789" * 20_000


@lru_cache
def compress(coding: str, data: bytes) -> bytes:
    """Compress once what is sent on every backend."""
    if coding in {"gzip", "x-gzip"}:
        return gzip.compress(data)
    if coding == "deflate":
        return zlib.compress(data)
    if coding == "br":
        brotli = pytest.importorskip("brotli")
        compressed: bytes = brotli.compress(data)
        return compressed
    zstd = pytest.importorskip("backports.zstd")
    packed: bytes = zstd.compress(data)
    return packed


def answer(request: HTTPServerRequest) -> None:
    """Say what came, and which coding it is said to have and to have had."""
    seen = [request.headers.get(name) for name in ("Content-Encoding", "X-Consumed-Content-Encoding")]
    body = f"{seen[0]} {seen[1]} ".encode() + request.body
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    request.connection.finish()


async def post(io_loop: IOLoop, coding: str, body: bytes, *, chunks: int = 1, **options: object) -> tuple[int, bytes]:
    """Send a body, in so many chunks; give the status and the body of the answer."""
    options = {"decompress_request": True, **options}
    server = HTTPServer(answer, io_loop=io_loop, **options)  # type: ignore[arg-type]  # each test knows its options
    client = connect(server, io_loop=io_loop)
    size = len(body) // chunks or 1
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    client.write_nowait(
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: {coding}\r\n".encode()
        + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        + framed
        + b"0\r\n\r\n"
    )
    head, _, received = (await client.read_until_close()).partition(b"\r\n\r\n")
    await server.close_all_connections()
    return int(head[9:12]), received


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "br", "zstd"])
@pytest.mark.parametrize("chunks", [1, 50])
async def test_a_compressed_body_is_decompressed(io_loop: IOLoop, coding: str, chunks: int) -> None:
    body = compress(coding.lower(), TEXT)
    assert await post(io_loop, coding, body, chunks=chunks) == (200, f"None {coding} ".encode() + TEXT)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_body_that_decompresses_to_nothing_is_empty(io_loop: IOLoop, coding: str) -> None:
    assert await post(io_loop, coding, compress(coding, b"")) == (200, f"None {coding} ".encode())
    assert await post(io_loop, coding, b"") == (200, f"None {coding} ".encode())


async def test_a_gzip_body_may_have_members(io_loop: IOLoop) -> None:
    body = gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b")
    for chunks in (1, len(body)):
        assert await post(io_loop, "gzip", body, chunks=chunks) == (200, b"None gzip ab")


async def test_a_gzip_body_has_not_too_many_members(io_loop: IOLoop) -> None:
    assert (await post(io_loop, "gzip", gzip.compress(b"") * 1000))[0] == 200
    assert (await post(io_loop, "gzip", gzip.compress(b"") * 1001))[0] == 400


@pytest.mark.parametrize("coding", ["identity", "compress", "gzip, gzip", "gzip, br", ""])
async def test_a_coding_that_is_not_known_is_left_to_whom_it_is_for(io_loop: IOLoop, coding: str) -> None:
    assert await post(io_loop, coding, b"abc") == (200, f"{coding} None abc".encode())


async def test_a_client_cannot_say_that_something_was_decompressed(io_loop: IOLoop) -> None:
    assert await post(io_loop, "identity\r\nX-Consumed-Content-Encoding: gzip", b"abc") == (200, b"identity None abc")


async def test_nothing_is_decompressed_unless_asked_for(io_loop: IOLoop) -> None:
    body = compress("gzip", b"abc")
    assert await post(io_loop, "gzip", body, decompress_request=False) == (200, b"gzip None " + body)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("chunks", [1, 5])
async def test_a_body_that_is_no_such_data_is_refused(
    io_loop: IOLoop, coding: str, chunks: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    whole = compress(coding, TEXT)
    for body in (whole[:-1], whole[: len(whole) // 2], whole + b"\0", b"no such data at all"):
        caplog.clear()
        assert (await post(io_loop, coding, body, chunks=chunks))[0] == 400
        assert "invalid" in caplog.text


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_bomb_is_refused_before_it_fills_the_memory(
    io_loop: IOLoop, coding: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    bomb = compress(coding, b"\0" * (8 * 1024 * 1024))
    for options, message in (
        ({}, "max_decompression_ratio is 100"),
        ({"limits": Limits(max_decompressed_size=10_000)}, "max_decompressed_size, 10000"),
        ({"max_body_size": 10_000}, "max_body_size is 10000"),
    ):
        caplog.clear()
        assert (await post(io_loop, coding, bomb, **options))[0] == 413
        assert message in caplog.text


async def test_what_compresses_well_but_is_small_is_no_bomb(io_loop: IOLoop) -> None:
    status, body = await post(io_loop, "gzip", compress("gzip", b"\0" * 1024 * 1024))
    assert (status, len(body)) == (200, 1024 * 1024 + len("None gzip "))


@pytest.mark.parametrize(("coding", "extra"), [("br", "brotli"), ("zstd", "zstd")])
async def test_the_extra_that_a_coding_needs_is_named_where_it_is_not_there(
    io_loop: IOLoop, coding: str, extra: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.httpserver")
    for module in ("brotli", "compression", "compression.zstd", "backports", "backports.zstd"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    assert (await post(io_loop, coding, b"abc"))[0] == 415
    assert f"needs eyewall-httpserver[{extra}]" in caplog.text
