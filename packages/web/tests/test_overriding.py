"""What a program may override, or call by itself where the handler would do so."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from eyewall.ioloop import IOLoop
from eyewall.web import (
    Application,
    ContentEncoding,
    GZipContentEncoding,
    Handler,
    PathMatches,
    RequestHandler,
    Rule,
    RuleRouter,
    StaticFileHandler,
    TemplateLoader,
    UploadHandler,
    WebSocketHandler,
    authenticated,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.httpserver import HTTPMessageDelegate, HTTPServerRequest
    from eyewall.web import Target


def client(handler: type[RequestHandler], **settings: Any) -> AppClient:
    return AppClient(Application([("/", handler)], **settings))


async def test_a_handler_may_ask_for_the_etag_before_it_writes(io_loop: IOLoop) -> None:
    class Page(RequestHandler):
        def compute_etag(self) -> str:
            return '"7"'

        def get(self) -> None:
            self.set_etag_header()
            self.set_status(304) if self.check_etag_header() else self.write("a page")

    new, known = [await client(Page).get("/", headers={"If-None-Match": tag}) for tag in ('"6"', '"7"')]
    assert (new.code, new.text, new.headers["Etag"]) == (200, "a page", '"7"')
    assert (known.code, known.text) == (304, "")


async def test_a_handler_may_write_its_results_in_another_form(io_loop: IOLoop) -> None:
    class Csv(Handler[None]):
        def write_result(self, result: list[str]) -> None:
            self.set_header("Content-Type", "text/csv")
            self.write(",".join(result))

        def get(self) -> list[str]:
            return ["a", "b"]

    response = await client(Csv).get("/")
    assert (response.text, response.headers["Content-Type"]) == ("a,b", "text/csv")


async def test_a_handler_may_say_where_its_users_sign_in(io_loop: IOLoop) -> None:
    class Inbox(RequestHandler):
        def get_login_url(self) -> str:
            return "/staff/login"

        @authenticated
        def get(self) -> None:
            self.write("mail")

    response = await client(Inbox, login_url="/login").get("/?page=2")
    assert (response.code, response.headers["Location"]) == (302, "/staff/login?next=%2F%3Fpage%3D2")


class Upper:
    """A template engine, and its only template."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder

    def load(self, name: str) -> Upper:
        self.name = name
        return self

    def generate(self, **names: Any) -> bytes:
        return f"{self.folder}/{self.name}: {names['title'].upper()}".encode()


async def test_a_handler_may_choose_its_templates_and_their_engine(io_loop: IOLoop) -> None:
    class Page(RequestHandler):
        def get_template_path(self) -> str:
            return "/somewhere"

        def create_template_loader(self, template_path: str | None) -> TemplateLoader:
            return Upper(template_path)

        def get(self) -> None:
            self.render("page.html", title="hello")

    assert (await client(Page, template_path="/elsewhere").get("/")).text == "/somewhere/page.html: HELLO"


async def test_a_handler_may_trust_an_origin_that_the_settings_do_not_name(io_loop: IOLoop) -> None:
    class Hook(RequestHandler):
        def check_trusted_origin(self, origin: str) -> bool:
            return origin == "https://partner.example"

        def post(self) -> None:
            self.write("taken")

    origins = "https://partner.example", "https://other.example"
    answers = [await client(Hook).post("/", headers={"Origin": origin}) for origin in origins]
    assert [answer.code for answer in answers] == [200, 403]


async def test_the_language_of_a_user_goes_before_that_of_the_browser(io_loop: IOLoop) -> None:
    class Page(RequestHandler):
        def get_user_locale(self) -> str | None:
            return self.get_argument("user", None)

        def get(self) -> None:
            self.write(f"{self.locale}, browser {self.get_browser_locale()}")

    def find(*codes: str) -> str:
        return " ".join(codes)

    app = client(Page, find_locale=find)
    asked = {"Accept-Language": "da;q=0.5, nn"}
    assert (await app.get("/?user=se", headers=asked)).text == "se, browser nn da"
    assert (await app.get("/", headers=asked)).text == "nn da, browser nn da"
    assert (await app.get("/")).text == "en_US, browser en_US"


