"""Clients that behave: every kind of request and answer, by sockets, curl, httpx and Tornado's client."""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import TYPE_CHECKING

import pytest
import tornado.httpclient
import tornado.ioloop
from wire import request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from target import Target

LARGE = 20_000_000
HELLO = b"Hello, world!"


@pytest.fixture(scope="module")
def large() -> bytes:
    """What /download gives for this size."""
    return random.Random(LARGE).randbytes(LARGE)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_connection_is_kept_for_many_requests(target: Target) -> None:
    with target.connect() as wire:
        for _ in range(100):
            answer = wire.ask("/")
            assert (answer.status, answer.body) == (200, HELLO)
            assert "connection" not in answer.fields


def test_connection_close_closes(target: Target) -> None:
    with target.connect() as wire:
        answer = wire.ask("/", "Connection: close")
        assert (answer.body, answer.fields["connection"], wire.rest()) == (HELLO, "close", b"")


def test_http_1_0_closes_unless_it_asks_to_keep_alive(target: Target) -> None:
    with target.connect() as wire:
        kept = wire.ask("/", "Connection: keep-alive", version="HTTP/1.0")
        assert (kept.body, kept.fields["connection"].lower()) == (HELLO, "keep-alive")
        assert wire.ask("/", version="HTTP/1.0").body == HELLO
        assert wire.rest() == b""


def test_http_1_0_gets_a_body_of_unknown_length_without_chunks(target: Target) -> None:
    with target.connect() as wire:
        answer = wire.ask("/download/200000/chunked", "Connection: keep-alive", version="HTTP/1.0")
        assert "transfer-encoding" not in answer.fields
        assert "content-length" not in answer.fields
        assert answer.body == random.Random(200_000).randbytes(200_000)


def test_requests_in_a_pipeline_are_answered_in_order(target: Target) -> None:
    sizes = [0, 5, 70_000, 1, 200_000, 3]
    with target.connect() as wire:
        wire.send(b"".join(request(f"/download/{size}/chunked") for size in sizes))
        assert [len(wire.answer().body) for _ in sizes] == sizes


def test_head_is_answered_like_get_without_the_body(target: Target) -> None:
    with target.connect() as wire:
        head, get = wire.ask("/", method="HEAD"), wire.ask("/")
        assert head.fields["content-length"] == get.fields["content-length"] == str(len(HELLO))
        head, get = (wire.ask("/static/style.css", method=method) for method in ("HEAD", "GET"))
        assert {**head.fields, "date": ""} == {**get.fields, "date": ""}
        assert (head.body, get.body) == (b"", b"body { color: #123; }\n")


def test_a_request_in_chunks_is_put_together(target: Target) -> None:
    with target.connect() as wire:
        wire.send(request("/upload", "Transfer-Encoding: chunked", method="PUT"))
        for piece in (b"4\r\nWiki\r\n", b"6;q=1\r\npedia \r\n", b"0\r\n", b"X-Trailer: ignored\r\n\r\n"):
            wire.send(piece)
        assert json.loads(wire.answer().body) == {"size": 10, "sha256": sha256(b"Wikipedia ")}
        assert wire.ask("/").body == HELLO


def test_100_continue_is_sent_before_the_body_is_waited_for(target: Target) -> None:
    with target.connect() as wire:
        wire.send(request("/upload", "Expect: 100-continue", "Content-Length: 4", method="PUT"))
        assert wire.answer().status == 100
        wire.send(b"body")
        assert json.loads(wire.answer().body)["size"] == 4


def test_a_request_that_arrives_byte_by_byte_holds_up_nobody(target: Target) -> None:
    with target.connect() as slow, target.connect() as quick:
        for byte in request("/", method="POST", body=b"name=a%20slow%20client"):
            slow.send(bytes([byte]))
            assert quick.ask("/").body == HELLO
        # Not a form by its type, so there is no such argument; what counts is that it was read to its end.
        assert slow.answer().status == 400
        assert slow.ask("/").body == HELLO


@pytest.mark.parametrize("how", ["chunked", "length", "whole"])
def test_a_client_that_does_not_read_holds_up_nobody_and_misses_nothing(target: Target, large: bytes, how: str) -> None:
    with target.connect() as slow, target.connect() as quick:
        slow.send(request(f"/download/{LARGE}/{how}"))
        assert [quick.ask("/").body for _ in range(20)] == [HELLO] * 20
        answer = slow.answer()
        assert ("transfer-encoding" in answer.fields) == (how == "chunked")
        assert sha256(answer.body) == sha256(large)
        assert slow.ask("/").body == HELLO


