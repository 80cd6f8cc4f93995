"""Files of a folder, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPOutputError, HTTPServerRequest, RequestStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.web import Application, RouteError, SettingError, StaticFileHandler
from eyewall.web.testing import AppClient

from ._dispatching import finish

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from eyewall.ioloop import IOLoop

MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with some files, beside one that is nobody's business."""
    folder = tmp_path / "static"
    (folder / "sub").mkdir(parents=True)
    for name, content in {
        "hello.txt": "0123456789",
        "empty.css": "",
        "data.json.gz": "z",
        "unknown.qqq": "q",
        "robots.txt": "User-agent: *",
        "favicon.ico": "icon",
        "ü b.html": "<p>ü",
        "sub/index.html": "index",
    }.items():
        (folder / name).write_text(content)
        os.utime(folder / name, (MODIFIED, MODIFIED))
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "static-secret").mkdir()
    (tmp_path / "static-secret" / "x.txt").write_text("secret")
    return folder


@pytest.fixture
def client(root: Path) -> AppClient:
    return AppClient(Application(static_path=root))


async def test_a_file_is_sent_with_what_describes_it(client: AppClient) -> None:
    response = await client.get("/static/hello.txt")
    assert (response.code, response.text) == (200, "0123456789")
    headers = response.headers
    assert (headers["Content-Type"], headers["Content-Length"]) == ("text/plain; charset=utf-8", "10")
    assert headers["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Etag"].startswith('"')


@pytest.mark.parametrize(
    ("path", "content_type", "text"),
    [
        ("/static/%C3%BC%20b.html", "text/html; charset=utf-8", "<p>ü"),
        ("/static/empty.css", "text/css; charset=utf-8", ""),
        ("/static/data.json.gz", "application/gzip", "z"),
        ("/static/unknown.qqq", "application/octet-stream", "q"),
        ("/static/sub/index.html", "text/html; charset=utf-8", "index"),
        ("/static/sub/../hello.txt", "text/plain; charset=utf-8", "0123456789"),
        ("/robots.txt", "text/plain; charset=utf-8", "User-agent: *"),
    ],
)
async def test_files_are_found_by_their_paths(client: AppClient, path: str, content_type: str, text: str) -> None:
    response = await client.get(path)
    assert (response.code, response.headers["Content-Type"], response.text) == (200, content_type, text)


async def test_the_favicon_is_served_from_the_root(client: AppClient) -> None:
    assert (await client.get("/favicon.ico")).body == b"icon"


async def test_head_has_the_headers_of_get(client: AppClient) -> None:
    get, head = await client.get("/static/hello.txt"), await client.head("/static/hello.txt")
    assert (head.code, head.body) == (200, b"")
    assert head.headers == get.headers


async def test_other_methods_are_405(client: AppClient) -> None:
    response = await client.post("/static/hello.txt")
    assert (response.code, response.headers["Allow"]) == (405, "GET, HEAD")


TRAVERSALS = [
    "../secret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "..%2fsecret.txt",
    "sub/../../secret.txt",
    "%252e%252e/secret.txt",
    "..%5csecret.txt",
    "..\\secret.txt",
    "../static-secret/x.txt",
    "../../../../../../../../etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "hello.txt%00",
    "%00",
    "..%00/secret.txt",
    "link.txt",
    "linked/secret.txt",
    "inner/../../secret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "a" * 5000,
    "hello.txt/../../secret.txt",
    "..%252fsecret.txt",
    "....//secret.txt",
    ".../secret.txt",
    "C:/secret.txt",
    "C:%5csecret.txt",
    "%5c%5chost%5csecret.txt",
    "file:///etc/passwd",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "\uff0e\uff0e/secret.txt",
    "..;/secret.txt",
    ".%00./secret.txt",
    "sub/%2e%2e/%2e%2e/secret.txt",
    "hello.txt::$DATA",
    "~root/secret.txt",
]


