"""What was published against Tornado, aiohttp, Starlette, Werkzeug and python-multipart, tried here.

One test for each class of advisories; the numbers stand beside what they were about. What a client sends goes through
the whole server, over a stream in memory. Where something costs the square of its length, a test takes minutes and
fails for that.
"""

from __future__ import annotations

import gzip
import hmac
import logging
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import (
    Application,
    HTTPError,
    RedirectHandler,
    RequestHandler,
    StaticFileHandler,
    WebSocketHandler,
    addslash,
    create_signed_value,
)
from eyewall.web.testing import AppClient, bind_unused_port, fetch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyewall.ioloop import IOLoop

EVIL = ("\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\0", "\x7f", "\x1b[2J")


class Echo(RequestHandler):
    """Tells what it understood of a request."""

    def get(self) -> None:
        arguments = {key: [value.decode() for value in values] for key, values in self.request.arguments.items()}
        files = {key: [file.filename for file in files] for key, files in self.request.files.items()}
        cookies = {name: morsel.value for name, morsel in self.request.cookies.items()}
        self.write({"host": self.request.host, "arguments": arguments, "files": files, "cookies": cookies})

    post = get


async def ask(io_loop: IOLoop, *heads: str, body: bytes = b"", **options: Any) -> str:
    """Send something to a server, and give all that it answers until it closes."""
    server = HTTPServer(Application([(r"/.*", Echo)], serve_traceback=True), io_loop=io_loop, **options)
    client = connect(server, io_loop=io_loop)
    client.write_nowait("\r\n".join([*heads, "", ""]).encode("latin-1") + body)
    try:
        return bytes(await client.read_until_close()).decode("latin-1")
    finally:
        await server.close_all_connections()


