"""Transforms of responses: when they compress, with what, and that it reads back."""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.web import Application, ContentEncoding, GZipContentEncoding, OutputTransform, RequestHandler, SettingError
from eyewall.web.testing import AppClient, AppResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.httpserver import HTTPHeaders

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
TEXT = "the quick brown fox jumps over the lazy dog " * 50


class Page(RequestHandler):
    def get(self) -> None:
        self.write(TEXT)

    head = get


def client(handler: type[RequestHandler] = Page, **settings: Any) -> AppClient:
    settings.setdefault("compress_response", True)
    return AppClient(Application([("/", handler)], **settings))


async def get(accept: str | None = "gzip", **settings: Any) -> AppResponse:
    headers = {} if accept is None else {"Accept-Encoding": accept}
    return await client(**settings).get("/", headers=headers)


async def written(write: Callable[[RequestHandler], object], accept: str = "gzip") -> AppResponse:
    class Handler(RequestHandler):
        def get(self) -> None:
            write(self)

    return await client(Handler).get("/", headers={"Accept-Encoding": accept})


async def test_text_is_compressed_for_who_takes_it() -> None:
    response = await get()
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Length"] == str(len(response.body))
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Etag"].startswith('W/"')
    assert gzip.decompress(response.body) == TEXT.encode()


async def test_without_the_setting_nothing_is() -> None:
    response = await get(compress_response=False)
    assert ("Content-Encoding" in response.headers, "Vary" in response.headers) == (False, False)


@pytest.mark.parametrize(
    "accept", [None, "", "identity", "gzip;q=0", "gzip;q=nonsense", "gzip;q=0.5, identity;q=1", "zip"]
)
async def test_who_does_not_take_it_gets_it_as_it_is(accept: str | None) -> None:
    response = await get(accept)
    assert (response.headers.get("Content-Encoding"), response.text) == (None, TEXT)
    assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accept", ["*", "GZIP", "deflate, gzip;q=0.1", "br;q=0, zstd;q=0, *", "gzip ; q=1"])
async def test_a_client_may_say_it_in_many_ways(accept: str) -> None:
    response = await get(accept, compress_response=False, transforms=[GZipContentEncoding])
    assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("accept", "chosen"), [("gzip, br, zstd", "zstd"), ("gzip, br", "br"), ("br;q=0.5, gzip", "gzip")]
)
async def test_the_coding_that_the_client_likes_best_is_taken(accept: str, chosen: str) -> None:
    brotli, zstd = pytest.importorskip("brotli"), pytest.importorskip(ZSTD)
    response = await get(accept)
    assert response.headers["Content-Encoding"] == chosen
    read: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "br": brotli.decompress,
        "zstd": zstd.decompress,
    }
    assert read[chosen](response.body) == TEXT.encode()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_what_is_flushed_can_be_read_at_once(coding: str) -> None:
    if coding != "gzip":
        pytest.importorskip({"br": "brotli", "zstd": ZSTD}[coding])
    pieces: list[bytes] = []

    class Keep(OutputTransform):
        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            pieces.append(chunk)
            return status_code, headers, chunk

        def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
            pieces.append(chunk)
            return chunk

    class Slow(RequestHandler):
        async def get(self) -> None:
            for word in ("one", "two", "three"):
                self.write(word)
                await self.flush()

    response = await client(Slow, transforms=[ContentEncoding, Keep]).get("/", headers={"Accept-Encoding": coding})
    assert "Content-Length" not in response.headers
    decompress = decompressor(coding)
    assert [decompress(piece) for piece in pieces] == [b"one", b"two", b"three", b""]


def decompressor(coding: str) -> Callable[[bytes], bytes]:
    if coding == "gzip":
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress
    if coding == "br":
        read: Callable[[bytes], bytes] = pytest.importorskip("brotli").Decompressor().process
    else:
        read = pytest.importorskip(ZSTD).ZstdDecompressor().decompress
    return read


def header(name: str, value: str) -> Callable[[RequestHandler], None]:
    def write(handler: RequestHandler) -> None:
        handler.set_header(name, value)
        handler.write(TEXT)

    return write


async def test_what_is_short_or_no_text_or_encoded_or_not_to_be_touched_is_left() -> None:
    assert "Content-Encoding" not in (await written(lambda handler: handler.write("short"))).headers
    assert "Content-Encoding" not in (await written(header("Content-Type", "image/png"))).headers
    assert "Content-Encoding" not in (await written(header("Cache-Control", "no-transform"))).headers
    assert (await written(header("Content-Encoding", "mine"))).headers.get_list("Content-Encoding") == ["mine"]
    for content_type in ("application/json; charset=UTF-8", "image/svg+xml", "TEXT/CSV"):
        assert (await written(header("Content-Type", content_type))).headers["Content-Encoding"] == "gzip"


async def test_vary_is_added_to_and_not_written_twice() -> None:
    for before, after in (("Cookie", "Cookie, Accept-Encoding"), ("accept-encoding", "accept-encoding"), ("*", "*")):
        response = await written(header("Vary", before))
        assert response.headers["Vary"] == after


async def test_a_head_tells_what_a_get_would() -> None:
    app = client()
    got = await app.get("/", headers={"Accept-Encoding": "gzip"})
    told = await app.head("/", headers={"Accept-Encoding": "gzip"})
    assert (told.body, told.headers["Content-Length"]) == (b"", got.headers["Content-Length"])


async def test_a_tag_given_with_a_compressed_answer_is_honoured() -> None:
    app = client()
    etag = (await app.get("/", headers={"Accept-Encoding": "gzip"})).headers["Etag"]
    response = await app.get("/", headers={"Accept-Encoding": "gzip", "If-None-Match": etag})
    assert (response.code, response.body) == (304, b"")
    assert "Content-Encoding" not in response.headers


async def test_a_response_without_a_body_is_not_given_one() -> None:
    response = await written(lambda handler: handler.set_status(204))
    assert (response.code, response.body, response.headers.get("Content-Encoding")) == (204, b"", None)


async def test_transforms_of_ones_own_run_in_their_order() -> None:
    class Add(OutputTransform):
        letter = "a"

        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            headers.pop("Content-Length", None)
            headers["X-Letters"] = headers.get("X-Letters", "") + self.letter
            return 203, headers, chunk + self.letter.encode()

    class AddB(Add):
        letter = "b"

    class Plain(RequestHandler):
        def get(self) -> None:
            self.set_header("X-Mine", "yes")
            self.write("body:")

    app = Application([("/", Plain)], transforms=[Add])
    app.add_transform(AddB)
    headers = (await AppClient(app).get("/")).headers
    response = await AppClient(app).get("/")
    assert (response.code, response.text, headers["X-Letters"]) == (203, "body:ab", "ab")


def test_transforms_that_are_none_are_refused() -> None:
    wrong: Any = "gzip"
    with pytest.raises(SettingError, match="transforms is 'gzip'"):
        Application(transforms=wrong)
