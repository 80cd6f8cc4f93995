"""Forms that come in pieces: part by part, or spooled to the disk; and every way in which they can end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import Application, FormError, FormLimits, HTTPError, RouteError, UploadedFile, UploadHandler
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream

pytest.importorskip("multipart")

BOUNDARY = "frontier"
TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
SPOOLED = FormLimits(memory_size=1000)


def part(name: str, content: bytes, filename: str | None = None, content_type: str | None = None) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"'
    if content_type is not None:
        head += f"\r\nContent-Type: {content_type}"
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def body_of(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def post(handler: type[UploadHandler], body: bytes, headers: dict[str, str] | None = None) -> Any:
    response = await AppClient(Application([("/", handler)])).post("/", body=body, headers=headers or TYPE)
    return response.json() if response.code == 200 else response.code


async def exchange(io_loop: IOLoop, handler: type[UploadHandler], *pieces: bytes, length: int | None = None) -> bytes:
    """Send a body in such pieces, each in a turn of its own, and give the answer."""
    server = HTTPServer(Application([("/", handler)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    await client.write(head_of(sum(map(len, pieces)) if length is None else length))
    for piece in pieces:
        await client.write(piece)
    answer = await client.read_until_close()
    await server.close_all_connections()
    return answer


def head_of(length: int) -> bytes:
    fields = f"Host: a\r\nConnection: close\r\nContent-Length: {length}\r\nContent-Type: {TYPE['Content-Type']}"
    return f"POST / HTTP/1.1\r\n{fields}\r\n\r\n".encode()


class Parts(UploadHandler):
    """Tells what it was sent, piece by piece."""

    async def post(self) -> None:
        told: list[Any] = []
        async for found in self.parts():
            content = b"".join([chunk async for chunk in found])
            told.append([found.name, found.filename, found.content_type, content.decode("latin-1"), found.size])
        self.write({"parts": told, "received": self.bytes_received, "expected": self.bytes_expected})


class Whole(UploadHandler):
    """Reads the whole form."""

    form_limits: ClassVar[FormLimits] = SPOOLED
    seen: ClassVar[list[UploadedFile]] = []

    async def post(self) -> None:
        form = await self.read_form()
        told: dict[str, Any] = {"fields": {name: self.get_body_arguments(name) for name in form.fields}}
        for name, files in form.files.items():
            Whole.seen += files
            told[name] = [[one.filename, one.size, (await one.read())[:40].decode(), one.in_memory] for one in files]
        self.write(told)


FORM = body_of(
    part("title", "Grüße".encode()),
    part("photo", b"\r\n--front\r\n--frontie" * 100, "a b.jpg", "image/jpeg"),
    part("empty", b"", "nothing.txt"),
    part("title", b"two"),
)


async def test_parts_come_with_all_that_is_said_of_them() -> None:
    told = await post(Parts, FORM)
    assert told["parts"] == [
        ["title", None, "application/octet-stream", "Grüße".encode().decode("latin-1"), 7],
        ["photo", "a b.jpg", "image/jpeg", "\r\n--front\r\n--frontie" * 100, 2000],
        ["empty", "nothing.txt", "application/octet-stream", "", 0],
        ["title", None, "application/octet-stream", "two", 3],
    ]
    assert told["received"] == told["expected"] == len(FORM)


@pytest.mark.parametrize(
    ("parameters", "filename"),
    [
        ("name=a; filename=b; filename*=UTF-8''%C3%A1", "á"),
        ("name=a; FILENAME*=utf-8''%C3%A1", "á"),
        ('name=a; filename="; filename*=b"', "; filename*=b"),
        ('name=a; filename="*"', "*"),
    ],
)
async def test_the_extended_name_of_a_file_goes_before_the_plain_one(parameters: str, filename: str) -> None:
    told = await post(Parts, disposed(parameters))
    assert [found[:2] for found in told["parts"]] == [["a", filename]]


@pytest.mark.parametrize("parameters", ["name=a; name*=utf-8''b", "name*=utf-8''b", "name=a; filename*=b"])
async def test_what_another_reader_would_take_for_another_name_is_a_400(parameters: str) -> None:
    assert await post(Parts, disposed(parameters)) == 400


def disposed(parameters: str) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n\r\n1\r\n"
    return body_of(head.encode())


async def test_a_form_may_be_cut_anywhere(io_loop: IOLoop) -> None:
    whole = (await exchange(io_loop, Parts, FORM)).partition(b"\r\n\r\n")[2]
    assert b"a b.jpg" in whole
    small = body_of(part("a", b"1"), part("b", b"\r\n-", "f"))
    for step in (1, 2, 3, 7):
        pieces = [small[start : start + step] for start in range(0, len(small), step)]
        answer = await exchange(io_loop, Parts, *pieces)
        assert b'[["a", null, "application/octet-stream", "1", 1], ["b", "f"' in answer


async def test_what_stands_before_and_behind_the_parts_is_ignored(io_loop: IOLoop) -> None:
    body = b"preamble\r\n" + body_of(part("a", b"1"))
    answer = await exchange(io_loop, Parts, body, b"epilogue", b"\r\n--frontier\r\n")
    assert b'["a", null, "application/octet-stream", "1", 1]' in answer


async def test_a_part_that_nobody_reads_is_passed_over() -> None:
    class Second(UploadHandler):
        async def post(self) -> None:
            names: list[str] = []
            async for found in self.parts():
                names.append(found.name)
                if found.name == "photo":
                    names.append((await found.__anext__())[:4].decode())
            self.write({"names": names})

    assert (await post(Second, FORM))["names"] == ["title", "photo", "\r\n--", "empty", "title"]


async def test_a_part_gives_its_text() -> None:
    class Text(UploadHandler):
        async def post(self) -> None:
            self.write({"texts": [await found.text() async for found in self.parts()]})

    assert (await post(Text, body_of(part("a", "ü".encode()))))["texts"] == ["ü"]
    assert await post(Text, body_of(part("a", b"\xff"))) == 400


async def test_a_whole_form_is_in_memory_up_to_a_bound_and_then_on_the_disk() -> None:
    body = body_of(
        part("small", b"s" * 400, "s"),
        part("large", b"l" * 5000, "l"),
        part("small", b"t" * 500, "t"),
        part("name", b"Ada"),
        part("none", b"", ""),
    )
    Whole.seen.clear()
    assert await post(Whole, body) == {
        "fields": {"name": ["Ada"], "none": [""]},
        "small": [["s", 400, "s" * 40, True], ["t", 500, "t" * 40, True]],
        "large": [["l", 5000, "l" * 40, False]],
    }
    assert [one.closed for one in Whole.seen] == [True] * 3


async def test_an_urlencoded_form_is_read_as_well() -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await post(Whole, b"a=1&b=2&a=%C3%BC", kind)) == {"fields": {"a": ["1", "ü"], "b": ["2"]}}
    assert await post(Whole, b"a=" + b"1" * (1024 * 1024), kind) == 413
    assert await post(Parts, b"a=1", kind) == 415


async def test_a_file_can_be_read_in_pieces_and_again(io_loop: IOLoop) -> None:
    content = os.urandom(300 * 1024)

    class Reading(UploadHandler):
        async def post(self) -> None:
            file = (await self.read_form()).file("f")
            assert await file.read(10) == content[:10]
            assert b"".join([chunk async for chunk in file]) == content[10:]
            file.seek(5)
            assert await file.read(3) == content[5:8]
            file.seek(10**9)
            assert await file.read() == b""
            with pytest.raises(ValueError, match="-1 is before the beginning"):
                file.seek(-1)
            self.write({"in memory": file.in_memory})

    class OnDisk(Reading):
        form_limits: ClassVar[FormLimits] = SPOOLED

    body = body_of(part("f", content, "f"))
    assert await post(Reading, body) == {"in memory": True}
    assert await post(OnDisk, body) == {"in memory": False}
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    assert (await exchange(io_loop, OnDisk, *pieces)).endswith(b'{"in memory": false}')


@pytest.mark.parametrize("limits", [FormLimits(), SPOOLED])
async def test_a_file_is_saved_whole_or_not_at_all(tmp_path: Path, limits: FormLimits) -> None:
    content = os.urandom(5000)
    target = tmp_path / "photo.jpg"

    class Saving(UploadHandler):
        form_limits: ClassVar[FormLimits] = limits

        async def post(self) -> None:
            file = (await self.read_form()).file("f")
            await file.save(target)
            with pytest.raises(FileExistsError, match="already; save it with overwrite=True"):
                await file.save(target)
            target.write_bytes(b"old")
            await file.save(str(target), overwrite=True)
            with pytest.raises(FileNotFoundError):
                await file.save(tmp_path / "none" / "x")
            self.write({})

    assert await post(Saving, body_of(part("f", content, "../../evil"))) == {}
    names = [path.name for path in tmp_path.iterdir()]  # noqa: ASYNC240 - nothing else goes on
    assert (names, target.read_bytes()) == (["photo.jpg"], content)


async def test_a_file_is_gone_when_its_request_is_over() -> None:
    Whole.seen.clear()
    await post(Whole, body_of(part("f", b"1" * 2000, "f.txt")))
    with pytest.raises(ValueError, match=r"'f.txt' was forgotten when its request was over: save it before"):
        await Whole.seen[0].read()
    assert repr(Whole.seen[0]) == "<UploadedFile 'f.txt', 2000 bytes, closed>"


BAD = {
    "empty": b"",
    "no boundary": b"hello",
    "no end": body_of(part("a", b"1"))[:-6],
    "cut in a head": f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"'.encode(),
    "no disposition": f"--{BOUNDARY}\r\nContent-Type: a/b\r\n\r\n1\r\n--{BOUNDARY}--\r\n".encode(),
    "another disposition": body_of(part("a", b"1")).replace(b"form-data", b"attachment"),
    "no name": body_of(part("a", b"1")).replace(b'; name="a"', b""),
    "an empty name": body_of(part("", b"1")),
    "no colon": f"--{BOUNDARY}\r\nnonsense\r\n\r\n--{BOUNDARY}--\r\n".encode(),
    "bare line feeds": body_of(part("a", b"1")).replace(b"\r\n", b"\n"),
    "a bad length": body_of(part("a", b"1")).replace(b'"a"', b'"a"\r\nContent-Length: -1'),
    "a head that is no text": body_of(part("a", b"1")).replace(b'"a"', b'"\xff"'),
    "junk behind a boundary": body_of(part("a", b"1")).replace(b"frontier--", b"frontier??"),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
async def test_a_bad_form_is_a_400(io_loop: IOLoop, body: bytes) -> None:
    for handler in (Parts, Whole):
        assert await post(handler, body) == 400
    answer = await exchange(io_loop, Whole, *[body[start : start + 9] for start in range(0, len(body), 9)])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "a" * 71,
        "multipart/form-data; boundary=\xe4",
        'multipart/form-data; boundary="',
    ],
)
async def test_a_type_without_a_boundary_that_could_be_one_is_a_400(kind: str) -> None:
    assert await post(Parts, FORM, {"Content-Type": kind}) == 400


async def test_a_type_that_is_no_form_is_a_415() -> None:
    for headers in ({"Content-Type": "multipart/mixed; boundary=frontier"}, {"Content-Type": "text/plain"}, {}):
        assert await post(Whole, FORM, {"X": "y", **headers}) == 415
    assert await post(Whole, FORM, {**TYPE, "Content-Encoding": "gzip"}) == 415


LIMITS = {
    "parts": (FormLimits(max_parts=2), body_of(part("a", b""), part("b", b""), part("c", b""))),
    "a line of a head": (FormLimits(max_part_header_size=100), body_of(part("a", b"", "f", "a/" + "b" * 100))),
    "lines of a head": (FormLimits(), body_of(part("a", b"", None, "a/b" + "\r\nX: y" * 20))),
    "a head without an end": (FormLimits(), f"--{BOUNDARY}\r\nX: ".encode() + b"y" * 100_000),
    "a name": (FormLimits(max_name_size=5), body_of(part("abcdef", b""))),
    "a file's name": (FormLimits(max_name_size=5), body_of(part("a", b"", "abcdef"))),
    "a field": (FormLimits(max_field_size=5), body_of(part("a", b"123456"))),
    "fields": (FormLimits(max_fields_size=5), body_of(part("a", b"123"), part("b", b"456"))),
    "a file": (FormLimits(max_file_size=5), body_of(part("a", b"123456", "f"))),
}


@pytest.mark.parametrize(("limits", "body"), LIMITS.values(), ids=LIMITS.keys())
async def test_what_is_beyond_a_limit_is_a_413(limits: FormLimits, body: bytes) -> None:
    class Limited(Whole):
        form_limits: ClassVar[FormLimits] = limits

    assert await post(Limited, body) == 413


async def test_a_body_beyond_the_limit_is_a_413_and_its_files_are_gone(io_loop: IOLoop) -> None:
    class Limited(Noting):
        form_limits: ClassVar[FormLimits] = FormLimits(max_size=3000, memory_size=10)

    Noting.forget()
    body = body_of(part("f", b"1" * 5000, "f"))
    server = HTTPServer(Application([("/", Limited)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    head = head_of(1).replace(b"Content-Length: 1", b"Transfer-Encoding: chunked")
    await client.write(head + b"%x\r\n%s\r\n" % (2000, body[:2000]))
    await Noting.when(io_loop, 1)
    await client.write(b"%x\r\n%s\r\n" % (2000, body[2000:4000]))
    assert (await client.read_until_close()).startswith(b"HTTP/1.1 413 ")
    await Noting.ended(io_loop)
    assert Noting.errors == ["StreamClosedError"]
    assert all(file.closed for file in Noting.files)
    await server.close_all_connections()


class Noting(UploadHandler):
    """Fills one file, and notes what becomes of it."""

    form_limits: ClassVar[FormLimits] = FormLimits(memory_size=10)
    files: ClassVar[list[UploadedFile]] = []
    errors: ClassVar[list[str]] = []
    over: ClassVar[list[str]] = []
    waiting: ClassVar[list[Any]] = []

    @classmethod
    def forget(cls) -> None:
        for notes in (cls.files, cls.errors, cls.over, cls.waiting):
            notes.clear()

    @classmethod
    async def when(cls, io_loop: IOLoop, size: int) -> None:
        """Wait until so many bytes of a file have come, and are on the disk."""
        while not (cls.files and cls.files[0].size >= size and not cls.files[0].in_memory):
            await turn(io_loop)

    @classmethod
    async def ended(cls, io_loop: IOLoop) -> None:
        """Wait until the request is over."""
        while not cls.over:
            await turn(io_loop)

    async def post(self) -> None:
        try:
            form = await self.read_form()
        except BaseException as error:
            Noting.errors.append(type(error).__name__)
            raise
        self.write({"names": sorted(form.files)})

    def on_finish(self) -> None:
        Noting.over.append(str(self.get_status()))


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note each file as it is made."""
    really = UploadedFile.__init__

    def noting(self: UploadedFile, *args: Any) -> None:
        really(self, *args)
        Noting.files.append(self)

    monkeypatch.setattr(UploadedFile, "__init__", noting)