async def post(
    io_loop: IOLoop, body: bytes, content_type: str = "multipart/form-data; boundary=x", **options: Any
) -> str:
    fields = ["Host: a", "Connection: close", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return await ask(io_loop, "POST / HTTP/1.1", *fields, body=body, **options)


def part(name: str, content: bytes = b"x", more: str = "") -> bytes:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n{more}\r\n'.encode() + content + b"\r\n"


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# Requests


@pytest.mark.parametrize(
    "fields",
    [
        # Tornado GHSA-753j-mpmx-qq6g, aiohttp CVE-2023-47641: two framings of one body
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked123"],
        ["Transfer-Encoding: \x0bchunked"],
        # Tornado GHSA-qppv-j76h-2rpx, aiohttp CVE-2023-47627: what Python's int() takes for a number
        *[[f"Content-Length: {number}"] for number in ("+5", "5_0", "0x5", "-1", "5, 5", "\xb2", "")],
        ["Content-Length: 5", "Content-Length: 6"],
        # aiohttp CVE-2024-23829, CVE-2024-52304, CVE-2025-69224: names and values that others read otherwise
        ["Content-Length : 5"],
        [" Folded: 1"],
        ["X: 1\n\tContent-Length: 5"],
        ["X\x00: 1"],
        ["Transfer-Encoding: chun\u212aed".encode().decode("latin-1")],
        # aiohttp CVE-2026-34525: two hosts
        ["Host: b"],
    ],
)
async def test_a_request_that_two_servers_could_understand_differently_is_refused(
    io_loop: IOLoop, fields: list[str]
) -> None:
    answer = await ask(io_loop, "POST / HTTP/1.1", "Host: a", *fields, body=b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.1 501 "))
    assert answer.count("HTTP/1.1 ") == 1
    assert "\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("size", ["-1", "+1", "0x1", "1_0", " 1", "1 ", "\xb2", "", "f" * 20])
async def test_a_size_of_a_chunk_that_is_none_is_refused(io_loop: IOLoop, size: str) -> None:
    fields = ["Host: a", "Transfer-Encoding: chunked"]
    answer = await ask(io_loop, "POST / HTTP/1.1", *fields, body=f"{size}\r\nx\r\n0\r\n\r\n".encode("latin-1"))
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.1 413 "))
    assert answer.count("HTTP/1.1 ") == 1


async def test_trailers_are_no_fields_of_the_request_and_bounded(io_loop: IOLoop) -> None:
    # aiohttp CVE-2025-53643: trailers that were left to be read as the next request; CVE-2026-22815: without a bound
    fields = ["Host: a", "Transfer-Encoding: chunked", "Connection: close"]
    answer = await ask(io_loop, "POST / HTTP/1.1", *fields, body=b"0\r\nCookie: a=1\r\nHost: evil\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400 ") or ('"host": "a"' in answer and '"cookies": {}' in answer)
    flood = b"0\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)) + b"\r\n"
    assert (await ask(io_loop, "POST / HTTP/1.1", *fields, body=flood)).startswith("HTTP/1.1 431 ")


@pytest.mark.parametrize("target", ["@evil.example", "evil.example", "?x", "", "/\x00", "/\t/evil.example", "/a b"])
async def test_a_target_that_is_no_path_is_refused(io_loop: IOLoop, target: str) -> None:
    # Starlette PYSEC-2026-248: a path that does not begin with a slash was read as a part of the authority
    answer = await ask(io_loop, f"GET {target} HTTP/1.1", "Host: a", "Connection: close")
    assert answer.startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["a/?x=", "a@b", "a b", "a\\b", "a#", "a:b:c", "[::1", "a\x7f"])
async def test_a_host_that_is_none_is_refused(io_loop: IOLoop, host: str) -> None:
    # Starlette CVE-2026-48710: the path of request.url was the attacker's
    assert (await ask(io_loop, "GET / HTTP/1.1", f"Host: {host}")).startswith("HTTP/1.1 400 ")


async def test_a_compressed_body_is_bounded_by_what_comes_of_it(io_loop: IOLoop) -> None:
    # aiohttp CVE-2025-69223, CVE-2026-54278, Tornado CVE-2026-49855
    bomb = gzip.compress(bytes(30_000_000))
    fields = ["Host: a", "Content-Encoding: gzip", f"Content-Length: {len(bomb)}"]
    answer = await ask(io_loop, "POST / HTTP/1.1", *fields, body=bomb, decompress_request=True, max_body_size=10**6)
    assert answer.startswith("HTTP/1.1 413 ")


async def test_many_fields_of_one_name_cost_no_more_than_their_number(io_loop: IOLoop) -> None:
    # Tornado CVE-2025-67725
    answer = await ask(io_loop, "GET / HTTP/1.1", "Host: a", *["A: b"] * 10_000)
    assert answer.startswith("HTTP/1.1 431 ")


# Forms and arguments


@pytest.mark.parametrize("where", ["query", "form"])
async def test_arguments_are_counted(io_loop: IOLoop, where: str) -> None:
    # Tornado CVE-2026-82397 and GHSA-3hv7-mjh2-fv65, Starlette CVE-2026-54283, and hash flooding, which needs many
    arguments = "&".join([f"a{number}=1" for number in range(1001)])
    if where == "query":
        answer = await ask(io_loop, f"GET /?{arguments} HTTP/1.1", "Host: a", "Connection: close")
    else:
        answer = await post(io_loop, arguments.encode(), "application/x-www-form-urlencoded")
    assert answer.startswith("HTTP/1.1 400 ")


async def test_a_semicolon_separates_no_arguments(io_loop: IOLoop) -> None:
    # python-multipart CVE-2026-53538
    assert '{"a": ["1;b=2"]}' in await post(io_loop, b"a=1;b=2", "application/x-www-form-urlencoded")


async def test_parts_of_a_form_are_counted(io_loop: IOLoop) -> None:
    # Werkzeug CVE-2023-25577, Starlette CVE-2023-30798, Tornado CVE-2026-31958 and GHSA-8423-8fgw-73vq
    answer = await post(io_loop, b"".join([part(f"a{number}") for number in range(2000)]) + b"--x--\r\n")
    assert answer.startswith("HTTP/1.1 400 ")
    split_first = await post(io_loop, b"--x\r\n" * 200_000)
    assert split_first.startswith("HTTP/1.1 400 ")


async def test_fields_of_a_part_are_bounded(io_loop: IOLoop) -> None:
    # python-multipart CVE-2026-42561
    for more in ("X: " + "y" * 100_000 + "\r\n", "X: y\r\n" * 20_000):
        assert (await post(io_loop, part("a", more=more) + b"--x--\r\n")).startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "body",
    [
        # Tornado CVE-2025-47287: a warning for each part that is wrong
        b"--x\r\nno header\r\n" * 50 + b"--x--\r\n",
        # python-multipart CVE-2024-53981, CVE-2026-40347: a record, or a step, for each byte around the parts
        b"\r\n" * 500_000 + part("a") + b"--x--\r\n",
        part("a") + b"--x--\r\n" + b"\n" * 500_000,
        # aiohttp CVE-2024-30251: a part that ends in a way that made the reader go round for ever
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
        b"--x",
        b"--x\r\n",
        b"",
        # Werkzeug CVE-2023-46136: a part that begins with a line's end, and goes on with nothing that is one
        part("a", b"\r" + b"x" * 1_000_000) + b"--x--\r\n",
        part("a", b"\r\n--" * 300_000) + b"--x--\r\n",
    ],
    ids=["bad-parts", "preamble", "epilogue", "no-end", "boundary", "line", "empty", "cr", "almost-boundaries"],
)
async def test_a_malformed_form_is_one_answer_and_one_line(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    assert (await post(io_loop, body)).startswith(("HTTP/1.1 200 ", "HTTP/1.1 400 "))
    assert len(messages(caplog)) <= 2  # the reason, and the line of the access log


@pytest.mark.parametrize(
    "content_type",
    [
        # python-multipart CVE-2024-24762, multipart CVE-2026-28356: a pattern that goes wrong on a content type
        'application/x-www-form-urlencoded; !="' + "\\" * 30_000,
        "multipart/form-data; " + ";" * 30_000 + "boundary=x",
        # Tornado CVE-2025-67726: quotes and semicolons, taken apart in the square of their number
        'multipart/form-data; a="' + ";" * 30_000 + "; boundary=x",
        "multipart/form-data; " + 'a="b";' * 5_000 + "boundary=x",
    ],
)
async def test_no_content_type_takes_long(io_loop: IOLoop, content_type: str) -> None:
    answer = await post(io_loop, part("a") + b"--x--\r\n", content_type)
    assert answer.startswith(("HTTP/1.1 200 ", "HTTP/1.1 400 ", "HTTP/1.1 431 "))


async def test_the_whole_of_a_form_is_bounded(io_loop: IOLoop) -> None:
    # Starlette CVE-2024-47874, Werkzeug CVE-2024-49767, aiohttp CVE-2025-69228: fields that were counted by no limit
    body = part("a", b"x" * 1_000_000) * 5 + b"--x--\r\n"
    assert (await post(io_loop, body, max_body_size=2_000_000)).startswith("HTTP/1.1 413 ")


# Cookies


async def test_cookies_are_read_in_proportion_to_their_length(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    # Tornado CVE-2024-52804: the square; aiohttp CVE-2025-69230: a line of the log for each that is none
    for cookie in ('a="' + "\\" * 30_000 + '"', "a" * 30_000, "\x01=;" * 8_000, ";" * 30_000, "a=1;" * 7_000):
        answer = await ask(io_loop, "GET / HTTP/1.1", "Host: a", f"Cookie: {cookie}", "Connection: close")
        assert answer.startswith(("HTTP/1.1 200 ", "HTTP/1.1 400 "))
        assert len(messages(caplog)) <= 2  # the reason, and the line of the access log
        caplog.clear()


async def test_a_cookie_without_a_name_is_no_other(io_loop: IOLoop) -> None:
    # Werkzeug CVE-2023-23934
    answer = await ask(io_loop, "GET / HTTP/1.1", "Host: a", "Cookie: =__Host-test=bad", "Connection: close")
    assert '"cookies": {}' in answer


@pytest.mark.parametrize("attribute", ["domain", "path", "samesite", "max_age", "Domain", "Path", "SameSite", "name"])
async def test_no_attribute_of_a_cookie_brings_another(attribute: str) -> None:
    # Tornado CVE-2026-35536, GHSA-78cv-mqj4-43f7, GHSA-c6v4-qj2h-f748, CVE-2026-91991
    class Sets(RequestHandler):
        def get(self) -> None:
            arguments: dict[str, Any] = {"name": "a", "value": "b", attribute: "x; Domain=evil.example"}
            self.set_cookie(**arguments)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        answer = await AppClient(Application([("/", Sets)])).get("/")
    assert answer.code == 500
    assert "Set-Cookie" not in answer.headers


# What a program sends


SETTERS: dict[str, Callable[[RequestHandler, str], object]] = {
    "set_header": lambda handler, text: handler.set_header("X-A", text),
    "set_header's name": lambda handler, text: handler.set_header(text, "a"),
    "set_header of bytes": lambda handler, text: handler.set_header("X-A", text.encode()),
    "add_header": lambda handler, text: handler.add_header("X-A", text),
    "redirect": lambda handler, text: handler.redirect("/" + text),
    "set_cookie": lambda handler, text: handler.set_cookie("a", text),
    "set_cookie's name": lambda handler, text: handler.set_cookie(text, "a"),
    "set_cookie's path": lambda handler, text: handler.set_cookie("a", "b", path=text),
    "set_status": lambda handler, text: handler.set_status(200, text),
    "HTTPError": lambda handler, text: _raise(HTTPError(400, reason=text)),
    "send_error": lambda handler, text: handler.send_error(400, reason=text),
    "content type": lambda handler, text: handler.set_header("Content-Type", f"text/plain; charset={text}"),
}


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("setter", SETTERS)
async def test_no_setter_can_begin_another_line(io_loop: IOLoop, setter: str) -> None:
    # Tornado CVE-2025-67724 and GHSA-w235-7p84-xx57, aiohttp CVE-2023-49081 and CVE-2026-34514
    class Sets(RequestHandler):
        def get(self) -> None:
            SETTERS[setter](self, self.get_argument("evil", strip=False))

    for evil in EVIL:
        server = HTTPServer(Application([("/", Sets)]), io_loop=io_loop)
        client = connect(server, io_loop=io_loop)
        query = "".join(f"%{byte:02x}" for byte in evil.encode())
        client.write_nowait(f"GET /?evil={query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head = bytes(await client.read_until_close()).partition(b"\r\n\r\n")[0]
        await server.close_all_connections()
        assert b"\nX-Evil" not in head
        assert not {0, 0x7F, 0x1B} & set(head)
        assert head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n")


async def test_a_reason_is_no_markup() -> None:
    # Tornado CVE-2025-67724: the reason stood in the error page
    class Raises(RequestHandler):
        def get(self) -> None:
            raise HTTPError(400, reason="<script>alert(1)</script>")

    answer = await AppClient(Application([("/", Raises)])).get("/")
    assert (answer.reason, answer.text.count("script")) == ("Unknown", 0)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "///evil.example/x", "/%5cevil.example", "/\t/evil"]
)
async def test_no_path_redirects_to_another_host(path: str, tmp_path: Path) -> None:
    # Tornado CVE-2023-28370, and the same of its decorators and of RedirectHandler
    (tmp_path / "evil.example").mkdir()
    (tmp_path / "evil.example" / "index.html").write_text("x")

    class Slash(RequestHandler):
        @addslash
        def get(self) -> None:
            self.write("x")

    static = {"path": str(tmp_path), "default_filename": "index.html"}
    for handler, kwargs in ((StaticFileHandler, static), (Slash, {}), (RedirectHandler, {"url": "{0}/"})):
        pattern = r"(/.*)" if handler is RedirectHandler else r"/(.*)" if kwargs else r"/.*"
        answer = await AppClient(Application([(pattern, handler, kwargs)])).get(path)
        location = answer.headers.get("Location", "/")
        assert location[:1] == "/"
        assert location[1:2] not in {"/", "\\", "\t"}


# Files


async def test_nothing_outside_a_folder_is_served_or_told_of(tmp_path: Path) -> None:
    # aiohttp CVE-2024-23334 and CVE-2025-69226, Starlette CVE-2023-29159, Werkzeug CVE-2024-49766, Tornado
    # GHSA-c2m8-h5v5-343r, aiohttp CVE-2024-27306
    root, secret = tmp_path / "static", tmp_path / "static-secret"
    for folder in (root, secret):
        folder.mkdir()
        (folder / "file.txt").write_text(folder.name)
    (root / "link.txt").symlink_to(secret / "file.txt")
    (root / "links").symlink_to(secret)
    app = AppClient(Application(static_path=str(root)))
    assert (await app.get("/static/file.txt")).text == "static"
    there = [
        "../static-secret/file.txt",
        "..%2fstatic-secret/file.txt",
        "%2e%2e/static-secret/file.txt",
        "-secret/file.txt",
        "../static/file.txt",
        f"/{secret}/file.txt",
        f"%2f{secret}/file.txt",
        f"{root}/file.txt",
        f"%2f{root}/file.txt",
        "../../" + tmp_path.name + "/static/file.txt",
        "..\\static-secret\\file.txt",
        "link.txt",
        "links/file.txt",
        "file.txt%00",
        "",
        ".",
    ]
    answers = [await app.get("/static/" + path) for path in there]
    assert {answer.code for answer in answers} <= {403, 404}
    assert not any("secret" in answer.text for answer in answers)
    # Who asks cannot tell what is outside from what is nowhere.
    missing = [await app.get("/static/" + path) for path in ("../nowhere/file.txt", "../static-secret/file.txt")]
    assert missing[0].code == missing[1].code


@pytest.mark.parametrize(
    "field",
    [
        # Starlette CVE-2025-62727: many ranges, merged in the square of their number
        "bytes=" + ",".join(f"{number}-{number}" for number in range(6_000)),
        "bytes=" + "0-," * 10_000,
        # aiohttp CVE-2025-69225: digits that are digits to Python alone
        "bytes=\xb2-\xb3",
        "bytes=" + "9" * 30_000 + "-",
        "bytes=--1",
    ],
)
async def test_a_range_costs_nothing_and_is_one(tmp_path: Path, field: str) -> None:
    (tmp_path / "file.txt").write_text("0123456789")
    client = AppClient(Application(static_path=str(tmp_path)))
    answer = await client.get("/static/file.txt", headers={"Range": field})
    assert answer.code in {200, 416}


# Bodies of JSON, and WebSockets


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "9" * 100_000, "1e999999", '"\\ud800"', "\0", ""])
async def test_no_json_is_an_error_of_ours(body: str) -> None:
    class Takes(RequestHandler):
        def post(self) -> None:
            self.write({"got": repr(self.json(list[int]))[:10]})

    assert (await AppClient(Application([("/", Takes)])).post("/", body=body)).code in {400, 422}