async def test_tornados_names_for_signed_cookies_mean_the_same(io_loop: IOLoop) -> None:
    class Cookie(RequestHandler):
        def get(self) -> None:
            self.write(f"{self.get_secure_cookie('user')!r} {self.get_secure_cookie_key_version('user')}")

        def post(self) -> None:
            self.set_secure_cookie("user", "Ada")

    app = client(Cookie, cookie_secret={3: "x" * 32}, key_version=3)
    await app.post("/")
    assert (await app.get("/")).text == "b'Ada' 3"


class Poem(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "application/x-poem")
        self.write("a rose " * 1000)


async def test_a_transform_may_compress_other_types_and_sooner(io_loop: IOLoop) -> None:
    class Poems(GZipContentEncoding):
        CONTENT_TYPES = frozenset({"application/x-poem"})

    asked = {"Accept-Encoding": "br, gzip"}
    plain, packed = [
        await AppClient(Application([("/", Poem)], transforms=[transform])).get("/", headers=asked)
        for transform in (ContentEncoding, Poems)
    ]
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


def test_a_file_that_is_too_large_to_be_hashed_has_no_version(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Small(StaticFileHandler):
        MAX_VERSION_CONTENT_SIZE = 3

    for name in ("abc", "abcd"):
        (tmp_path / name).write_text(name)
    settings = {"static_path": str(tmp_path)}
    assert Small.make_static_url(settings, "abc").startswith("/static/abc?v=ddaf35a193617abacc4173")
    assert Small.make_static_url(settings, "abcd") == "/static/abcd"
    assert "larger than 3 bytes" in caplog.text


def test_no_more_versions_are_remembered_than_are_allowed(tmp_path: Path) -> None:
    hashed: list[str] = []

    class Few(StaticFileHandler):
        MAX_CACHED_VERSIONS = 2

        @classmethod
        def get_content_version(cls, abspath: str) -> str:
            hashed.append(abspath[-1])
            return "v"

    for name in "abc":
        (tmp_path / name).write_text(name)
    Few.reset()
    for name in "aabbca":
        assert Few.get_version({"static_path": str(tmp_path)}, name) == "v"
    assert hashed == ["a", "b", "c", "a"]
    Few.reset()


async def test_a_router_may_pass_a_rule_over(io_loop: IOLoop) -> None:
    class Picky(RuleRouter):
        def process_rule(self, rule: Rule) -> Rule:
            return Rule(rule.matcher, rule.target, {"text": "found"})

        def get_target_delegate(
            self, target: Target, request: HTTPServerRequest, **target_params: Any
        ) -> HTTPMessageDelegate | None:
            return None if target is Poem else app.get_handler_delegate(request, Text, target_params["target_kwargs"])

    class Text(RequestHandler):
        def initialize(self, text: str) -> None:
            self.text = text

        def get(self) -> None:
            self.write(self.text)

    app = Application()
    rules = Picky([Rule(PathMatches("/"), Poem), Rule(PathMatches("/"), Text)])
    assert (await AppClient(Application([("/", Poem)])).get("/")).code == 200
    assert (await AppClient(Application([(PathMatches("/"), rules)])).get("/")).text == "found"


async def test_the_folder_of_uploads_may_be_another_one(io_loop: IOLoop, tmp_path: Path) -> None:
    pytest.importorskip("multipart")

    class Photos(UploadHandler):
        upload_folder: ClassVar[str | None] = str(tmp_path / "nowhere")

        async def post(self) -> None:
            form = await self.read_form()
            self.write(str(form.file("photo").in_memory))

    def body(size: int) -> bytes:
        head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\n'
        return head + bytes(size) + b"\r\n--b--\r\n"

    asked = {"Content-Type": "multipart/form-data; boundary=b"}
    small = await client(Photos).post("/", body=body(10), headers=asked)
    assert (small.code, small.text) == (200, "True")
    # The folder does not exist: what has to go there finds out.
    large = await client(Photos).post("/", body=body(2 * 1024 * 1024), headers=asked)
    assert large.code == 500


async def test_a_websocket_may_be_opened_to_another_origin_and_hears_of_pings(io_loop: IOLoop) -> None:
    pytest.importorskip("websockets")
    pings: list[bytes] = []

    class Open(WebSocketHandler):
        def check_origin(self, origin: str) -> bool:
            return origin == "https://friend.example"

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message)

        def on_ping(self, data: bytes) -> None:
            pings.append(data)

    connection = await client(Open).websocket("/", headers={"Origin": "https://friend.example"})
    connection.ping(b"there?")
    connection.write_message("hello")
    assert await connection.read_message() == "hello"
    assert pings == [b"there?"]
    connection.close()
