"""One program, with Tornado's imports and with eyewall's: their clients see no difference."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from programs import PROGRAMS, Program, running
from wire import Answer, Wire, request

from eyewall.ioloop import Capability, IOLoop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What stands in docs and README for whoever moves: the modules that eyewall answers for.
MOVED = {
    "httpserver": "httpserver",
    "httputil": "httpserver",
    "ioloop": "ioloop",
    "web": "web",
}
_IMPORT = re.compile(rf"^(import|from) tornado\.({'|'.join(MOVED)})\b", re.MULTILINE)
_USE = re.compile(rf"\btornado\.({'|'.join(MOVED)})\.(?=[A-Z])")

FORM = "Content-Type: application/x-www-form-urlencoded"
REQUESTS = [
    request("/"),
    request("/", method="HEAD"),
    request("/", "X-Blocked: yes"),
    request("/", method="DELETE"),
    request("/notes"),
    request("/notes?word=milk"),
    request("/notes?word=the&word=%20cat%20"),
    request("/notes?word=%FF"),
    request("/notes", FORM, method="POST", body=b"text=call+%C3%85sa"),
    request("/notes/2"),
    request("/notes", FORM, method="POST", body=b"words=none"),
    request("/notes/99"),
    request("/notes/2", method="DELETE"),
    request("/notes/2"),
    request("/notes/none"),
    request("/self/notes"),
    request("/self/notes/99"),
    request("/wait"),
    request("/pieces"),
    request("/pieces", version="HTTP/1.0"),
    request("/echo", "Content-Type: application/json", method="PUT", body=b'{"a": [1, null]}'),
    request("/echo", method="PUT", body=b"{"),
    request("/broken"),
    request("/page"),
    request("/legacy/%C3%A5?x=1"),
    request("/legacy/", FORM, method="POST", body=b"text=old"),
    request("/old?x=1"),
    request("/files/style.css"),
    request("/files/style.css", "Range: bytes=5-8"),
    request("/files/style.css", method="HEAD"),
    request("/files/../tornado_notes.py"),
    request("/files/nothing.css"),
    request("/static/style.css"),
    request("/nowhere"),
    request("/", "Connection: close"),
]

# Who answered and when; Allow, which RFC 9110 asks for beside 405 and Tornado leaves out; and entity
# tags, which are made differently, and which Tornado also gives to what is no file. Whether the
# connection goes on shows in what follows the answer; to HTTP/1.0 Tornado does not say it.
NOT_COMPARED = {"date", "server", "allow", "etag", "connection"}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Program]]:
    """The program on Tornado and on eyewall, each running."""
    with closing(IOLoop(make_current=False)) as io_loop:
        if Capability.ASYNCIO not in io_loop.capabilities:
            pytest.skip("Tornado's own modules, some of which the program goes on using, want asyncio")
    folder = tmp_path_factory.mktemp("moved")
    shutil.copytree(PROGRAMS / "static", folder / "static", copy_function=shutil.copy2)
    with ExitStack() as stack:
        original, moved = (
            stack.enter_context(running(path, "--motto=less is more", "--pages=1,2"))
            for path in (PROGRAMS / "tornado_notes.py", move(PROGRAMS / "tornado_notes.py", folder / "notes.py"))
        )
        yield original, moved


def move(program: Path, to: Path) -> Path:
    """Write the program with its imports changed, and nothing else."""
    text = _IMPORT.sub(lambda found: f"{found[1]} eyewall.{MOVED[found[2]]}", program.read_text())
    # The plain form of import binds the name of the package as well.
    text = _USE.sub(lambda found: f"eyewall.{MOVED[found[1]]}.", text)
    to.write_text(text)
    return to


def test_only_the_names_of_modules_are_changed(tmp_path: Path) -> None:
    before = (PROGRAMS / "tornado_notes.py").read_text()
    after = move(PROGRAMS / "tornado_notes.py", tmp_path / "notes.py").read_text()
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 8
    assert all(re.sub("httputil", "httpserver", old).replace("tornado", "eyewall") == new for old, new in changed)
    assert re.findall(r"^(?:import|from) (tornado\S*)", after, re.MULTILINE) == [
        *("tornado", "tornado.escape", "tornado.httpclient", "tornado.locks", "tornado.options", "tornado.queues"),
        *("tornado.template", "tornado.wsgi"),
    ]


def answers(program: Program) -> list[tuple[Answer, bytes]]:
    """Ask everything, each on a connection of its own; gives the answers, and what followed them."""
    found: list[tuple[Answer, bytes]] = []
    for asked in REQUESTS:
        with Wire(program.connect()) as wire:
            wire.send(asked)
            answer = wire.answer(asked.partition(b" ")[0].decode())
            fields = {name: value for name, value in answer.fields.items() if name not in NOT_COMPARED}
            if fields.get("content-type", "").startswith("text/css"):
                fields["content-type"] = "text/css"  # eyewall names the charset of a static text as well
            if answer.fields.get("connection") != "close" and b"HTTP/1.0" not in asked:
                wire.send(request("/notes/0", "Connection: close"))
            found.append((answer._replace(fields=fields), wire.rest().partition(b"\r\n\r\n")[2]))
    return found


def test_status_fields_and_bodies_are_the_same(programs: tuple[Program, Program]) -> None:
    original, moved = programs
    both = zip(REQUESTS, answers(original), answers(moved), strict=True)
    assert [(asked.splitlines()[0], one, other) for asked, one, other in both if one != other] == []


def test_the_program_has_run_from_its_options_to_its_end(programs: tuple[Program, Program]) -> None:
    for program in programs:
        assert program.stop() == 0
        # The form of the lines is that of tornado.options, which sets up the log.
        assert re.search(r"\[I \d{6} \S+ \w+:\d+\] ready: buy milk\n", program.said())
        assert re.search(r"\[I \d{6} \S+ \w+:\d+\] over\n", program.said())
        assert re.search(r"\[W \d{6} \S+ \w+:\d+\] 404 GET /nowhere \(127\.0\.0\.1\)", program.said())
        assert "ZeroDivisionError: inside" in program.said()