async def test_a_message_is_bounded_by_what_comes_of_it(io_loop: IOLoop) -> None:
    pytest.importorskip("websockets")

    class Sink(WebSocketHandler):
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: str | bytes) -> None:
            raise AssertionError(f"{len(message)} characters came through")

    app = Application([("/", Sink)], websocket_max_message_size=1_000_000)
    connection = await AppClient(app, io_loop=io_loop).websocket("/", compression_options={})
    await connection.write_message("0" * 20_000_000)
    assert await connection.read_message() is None
    assert connection.close_code == 1009


@pytest.mark.parametrize("path", ["/ HTTP/1.1\r\nX-Evil: 1\r\n", "/a b", "/\x7f", "/\xe9", "evil"])
async def test_a_client_of_ours_is_not_made_to_send_more_than_it_says(path: str) -> None:
    # aiohttp CVE-2023-49081, CVE-2023-49082
    pytest.importorskip("websockets")
    with pytest.raises(ValueError, match="is not the path of a WebSocket"):
        await AppClient(Application()).websocket(path)


@pytest.mark.needs("sockets")
async def test_credentials_are_not_handed_to_whom_a_redirect_names(io_loop: IOLoop) -> None:
    # Tornado CVE-2026-49853, aiohttp CVE-2026-47265
    class Tell(RequestHandler):
        def get(self) -> None:
            self.write(" ".join(sorted(set(self.request.headers) & {"Authorization", "Cookie", "X-Other"})))

    class Send(RequestHandler):
        def get(self) -> None:
            self.redirect(self.get_argument("to"))

    ports: list[int] = []
    servers = []
    for _ in range(2):
        sock, port = bind_unused_port()
        servers.append(HTTPServer(Application([("/", Tell), ("/send", Send)]), io_loop=io_loop))
        servers[-1].add_sockets([sock])
        ports.append(port)
    secrets = {"Authorization": "Basic x", "cookie": "a=1", "X-Other": "1"}
    here, there = [f"http://127.0.0.1:{port}/" for port in ports]
    assert (await fetch(f"{here}send?to={here}", headers=secrets)).text == "Authorization Cookie X-Other"
    assert (await fetch(f"{here}send?to={there}", headers=secrets)).text == "X-Other"
    for server in servers:
        server.stop()
        await server.close_all_connections()