async def test_nothing_outside_the_folder_is_sent(client: AppClient, root: Path) -> None:
    (root / "link.txt").symlink_to(root.parent / "secret.txt")
    (root / "linked").symlink_to(root.parent)
    for path in TRAVERSALS:
        for _ in range(2):
            response = await client.get("/static/" + path)
            assert (path, response.code in {400, 403, 404}, "secret" in response.text) == (path, True, False)


async def test_a_slash_behind_a_file_is_no_other_file(client: AppClient) -> None:
    assert (await client.get("/static/hello.txt/")).text == "0123456789"


async def test_a_link_that_stays_inside_is_followed(client: AppClient, root: Path) -> None:
    (root / "again.txt").symlink_to("hello.txt")
    assert (await client.get("/static/again.txt")).text == "0123456789"


async def test_a_folder_reached_through_a_link_is_served(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert (await AppClient(Application(static_path=str(link))).get("/static/hello.txt")).code == 200


async def test_links_may_lead_where_that_is_allowed(root: Path) -> None:
    elsewhere = root.parent / "static-secret"
    (root / "link.txt").symlink_to(elsewhere / "x.txt")
    (root / "other.txt").symlink_to(root.parent / "secret.txt")
    for allowed in (str(elsewhere), [str(root), str(elsewhere)]):
        arguments = {"path": root, "allowed_symlink_directory": allowed}
        client = AppClient(Application([(r"/(.*)", StaticFileHandler, arguments)]))
        assert (await client.get("/link.txt")).text == "secret"
        assert (await client.get("/other.txt")).code == 403
        assert (await client.get("/../static-secret/x.txt")).code == 403


@pytest.mark.parametrize("path", ["", "sub", "sub/"])
async def test_a_folder_is_not_listed(client: AppClient, path: str) -> None:
    assert (await client.get("/static/" + path)).code == 403


async def test_what_is_no_file_is_not_read(client: AppClient, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert (await client.get("/static/pipe")).code == 403
    assert (await client.get("/static/none")).code == 404


async def test_a_default_file_stands_for_a_folder(root: Path) -> None:
    app = Application([(r"/(.*)", StaticFileHandler, {"path": root, "default_filename": "index.html"})])
    client = AppClient(app)
    response = await client.get("/sub/")
    assert (response.code, response.text, response.headers["Content-Type"]) == (
        200,
        "index",
        "text/html; charset=utf-8",
    )
    response = await client.get("/sub")
    assert (response.code, response.headers["Location"]) == (301, "/sub/")
    assert (await client.get("/")).code == 404


@pytest.mark.parametrize("path", ["//sub", "/\\sub"])
async def test_a_folder_redirects_to_no_other_host(root: Path, path: str) -> None:
    app = Application([(r"[/\\]*(.*)", StaticFileHandler, {"path": root, "default_filename": "index.html"})])
    assert (await AppClient(app).get(path)).code == 403


async def test_a_file_that_the_client_has_is_not_sent_again(client: AppClient) -> None:
    etag = (await client.get("/static/hello.txt")).headers["Etag"]
    for headers in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"x", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT"},
        {"If-Modified-Since": "Sun, 06 Nov 2094 08:49:37 GMT"},
        {"If-None-Match": etag, "If-Modified-Since": "Sun, 06 Nov 1993 08:49:37 GMT"},
    ):
        response = await client.get("/static/hello.txt", headers=headers)
        assert (headers, response.code, response.body) == (headers, 304, b"")
        assert response.headers["Etag"] == etag
        assert not {"Content-Length", "Content-Type"} & set(response.headers)


async def test_a_file_that_has_changed_is_sent(client: AppClient, root: Path) -> None:
    etag = (await client.get("/static/hello.txt")).headers["Etag"]
    for headers in (
        {"If-None-Match": '"x"'},
        {"If-None-Match": "nonsense"},
        {"If-None-Match": '"x"', "If-Modified-Since": "Sun, 06 Nov 2094 08:49:37 GMT"},
        {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"},
        {"If-Modified-Since": "yesterday"},
        {"If-Modified-Since": "Sun, 99 Nov 1994 99:49:36 GMT"},
    ):
        assert (headers, (await client.get("/static/hello.txt", headers=headers)).code) == (headers, 200)
    os.utime(root / "hello.txt", ns=(MODIFIED * 10**9 + 1, MODIFIED * 10**9 + 1))
    again = AppClient(Application(static_path=root))
    assert (await again.get("/static/hello.txt", headers={"If-None-Match": etag})).code == 200


@pytest.mark.parametrize(
    ("field", "code", "text", "content_range"),
    [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("bytes=4-", 206, "456789", "bytes 4-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("Bytes= 9-9 ", 206, "9", "bytes 9-9/10"),
        ("bytes=0-", 200, "0123456789", None),
        ("bytes=0-9", 200, "0123456789", None),
        ("bytes=-99", 200, "0123456789", None),
        ("bytes=0-1,3-4", 200, "0123456789", None),
        ("lines=0-1", 200, "0123456789", None),
        ("bytes=-", 200, "0123456789", None),
        ("bytes=a-b", 200, "0123456789", None),
        ("bytes=+1-2", 200, "0123456789", None),
        ("bytes=1_0-2", 200, "0123456789", None),
        ("bytes=" + "9" * 5000 + "-", 200, "0123456789", None),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"),
        ("bytes=5-3", 416, "", "bytes */10"),
    ],
)
async def test_one_range_is_honoured(
    client: AppClient, field: str, code: int, text: str, content_range: str | None
) -> None:
    response = await client.get("/static/hello.txt", headers={"Range": field})
    assert (response.code, response.text, response.headers.get("Content-Range")) == (code, text, content_range)
    assert response.headers["Content-Length"] == str(len(text))


async def test_head_of_a_range_tells_its_length(client: AppClient) -> None:
    response = await client.head("/static/hello.txt", headers={"Range": "bytes=1-4"})
    assert (response.code, response.headers["Content-Length"], response.body) == (206, "4", b"")


async def test_a_range_of_another_version_is_the_whole_file(client: AppClient) -> None:
    etag = (await client.get("/static/hello.txt")).headers["Etag"]
    for if_range, code in (
        (etag, 206),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 206),
        ('"x"', 200),
        (f"W/{etag}", 200),
        ("Sun, 06 Nov 1994 08:49:38 GMT", 200),
        ("nonsense", 200),
    ):
        response = await client.get("/static/hello.txt", headers={"Range": "bytes=0-1", "If-Range": if_range})
        assert (if_range, response.code) == (if_range, code)


async def test_what_a_handler_reads_piece_by_piece_is_sent_no_faster_than_it_is_taken(
    io_loop: IOLoop, root: Path
) -> None:
    content = os.urandom(200_000)
    (root / "large").write_bytes(content)

    class Mine(StaticFileHandler):
        @classmethod
        def get_content(
            cls, abspath: str, start: int | None = None, end: int | None = None
        ) -> Generator[bytes, None, None] | bytes:
            return super().get_content(abspath, start, end)

    connection = RecordingConnection(io_loop)
    connection.hold_writes()
    delegate = Application(static_path=root, static_handler_class=Mine).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/static/large", "HTTP/1.1"), HTTPHeaders())
    task = io_loop.spawn(finish(delegate))
    while not connection.chunks:
        await turn(io_loop)
    for _ in range(5):
        await turn(io_loop)
    assert [len(chunk) for chunk in connection.chunks] == [65536]
    connection.release_writes()
    await task
    assert [len(chunk) for chunk in connection.chunks] == [65536, 65536, 65536, 3392]
    assert connection.body == content


async def turn(io_loop: IOLoop) -> None:
    done = io_loop.create_future()
    io_loop.call_later(0.001, done.set_result, None)
    await done


async def test_a_small_file_is_one_write(io_loop: IOLoop, root: Path) -> None:
    connection = RecordingConnection(io_loop)
    delegate = Application(static_path=root).start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", "/static/hello.txt", "HTTP/1.1"), HTTPHeaders())
    await finish(delegate)
    assert (connection.chunks, connection.finished) == ([b"0123456789"], True)


async def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(root: Path) -> None:
    class Shrinking(StaticFileHandler):
        def get_content_size(self) -> int:
            return super().get_content_size() + 5

    app = Application(static_path=root, static_handler_class=Shrinking)
    with pytest.raises(HTTPOutputError, match="broke off"):
        await AppClient(app).get("/static/hello.txt")


async def test_a_file_that_vanishes_is_not_found(root: Path) -> None:
    class Late(StaticFileHandler):
        def get_content_size(self) -> int:
            (root / "hello.txt").unlink()
            return 10

    app = Application(static_path=root, static_handler_class=Late)
    assert (await AppClient(app).get("/static/hello.txt")).code == 404


async def test_the_steps_can_be_overridden(root: Path) -> None:
    class Mine(StaticFileHandler):
        def parse_url_path(self, url_path: str) -> str:
            return url_path.removesuffix(".html") + ".txt"

        def set_extra_headers(self, path: str) -> None:
            self.set_header("X-Path", path)

        def get_content_type(self) -> str:
            return "text/x-mine"

        def compute_etag(self) -> str | None:
            return None

        @classmethod
        def get_content(cls, abspath: str, start: int | None = None, end: int | None = None) -> bytes:
            return b"9876543210"[start:end]

    app = Application(static_path=root, static_handler_class=Mine)
    response = await AppClient(app).get("/static/hello.html", headers={"Range": "bytes=1-2"})
    assert (response.code, response.text) == (206, "87")
    assert (response.headers["X-Path"], response.headers["Content-Type"]) == ("hello.txt", "text/x-mine")
    assert "Etag" not in response.headers


async def test_the_prefix_and_the_handlers_arguments_are_settings(root: Path) -> None:
    arguments: dict[str, Any] = {"default_filename": "index.html"}
    app = Application(static_path=str(root), static_url_prefix="/s.t/", static_handler_args=arguments)
    client = AppClient(app)
    assert (await client.get("/s.t/sub/")).text == "index"
    assert (await client.get("/sxt/sub/")).code == 404
    assert arguments == {"default_filename": "index.html"}


async def test_a_class_may_search_several_folders(root: Path, tmp_path: Path) -> None:
    class Search(StaticFileHandler):
        root: list[Path]  # type: ignore[assignment] # several, where the base has one

        def initialize(self, path: list[Path]) -> None:  # type: ignore[override] # the same
            self.root = path

        @classmethod
        def get_absolute_path(cls, root: list[Path], path: str) -> str:  # type: ignore[override] # the same
            return str(next((folder / path for folder in root if (folder / path).exists()), ""))

        def validate_absolute_path(self, root: list[Path], absolute_path: str) -> str | None:  # type: ignore[override] # the same
            folder = next(folder for folder in root if absolute_path.startswith(f"{folder}/"))
            return super().validate_absolute_path(str(folder), absolute_path)

    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "own.txt").write_text("own")
    app = Application(static_path=[tmp_path / "more", root], static_handler_class=Search)
    client = AppClient(app)
    for name, text in {"own.txt": "own", "hello.txt": "0123456789"}.items():
        url = app.static_url(name)
        assert url.startswith(f"/static/{name}?v=")
        assert (await client.get(url)).text == text


async def test_a_class_may_name_its_folder_when_it_is_made(root: Path) -> None:
    class Own(StaticFileHandler):
        def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
            super().__init__(application, request, path=root, **kwargs)

    client = AppClient(Application([(r"/(.*)", Own), (r"/again/(.*)", Own, {"default_filename": "index.html"})]))
    assert (await client.get("/hello.txt")).text == "0123456789"


def test_a_static_path_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match="static_path is 7: the path is 7: make it the path of a folder"):
        Application(static_path=7)


def test_a_folder_is_required() -> None:
    with pytest.raises(RouteError, match="missing a required argument: 'path'"):
        Application([(r"/(.*)", StaticFileHandler)])