def test_20_megabytes_are_uploaded_whole_and_in_chunks(target: Target, large: bytes) -> None:
    expected = {"size": LARGE, "sha256": sha256(large)}
    with target.httpx() as client:
        assert client.put("/upload", content=large).json() == expected
        assert client.put("/upload", content=pieces(large)).json() == expected


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 100_000):
        yield data[start : start + 100_000]


def test_20_megabytes_are_downloaded(target: Target, large: bytes) -> None:
    with target.httpx() as client:
        assert sha256(client.get(f"/download/{LARGE}/chunked").content) == sha256(large)


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(target: Target) -> None:
    with target.connect() as wire:
        wire.send(request("/upload", "Content-Length: 1000000000", method="PUT"))
        answer = wire.answer()
        assert (answer.status, answer.fields["connection"]) == (413, "close")


def test_what_is_no_http_is_answered_400_and_cut(target: Target) -> None:
    with target.connect() as wire:
        wire.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        answer = wire.answer()
        assert (answer.status, answer.fields["connection"], wire.rest()) == (400, "close", b"")


@pytest.mark.curl
def test_curl_speaks_http_1_1_and_uses_a_connection_twice(target: Target) -> None:
    done = target.curl("/", "--http1.1", "--verbose", target.url + "/static/style.css")
    assert sorted(done.stdout) == sorted(HELLO + b"body { color: #123; }\n")
    talk = done.stderr.decode()
    assert "< HTTP/1.1 200 OK" in talk
    assert re.search(r"Re-using existing connection", talk)
    assert "error" not in talk.lower()


@pytest.mark.curl
def test_curl_uploads_with_100_continue_and_downloads_with_checksums(
    target: Target, large: bytes, tmp_path: Path
) -> None:
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(large)
    done = target.curl("/upload", "--http1.1", "--verbose", "--upload-file", str(sent), "-H", "Expect: 100-continue")
    assert json.loads(done.stdout) == {"size": LARGE, "sha256": sha256(large)}
    assert b"< HTTP/1.1 100 Continue" in done.stderr
    target.curl(f"/download/{LARGE}/length", "--http1.1", "--output", str(got))
    assert sha256(got.read_bytes()) == sha256(large)


@pytest.mark.curl
def test_curl_posts_a_form_asks_for_a_part_and_does_a_head(target: Target) -> None:
    assert json.loads(target.curl("/", "--data-urlencode", "name=Ada & co").stdout) == {"name": "Ada & co"}
    assert target.curl("/static/style.css", "--range", "0-3").stdout == b"body"
    assert b"Content-Length: 13\r\n" in target.curl("/", "--head").stdout


def test_httpx_gets_posts_and_keeps_its_connection(target: Target) -> None:
    with target.httpx() as client:
        assert client.get("/").text == "Hello, world!"
        assert client.post("/", data={"name": "Ada"}).json() == {"name": "Ada"}
        assert client.get("/nowhere").status_code == 404
        assert client.request("DELETE", "/").status_code == 405
        assert client.head("/").headers["content-length"] == "13"


def test_tornados_client_gets_posts_and_streams(target: Target, large: bytes) -> None:
    if target.path:
        pytest.skip("Tornado's client connects by TCP only")
    url = target.url.replace("127.0.0.1", "localhost")
    received: list[bytes] = []

    async def talk() -> None:
        client = tornado.httpclient.AsyncHTTPClient(force_instance=True)
        certificate = target.certificate
        ca_certs = certificate.certfile if certificate else None
        try:
            assert (await client.fetch(url + "/", ca_certs=ca_certs)).body == HELLO
            answer = await client.fetch(url + "/", method="POST", body="name=Ada", ca_certs=ca_certs)
            assert json.loads(answer.body) == {"name": "Ada"}
            await client.fetch(f"{url}/download/{LARGE}/chunked", streaming_callback=received.append, ca_certs=ca_certs)
        finally:
            client.close()

    loop = tornado.ioloop.IOLoop(make_current=False)
    try:
        loop.run_sync(talk)
    finally:
        loop.close()
    assert sha256(b"".join(received)) == sha256(large)