# Secrets


async def test_signatures_and_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []

    def compare(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return bool(one == other)

    class Page(RequestHandler):
        def get(self) -> None:
            self.write(self.get_signed_cookie("a") or "none")

        def post(self) -> None:
            self.write("posted")

    monkeypatch.setattr(hmac, "compare_digest", compare)
    app = AppClient(Application([("/", Page)], cookie_secret="s" * 32, xsrf_cookies=True))
    for version in (1, 2):
        value = create_signed_value("s" * 32, "a", "b", version=version).decode()
        app.cookies["a"] = value[:-1] + ("0" if value[-1] != "0" else "1")
        compared.clear()
        assert (await app.get("/")).text == "none"
        assert [len(one) == len(other) for one, other in compared] == [True]
    app.cookies["_xsrf"] = "secret"
    compared.clear()
    assert (await app.post("/", data={"_xsrf": "secreT"})).code == 403
    assert len(compared) == 1


async def test_the_page_for_errors_is_for_development_and_runs_nothing() -> None:
    # Werkzeug CVE-2024-34069: a debugger that took code
    class Raises(RequestHandler):
        def get(self) -> None:
            raise ValueError("<script>" + self.get_argument("a"))

    shut = await AppClient(Application([("/", Raises)])).get("/?a=b")
    assert "ValueError" not in shut.text
    page = await AppClient(Application([("/", Raises)], debug=True, autoreload=False)).get("/?a=<script>alert(1)")
    assert "ValueError" in page.text
    assert not any(tag in page.text.lower() for tag in ("<script", "<form", "<input", "<iframe"))


# Routes


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/{a}.{b}", "/" + "." * 15_000 + "/"),
        ("/{a}.{b}.{c}", "/" + "." * 15_000 + "/"),
        ("/{a}-{b}.{c}", "/" + "-." * 7_500 + "/"),
        ("/{a:path}/{b}.{c}", "/a.b." * 3_000 + "/"),
        ("/{a:path}.{b}/{c}", "/a.b/" * 3_000),
        ("/{a:path}/{b}/{c}/{d}/x", "/a" * 7_500),
        ("/{a:float}", "/" + "1" * 15_000 + "x"),
        ("/{a:int}", "/" + "1" * 15_000),
        ("/{a:uuid}", "/" + "a-" * 7_500),
    ],
)
async def test_no_path_keeps_the_search_for_a_route_busy(template: str, path: str) -> None:
    class Never(RequestHandler):
        def get(self, **places: object) -> None:
            self.write("found")

    # With a search that goes back and forth, the second takes hours.
    assert (await AppClient(Application([(template, Never)])).get(path)).code == 404