async def turn(io_loop: IOLoop) -> None:
    done = io_loop.create_future()
    io_loop.call_later(0.001, done.set_result, None)
    await done


async def begun(io_loop: IOLoop, handler: type[UploadHandler] = Noting) -> tuple[HTTPServer, Stream]:
    """A form of which a part is on the disk, and the rest is still to come."""
    Noting.forget()
    server = HTTPServer(Application([("/", handler)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    await client.write(head_of(100_000) + part("f", b"1" * 70_000, "f"))
    await Noting.when(io_loop, 60_000)
    return server, client


async def test_a_client_that_leaves_leaves_no_file_behind(io_loop: IOLoop) -> None:
    server, client = await begun(io_loop)
    client.close()
    await Noting.ended(io_loop)
    assert Noting.errors == ["StreamClosedError"]
    while not Noting.files[0].closed:
        await turn(io_loop)
    await server.close_all_connections()


async def test_a_server_that_closes_leaves_no_file_behind(io_loop: IOLoop) -> None:
    server, client = await begun(io_loop)
    await server.close_all_connections()
    while not Noting.files[0].closed:
        await turn(io_loop)
    # The form breaks off, or its method is cancelled: whichever comes first.
    assert len(Noting.errors) == 1
    client.close()


async def test_a_bad_end_leaves_no_file_behind(io_loop: IOLoop) -> None:
    server, client = await begun(io_loop)
    await client.write(f"--{BOUNDARY}\r\nnonsense\r\n\r\n".encode())
    assert (await client.read_until_close()).startswith(b"HTTP/1.1 400 ")
    assert Noting.files[0].closed
    assert (Noting.errors, Noting.over) == (["FormError"], ["400"])
    await server.close_all_connections()


async def test_work_that_a_leaving_client_cancels_is_cancelled(io_loop: IOLoop) -> None:
    class Slow(Noting):
        disconnect_policy = "cancel"

        async def post(self) -> None:
            await self.read_form()
            Noting.waiting.append(self)
            try:
                await io_loop.create_future()
            finally:
                Noting.over.append("cancelled")

    Noting.forget()
    server = HTTPServer(Application([("/", Slow)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    body = body_of(part("f", b"1" * 100, "f"))
    await client.write(head_of(len(body)) + body)
    while not Noting.waiting:
        await turn(io_loop)
    client.close()
    await Noting.ended(io_loop)
    assert Noting.over[0] == "cancelled"
    while not Noting.files[0].closed:
        await turn(io_loop)
    await server.close_all_connections()


@pytest.mark.parametrize("how", ["reset", "close", "shutdown_write"])
async def test_a_method_that_is_busy_with_a_piece_is_cancelled_where_the_client_leaves(
    io_loop: IOLoop, how: str
) -> None:
    class Busy(Noting):
        disconnect_policy = "cancel"

        async def post(self) -> None:
            async for found in self.parts():
                async for _ in found:
                    Noting.waiting.append(self)
                    try:
                        await io_loop.create_future()
                    finally:
                        Noting.over.append(f"told: {self.is_disconnected}")

    Noting.forget()
    server = HTTPServer(Application([("/", Busy)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    await client.write(head_of(100_000) + part("f", b"1" * 100, "f"))
    while not Noting.waiting:
        await turn(io_loop)
    getattr(client, how)()
    await Noting.ended(io_loop)
    assert Noting.over[0] == "told: True"
    client.close()
    await server.close_all_connections()


async def test_a_client_is_held_back_while_the_method_is_busy(io_loop: IOLoop) -> None:
    goes_on = io_loop.create_future()
    taken: list[int] = []

    class Busy(UploadHandler):
        async def post(self) -> None:
            async for found in self.parts():
                async for chunk in found:
                    taken.append(len(chunk))
                    if len(taken) == 1:
                        await goes_on
            self.write({"taken": sum(taken), "received": self.bytes_received})

    server = HTTPServer(Application([("/", Busy)]), io_loop=io_loop)
    client = connect(server, io_loop=io_loop)
    body = body_of(part("f", b"1" * 3_000_000, "f"))
    sent = client.write(head_of(len(body)) + body)
    while not taken:
        await turn(io_loop)
    for _ in range(20):
        await turn(io_loop)
    assert len(taken) == 1
    assert not sent.done()
    goes_on.set_result(None)
    await sent
    answer = await client.read_until_close()
    assert answer.endswith(b'{"taken": 3000000, "received": %d}' % len(body))
    await server.close_all_connections()


async def test_an_answer_may_come_before_the_form_has(io_loop: IOLoop) -> None:
    class Refusing(UploadHandler):
        async def post(self) -> None:
            async for found in self.parts():
                raise HTTPError(403, "no %s wanted", found.name)

    answer = await exchange(io_loop, Refusing, part("f", b"1" * 100, "f"), length=10**6)
    assert answer.startswith(b"HTTP/1.1 403 ")

    class Quick(UploadHandler):
        async def post(self) -> None:
            self.write("enough")

    assert (await exchange(io_loop, Quick, FORM)).endswith(b"enough")
    assert (await post(Refusing, FORM)) == 403


async def test_a_method_that_breaks_is_a_500_and_one_that_breaks_off_closes(io_loop: IOLoop) -> None:
    class Broken(UploadHandler):
        async def post(self) -> None:
            await self.read_form()
            if self.get_argument("flush", None):
                self.write("begun")
                await self.flush()
            raise ZeroDivisionError

    assert await post(Broken, FORM) == 500
    answer = await exchange(io_loop, Broken, body_of(part("flush", b"1")))
    assert (answer.count(b"HTTP/1.1 200"), answer.count(b"0\r\n\r\n")) == (1, 0)


async def test_a_form_is_taken_once_and_in_its_method() -> None:
    class Twice(UploadHandler):
        async def post(self) -> None:
            await self.read_form()
            self.parts()

    class Early(UploadHandler):
        def prepare(self) -> None:
            self.parts()

    assert await post(Twice, FORM) == 500
    assert await post(Early, FORM) == 500


async def test_a_file_that_is_missing_is_a_400() -> None:
    class Missing(UploadHandler):
        async def post(self) -> None:
            form = await self.read_form()
            with pytest.raises(FormError, match="the form has no file 'title'"):
                form.file("title")
            form.file("none")

    assert await post(Missing, FORM) == 400


async def test_an_uploading_handler_answers_what_has_no_body() -> None:
    class Both(Parts):
        def get(self) -> None:
            self.write({"form": "here"})

    client = AppClient(Application([("/", Both)]))
    assert (await client.get("/")).json() == {"form": "here"}
    assert (await client.put("/", body=FORM, headers=TYPE)).code == 405


def test_without_the_library_it_is_an_error_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "multipart", None)
    with pytest.raises(RouteError, match=r'need the library multipart: pip install "eyewall-web\[forms\]"'):
        Application([("/", Parts)])


def test_limits_that_are_none_are_an_error_at_the_start() -> None:
    class Dict(UploadHandler):
        form_limits = {"max_size": 3}  # type: ignore[assignment]  # noqa: RUF012 - the mistake

    with pytest.raises(RouteError, match=r"Dict\.form_limits is \{'max_size': 3\}: make it FormLimits\(…\)"):
        Application([("/", Dict)])
