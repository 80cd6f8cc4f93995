"""Static files in memory and from the disk: what is kept, for how long, and when that steps aside."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServer, RequestStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.iostream import StreamClosedError
from eyewall.tcpserver.testing import connect
from eyewall.web import CORS, Application, ContentEncoding, RouteError, SettingError, StaticFileHandler
from eyewall.web._codings import Compressor, make_compressor
from eyewall.web._static._files import OpenedFile, open_file
from eyewall.web.testing import AppClient

from ._dispatching import finish

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import IOLoop

LONG_AGO = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
KIB = 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files of the sizes that matter, old enough to be trusted."""
    for name, size in {"small.txt": 4 * KIB, "limit": 64 * KIB, "large": 64 * KIB + 1, "empty": 0}.items():
        write(tmp_path / name, os.urandom(size))
    return tmp_path


def write(path: Path, content: bytes, modified: int = LONG_AGO) -> None:
    path.write_bytes(content)
    os.utime(path, (modified, modified))


class Clock:
    """Makes every request come so much later than it does, in seconds."""

    later = 0.0


def clocked(clock: Clock) -> type[StaticFileHandler]:
    class Clocked(StaticFileHandler):
        def prepare(self) -> None:
            self.request.start_time += clock.later

    return Clocked


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were opened, as they are opened."""
    paths: list[str] = []

    def noting(path: str) -> OpenedFile:
        paths.append(path.rpartition("/")[2])
        return open_file(path)

    monkeypatch.setattr("eyewall.web._static._handler.open_file", noting)
    # Files of a test are new, and those are not taken for settled: pretend that they are older.
    monkeypatch.setattr("eyewall.web._static._cache._SETTLED_NS", -(10**18))
    return paths


@pytest.mark.parametrize(("name", "times"), [("small.txt", 1), ("limit", 1), ("empty", 1), ("large", 3)])
async def test_a_file_of_up_to_64_kib_is_read_once(root: Path, opened: list[str], name: str, times: int) -> None:
    client = AppClient(Application(static_path=root))
    answers = [await client.get(f"/static/{name}") for _ in range(3)]
    assert all(answer.body == (root / name).read_bytes() for answer in answers)
    assert answers[0].headers == answers[1].headers == answers[2].headers
    assert opened == [name] * times


async def test_the_second_answer_is_one_send(io_loop: IOLoop, root: Path) -> None:
    app = Application(static_path=root)
    await AppClient(app).get("/static/small.txt")
    connection = RecordingConnection(io_loop)
    delegate = app.start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/static/small.txt", "HTTP/1.1"), HTTPHeaders())
    assert delegate.finish() is None
    assert (connection.chunks, connection.finished) == ([(root / "small.txt").read_bytes()], True)


async def test_a_file_that_changes_is_seen_after_a_second_and_not_before(root: Path, opened: list[str]) -> None:
    clock = Clock()
    client = AppClient(Application(static_path=root, static_handler_class=clocked(clock)))
    old = await client.get("/static/small.txt")
    write(root / "small.txt", b"new")
    assert (await client.get("/static/small.txt")).body == old.body
    clock.later = 1.5
    new = await client.get("/static/small.txt")
    assert (new.body, new.headers["Content-Length"]) == (b"new", "3")
    assert new.headers["Etag"] != old.headers["Etag"]
    (root / "small.txt").unlink()
    clock.later = 3.0
    assert (await client.get("/static/small.txt")).code == 404
    assert opened == ["small.txt", "small.txt"]


async def test_a_file_that_has_not_changed_is_not_read_again(root: Path, opened: list[str]) -> None:
    clock = Clock()
    client = AppClient(Application(static_path=root, static_handler_class=clocked(clock)))
    for clock.later in (0.0, 2.0, 4.0):
        assert (await client.get("/static/small.txt")).code == 200
    assert opened == ["small.txt"]


def distrusted(path: str) -> None:
    pytest.fail(f"trusts the time of {path}")


async def test_a_file_that_was_just_written_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another write within the grain of the file system's clock would leave it with the same time.
    clock = Clock()
    client = AppClient(Application(static_path=root, static_handler_class=clocked(clock)))
    await client.get("/static/small.txt")
    monkeypatch.setattr("eyewall.web._static._cache.signature_of", distrusted)
    clock.later = 2.0
    assert (await client.get("/static/small.txt")).code == 200


async def test_a_link_that_is_turned_elsewhere_is_noticed(tmp_path: Path, opened: list[str]) -> None:
    for release in ("1", "2"):
        (tmp_path / release).mkdir()
        write(tmp_path / release / "a.txt", release.encode())
    current = tmp_path / "current"
    current.symlink_to("1")
    clock = Clock()
    client = AppClient(Application(static_path=current, static_handler_class=clocked(clock)))
    assert (await client.get("/static/a.txt")).text == "1"
    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").rename(current)
    clock.later = 2.0
    assert (await client.get("/static/a.txt")).text == "2"


async def test_the_bound_in_bytes_is_kept_and_the_least_used_goes_first(tmp_path: Path, opened: list[str]) -> None:
    for name in "abcd":
        write(tmp_path / name, bytes(60 * KIB))
    clock = Clock()
    settings: dict[str, Any] = {
        "static_path": tmp_path,
        "static_handler_class": clocked(clock),
        "static_cache_size": 200 * KIB,
    }
    app = Application(**settings)
    client = AppClient(app)
    for name in "abc":
        await client.get(f"/static/{name}")
    clock.later = 2.0
    await client.get("/static/a")
    await client.get("/static/d")
    assert len(app.static_cache) == 3
    assert app.static_cache.size <= 200 * KIB
    del opened[:]
    await client.get("/static/a")
    await client.get("/static/b")
    assert opened == ["b"]


async def test_many_names_for_nothing_leave_nothing_in_memory(root: Path) -> None:
    app = Application(static_path=root)
    for number in range(50):
        await AppClient(app).get(f"/static/{number}")
    assert (len(app.static_cache), app.static_cache.size) == (0, 0)


@pytest.mark.parametrize("settings", [{"static_cache_size": 0}, {"debug": True}])
async def test_without_a_cache_every_change_is_seen_at_once(root: Path, settings: dict[str, Any]) -> None:
    client = AppClient(Application(static_path=root, **settings))
    await client.get("/static/small.txt")
    write(root / "small.txt", b"new")
    assert (await client.get("/static/small.txt")).body == b"new"


@pytest.mark.parametrize("size", [-1, "1", True, 1.5, None])
def test_a_size_that_is_none_is_refused(root: Path, size: object) -> None:
    with pytest.raises(SettingError, match=r"static_cache_size is .*: make it a number of bytes"):
        Application(static_path=root, static_cache_size=size)


async def test_conditions_and_ranges_are_honoured_from_memory(root: Path, opened: list[str]) -> None:
    client = AppClient(Application(static_path=root))
    content = (root / "small.txt").read_bytes()
    etag = (await client.get("/static/small.txt")).headers["Etag"]
    for _ in range(2):
        assert (await client.get("/static/small.txt", headers={"If-None-Match": etag})).code == 304
        part = await client.get("/static/small.txt", headers={"Range": "bytes=1-3", "If-Range": etag})
        assert (part.code, part.body, part.headers["Content-Range"]) == (206, content[1:4], "bytes 1-3/4096")
        assert (await client.get("/static/small.txt", headers={"Range": "bytes=4096-"})).code == 416
        assert (await client.head("/static/small.txt")).headers["Content-Length"] == "4096"
        assert (await client.get("/static/small.txt")).body == content
    assert opened == ["small.txt"]


@pytest.mark.parametrize("name", ["small.txt", "large"])
async def test_a_file_that_is_not_the_one_that_is_wanted_is_412(root: Path, name: str) -> None:
    client = AppClient(Application(static_path=root))
    etag = (await client.get(f"/static/{name}")).headers["Etag"]
    for headers, code in (
        ({"If-Match": etag}, 200),
        ({"If-Match": f'"x", {etag}'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": f"W/{etag}"}, 412),
        ({"If-Match": "nonsense"}, 412),
        ({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200),
        ({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, 412),
        ({"If-Unmodified-Since": "nonsense"}, 200),
        ({"If-Match": etag, "If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, 200),
        ({"If-Match": '"x"', "If-None-Match": etag}, 412),
    ):
        assert (headers, (await client.get(f"/static/{name}", headers=headers)).code) == (headers, code)


async def test_a_large_file_is_sent_by_the_kernel_and_so_is_a_part_of_it(io_loop: IOLoop, root: Path) -> None:
    content = (root / "large").read_bytes()
    app = Application(static_path=root)
    for field, part in (("", content), ("bytes=1-65535", content[1:65536]), ("bytes=-1", content[-1:])):
        connection = FileNoting(io_loop)
        headers = HTTPHeaders({"Range": field} if field else {})
        delegate = app.start_request(object(), connection)
        delegate.headers_received(RequestStartLine("GET", "/static/large", "HTTP/1.1"), headers)
        await finish(delegate)
        assert (connection.body, connection.finished) == (part, True)
        assert connection.files == [len(part)]
        assert all(file.closed for file in connection.seen)


class FileNoting(RecordingConnection):
    """Notes the files that are written, as well."""

    def __init__(self, io_loop: IOLoop) -> None:
        super().__init__(io_loop)
        self.files: list[int | None] = []
        self.seen: list[Any] = []

    async def write_file(self, file: Any, /, offset: int = 0, count: int | None = None) -> None:
        self.files.append(count)
        self.seen.append(file)
        await super().write_file(file, offset, count)


async def test_a_large_file_is_closed_when_its_client_leaves(io_loop: IOLoop, root: Path) -> None:
    class Leaving(FileNoting):
        async def write_file(self, file: Any, /, offset: int = 0, count: int | None = None) -> None:
            self.seen.append(file)
            self.close()
            raise StreamClosedError

    connection = Leaving(io_loop)
    delegate = Application(static_path=root).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/static/large", "HTTP/1.1"), HTTPHeaders())
    with pytest.raises(StreamClosedError):
        await finish(delegate)
    assert [file.closed for file in connection.seen] == [True]


async def test_a_file_that_is_replaced_between_the_look_and_the_reading_is_told_as_it_is(root: Path) -> None:
    for name, before, after in (("large", 70_000, 80_000), ("small.txt", 4096, 10)):
        write(root / name, bytes(before))

        class Racing(StaticFileHandler):
            target = root / name
            content = os.urandom(after)

            def set_extra_headers(self, path: str) -> None:
                write(self.target, self.content)

        client = AppClient(Application(static_path=root, static_handler_class=Racing))
        answer = await client.get(f"/static/{name}")
        assert (answer.code, answer.body, answer.headers["Content-Length"]) == (200, Racing.content, str(after))
        assert (await AppClient(Application(static_path=root)).get(f"/static/{name}")).headers[
            "Etag"
        ] == answer.headers["Etag"]


async def test_steps_of_a_subclass_are_asked_each_time(root: Path, opened: list[str]) -> None:
    asked: list[str] = []

    class Mine(StaticFileHandler):
        def set_extra_headers(self, path: str) -> None:
            asked.append(path)
            self.set_header("X-Number", len(asked))

    client = AppClient(Application(static_path=root, static_handler_class=Mine))
    numbers = [(await client.get("/static/small.txt")).headers["X-Number"] for _ in range(3)]
    assert (numbers, asked, opened) == (["1", "2", "3"], ["small.txt"] * 3, ["small.txt"])


@pytest.mark.parametrize("step", ["get_absolute_path", "validate_absolute_path", "get_content"])
async def test_where_a_subclass_finds_its_files_nothing_is_kept(root: Path, step: str) -> None:
    def own(self: Any, *args: Any) -> Any:
        return b"own" if step == "get_content" else str(root / "small.txt")

    def three(self: Any) -> int:
        return 3

    wrapped: Any = classmethod(own) if step != "validate_absolute_path" else own
    members: dict[str, Any] = {step: wrapped, "get_content_size": three} if step == "get_content" else {step: wrapped}
    handler: Any = type("Mine", (StaticFileHandler,), members)
    app = Application(static_path=root, static_handler_class=handler)
    expected = b"own" if step == "get_content" else (root / "small.txt").read_bytes()
    for _ in range(2):
        assert (await AppClient(app).get("/static/empty")).body == expected
    assert len(app.static_cache) == 0


async def test_what_prepare_and_default_headers_set_is_sent_with_a_file_from_memory(root: Path) -> None:
    class Mine(StaticFileHandler):
        def set_default_headers(self) -> None:
            self.set_header("X-Default", "1")

        def prepare(self) -> None:
            if self.request.query == "cookie":
                self.set_cookie("a", "b")

    client = AppClient(Application(static_path=root, static_handler_class=Mine))
    for _ in range(3):
        assert (await client.get("/static/small.txt")).headers["X-Default"] == "1"
        assert (await client.get("/static/small.txt?cookie")).headers["Set-Cookie"].startswith("a=b")
        assert "Set-Cookie" not in (await client.get("/static/small.txt")).headers


async def test_a_version_in_the_url_lets_browsers_keep_the_file_for_ever(root: Path) -> None:
    app = Application(static_path=root)
    client = AppClient(app)
    for _ in range(3):
        versioned = await client.get(app.static_url("small.txt"))
        assert versioned.headers["Cache-Control"] == "max-age=315360000, immutable"
        assert "Expires" in versioned.headers
        for path in ("/static/small.txt", "/static/small.txt?w=1", "/static/small.txt?"):
            assert "Cache-Control" not in (await client.get(path)).headers


async def test_a_transform_changes_a_file_from_memory_and_not_what_is_kept(root: Path) -> None:
    write(root / "text.txt", b"to be or not to be " * 500)
    client = AppClient(Application(static_path=root, compress_response=True))
    for _ in range(2):
        packed = await client.get("/static/text.txt", headers={"Accept-Encoding": "gzip"})
        assert (packed.headers["Content-Encoding"], packed.body[:2]) == ("gzip", b"\x1f\x8b")
        plain = await client.get("/static/text.txt")
        assert (plain.headers.get("Content-Encoding"), len(plain.body)) == (None, 9500)
    large = await AppClient(Application(static_path=root, compress_response=True)).get(
        "/static/large", headers={"Accept-Encoding": "gzip"}
    )
    assert large.body == (root / "large").read_bytes()


@pytest.mark.parametrize("settings", [{}, {"cors": CORS("*")}])
async def test_a_file_from_memory_is_compressed_once(
    root: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    made: list[str] = []

    def noting(coding: str, level: int) -> Compressor:
        made.append(coding)
        return make_compressor(coding, level)

    monkeypatch.setattr("eyewall.web._compress.make_compressor", noting)
    write(root / "text.txt", b"to be or not to be " * 500)
    clock = Clock()
    app = Application(static_path=root, static_handler_class=clocked(clock), compress_response=True, **settings)
    client = AppClient(app)
    asks = {"Accept-Encoding": "gzip", "Origin": "https://a.example"}
    answers = [await client.get("/static/text.txt", headers=asks) for _ in range(3)]
    clock.later = 2.0
    answers += [await client.get(path, headers=asks) for path in ("/static/text.txt", "/static/text.txt?v=1")]
    assert made == ["gzip"]
    assert {gzip.decompress(answer.body) for answer in answers} == {b"to be or not to be " * 500}
    assert {answer.headers["Etag"][:3] for answer in answers} == {'W/"'}
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in answers)
    assert answers[0].headers == answers[1].headers == answers[3].headers
    assert app.static_cache.size > 9500 + len(answers[0].body)
    part = await client.get("/static/text.txt", headers={**asks, "Range": "bytes=0-3"})
    assert (part.code, part.body) == (206, b"to b")
    write(root / "text.txt", b"that is the question " * 500, LONG_AGO + 9)
    clock.later = 4.0
    assert gzip.decompress((await client.get("/static/text.txt", headers=asks)).body)[:4] == b"that"
    app.static_cache.clear()
    assert (made, app.static_cache.size) == (["gzip", "gzip"], 0)


async def test_what_a_transform_of_your_own_makes_of_a_file_is_made_each_time(root: Path, opened: list[str]) -> None:
    class Signed(ContentEncoding):
        count = 0

        def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
            Signed.count += 1
            return super().transform_chunk(chunk, finishing) + b"%d" % Signed.count

    write(root / "text.txt", b"to be or not to be " * 500)
    client = AppClient(Application(static_path=root, transforms=[Signed]))
    answers = [await client.get("/static/text.txt", headers={"Accept-Encoding": "gzip"}) for _ in range(3)]
    assert [answer.body[-1:] for answer in answers] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(("name", "sent_by_the_kernel"), [("large", True), ("large.txt", False)])
async def test_a_large_file_that_no_transform_changes_is_sent_by_the_kernel(
    io_loop: IOLoop, root: Path, name: str, sent_by_the_kernel: bool
) -> None:
    write(root / "large.txt", b"to be or not to be " * 10_000)
    settings: dict[str, Any] = {"compress_response": True, "cors": CORS("*")}
    connection = FileNoting(io_loop)
    delegate = Application(static_path=root, **settings).start_request(object(), connection)
    asks = HTTPHeaders({"Accept-Encoding": "gzip", "Origin": "https://a.example"})
    delegate.headers_received(RequestStartLine("GET", f"/static/{name}", "HTTP/1.1"), asks)
    await finish(delegate)
    assert bool(connection.files) is sent_by_the_kernel
    body = connection.body if sent_by_the_kernel else gzip.decompress(connection.body)
    assert body == (root / name).read_bytes()
    assert connection.headers is not None
    assert connection.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_default_file_from_memory_stands_for_its_folder_with_a_slash_only(root: Path) -> None:
    (root / "sub").mkdir()
    write(root / "sub" / "index.html", b"index")
    route = (r"/(sub)/?", StaticFileHandler, {"path": root, "default_filename": "index.html"})
    client = AppClient(Application([route]))
    for _ in range(2):
        assert (await client.get("/sub/")).body == b"index"
        assert (await client.get("/sub")).code == 301


async def test_two_routes_with_other_arguments_do_not_share(root: Path) -> None:
    (root / ".x").write_bytes(b"hidden")
    open_to_all = {"path": root, "hidden_files": True}
    app = Application([(r"/a/(.*)", StaticFileHandler, open_to_all), (r"/b/(.*)", StaticFileHandler, {"path": root})])
    for _ in range(2):
        assert (await AppClient(app).get("/a/.x")).body == b"hidden"
        assert (await AppClient(app).get("/b/.x")).code == 404


HIDDEN = [".env", ".git/config", "sub/.htpasswd", "%2eenv", "sub/../.env", "./.env", ".well-known/.env"]


@pytest.mark.parametrize("path", HIDDEN)
async def test_what_has_a_dot_in_front_is_not_there(root: Path, path: str) -> None:
    for name in (".env", ".git/config", "sub/.htpasswd", ".well-known/.env"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("secret")
    assert (await AppClient(Application(static_path=root)).get(f"/static/{path}")).code == 404
    arguments = {"hidden_files": True}
    shown = AppClient(Application(static_path=root, static_handler_args=arguments))
    assert (await shown.get(f"/static/{path}")).text == "secret"


async def test_the_well_known_folder_is_not_hidden(root: Path) -> None:
    (root / ".well-known").mkdir()
    (root / ".well-known" / "security.txt").write_text("mail us")
    assert (await AppClient(Application(static_path=root)).get("/static/.well-known/security.txt")).text == "mail us"


async def test_a_link_in_sight_may_lead_through_what_is_hidden(root: Path) -> None:
    # As a mounted volume of Kubernetes does.
    (root / "..data").mkdir()
    (root / "..data" / "a").write_text("mounted")
    (root / "a").symlink_to("..data/a")
    assert (await AppClient(Application(static_path=root)).get("/static/a")).text == "mounted"


@pytest.fixture
def packed(root: Path) -> Path:
    write(root / "app.js", b"plain")
    for suffix in ("br", "zst", "gz"):
        write(root / f"app.js.{suffix}", suffix.encode())
    write(root / "old.js", b"plain")
    write(root / "old.js.gz", b"stale", modified=LONG_AGO - 1)
    write(root / "linked.js", b"plain")
    (root / "linked.js.gz").symlink_to("/etc/passwd")
    return root


@pytest.mark.parametrize(
    ("accept", "body", "coding"),
    [
        ("gzip, deflate, br, zstd", b"br", "br"),
        ("gzip", b"gz", "gzip"),
        ("gzip;q=0.5, zstd;q=0.8", b"zst", "zstd"),
        ("br;q=0, *;q=0.1", b"zst", "zstd"),
        ("br;q=0.1, identity;q=0.5", b"plain", None),
        ("gzip;q=0", b"plain", None),
        ("", b"plain", None),
        ("deflate", b"plain", None),
        ("gzip;q=nonsense", b"plain", None),
    ],
)
async def test_a_compressed_sibling_is_sent_to_who_likes_it_best(
    packed: Path, accept: str, body: bytes, coding: str | None
) -> None:
    client = AppClient(Application(static_path=packed, static_handler_args={"precompressed": True}))
    for _ in range(2):
        answer = await client.get("/static/app.js", headers={"Accept-Encoding": accept})
        assert (answer.body, answer.headers.get("Content-Encoding")) == (body, coding)
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Content-Length"] == str(len(body))
        head = await client.head("/static/app.js", headers={"Accept-Encoding": accept})
        assert head.headers == answer.headers


async def test_each_coding_has_an_entity_tag_of_its_own(packed: Path) -> None:
    client = AppClient(Application(static_path=packed, static_handler_args={"precompressed": True}))
    accepts = ("br", "zstd", "gzip", "identity")
    tags = [
        (await client.get("/static/app.js", headers={"Accept-Encoding": accept})).headers["Etag"] for accept in accepts
    ]
    assert len(set(tags)) == 4
    for accept, tag in zip(accepts, tags, strict=True):
        answer = await client.get("/static/app.js", headers={"Accept-Encoding": accept, "If-None-Match": tag})
        assert (answer.code, answer.headers["Vary"]) == (304, "Accept-Encoding")
    part = await client.get("/static/app.js", headers={"Accept-Encoding": "gzip", "Range": "bytes=1-1"})
    assert (part.code, part.body, part.headers["Content-Encoding"]) == (206, b"z", "gzip")
    outside = await client.get("/static/app.js", headers={"Accept-Encoding": "gzip", "Range": "bytes=9-"})
    assert (outside.code, outside.headers.get("Content-Encoding")) == (416, None)


@pytest.mark.parametrize("name", ["old.js", "linked.js", "small.txt"])
async def test_a_sibling_that_is_stale_or_a_link_is_not_sent(packed: Path, name: str) -> None:
    client = AppClient(Application(static_path=packed, static_handler_args={"precompressed": True}))
    answer = await client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
    assert (answer.body, "Content-Encoding" in answer.headers) == ((packed / name).read_bytes(), False)
    assert "Vary" not in answer.headers


async def test_siblings_are_sent_only_where_that_is_asked_for(packed: Path) -> None:
    answer = await AppClient(Application(static_path=packed)).get("/static/app.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.body, "Vary" in answer.headers) == (b"plain", False)


async def test_a_sibling_that_comes_or_goes_is_noticed(packed: Path, opened: list[str]) -> None:
    clock = Clock()
    app = Application(
        static_path=packed, static_handler_class=clocked(clock), static_handler_args={"precompressed": True}
    )
    client = AppClient(app)
    bodies: list[bytes] = []
    sibling = packed / "app.js.gz"
    for content in (b"gz", None, b"again"):
        if content is None:
            sibling.unlink()
        else:
            write(sibling, content)
        bodies.append((await client.get("/static/app.js", headers={"Accept-Encoding": "gzip"})).body)
        clock.later += 2
    assert bodies == [b"gz", b"plain", b"again"]


def test_a_folder_that_is_not_there_is_an_error_at_the_start(root: Path) -> None:
    with pytest.raises(SettingError, match=r"static_path is .*: there is no .*/none': make the folder first"):
        Application(static_path=root / "none")
    with pytest.raises(RouteError, match=r"route .*: there is no .*/none': make the folder first"):
        Application([(r"/(.*)", StaticFileHandler, {"path": root / "none"})])
    with pytest.raises(RouteError, match="/empty' is not a folder: give the path of one"):
        Application([(r"/(.*)", StaticFileHandler, {"path": root / "empty"})])
    with pytest.raises(RouteError, match="the path is 7: make it the path of a folder"):
        Application([(r"/(.*)", StaticFileHandler, {"path": 7})])


async def test_who_finds_files_elsewhere_needs_no_folder() -> None:
    class Elsewhere(StaticFileHandler):
        @classmethod
        def get_absolute_path(cls, root: str, path: str) -> str:
            return root + path

        def validate_absolute_path(self, root: str, absolute_path: str) -> str:
            return absolute_path

        @classmethod
        def get_content(cls, abspath: str, start: int | None = None, end: int | None = None) -> bytes:
            return abspath.encode()[start:end]

        def get_content_size(self) -> int:
            return len(self.absolute_path or "")

        def get_modified_time(self) -> None:
            return None

    app = Application([(r"/(.*)", Elsewhere, {"path": "memory:"})])
    assert (await AppClient(app).get("/a.txt")).text == "memory:a.txt"
    part = await AppClient(app).get("/a.txt", headers={"Range": "bytes=0-5"})
    assert (part.code, part.text) == (206, "memory")


async def test_a_file_over_a_stream_is_followed_by_the_next_answer(io_loop: IOLoop, root: Path) -> None:
    server = HTTPServer(Application(static_path=root), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    names = ["small.txt", "small.txt", "large", "limit", "limit", "small.txt"]
    requests = [f"GET /static/{name} HTTP/1.1\r\nHost: a\r\n\r\n" for name in names]
    client.write_nowait("".join(requests).encode())
    for name in names:
        content = (root / name).read_bytes()
        head = await client.read_until(b"\r\n\r\n")
        assert f"Content-Length: {len(content)}\r\n".encode() in head
        assert await client.read_bytes(len(content)) == content if content else True
    client.close()
    await server.close_all_connections()
