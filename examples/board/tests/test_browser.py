"""The board in a browser, in two windows: one posts, and the other shows it."""

from __future__ import annotations

import random
import socket
from base64 import b64decode
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import pytest
from chromium import connected, launched
from serving import running

from eyewall.ioloop import IOLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from chromium import Browser, Window

pytestmark = pytest.mark.chromium

# A machine that does ten other things takes its time to start a browser.
GUARD_SECONDS = 110
PASSWORD = "correct horse"
WITHOUT_WEBSOCKET = "delete window.WebSocket"
LIVE = 'document.querySelector(".live").dataset.way'


def browse(visit: Callable[[Browser], Awaitable[None]]) -> None:
    """Run a browser, and the coroutine of somebody who uses it."""

    async def visit_and_leave() -> None:
        async with connected(devtools) as browser:
            await visit(browser)

    with launched() as devtools, closing(IOLoop(make_current=False)) as io_loop:
        io_loop.run_sync(visit_and_leave, timeout=GUARD_SECONDS)


async def join(window: Window, address: str, name: str) -> None:
    await window.go(f"{address}join")
    await window.submit("/join", name=name, password=PASSWORD)
    await window.until(f"document.querySelector('.who b')?.textContent === {name!r}")


def lasting_port() -> str:
    """A free port that nobody is given by chance while its server is away: below those that systems give out."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)


def text_of(selector: str) -> str:
    return f"[...document.querySelectorAll({selector!r})].map(each => each.textContent.trim()).join()"


@pytest.mark.parametrize(("script", "way"), [("", "websocket"), (WITHOUT_WEBSOCKET, "events")])
def test_what_one_window_posts_the_other_shows_at_once(tmp_path: Path, script: str, way: str) -> None:
    async def visit(browser: Browser) -> None:
        ada, jun = await browser.window(), await browser.window(script=script)
        await jun.go(address)
        assert await jun.until(LIVE) == way
        await jun.run("window.isTheSame = true")
        await join(ada, address, "Ada King")
        await ada.submit("/new", title="Lunch & <b>more</b>", body="At noon.")
        assert await ada.run("document.querySelector('h1').textContent") == "Lunch & <b>more</b>"

        assert await jun.until(text_of(".stream h2 a")) == "Lunch & <b>more</b>"
        assert await jun.until("document.getElementById('news').textContent") == "New from Ada King"
        assert await jun.run("window.isTheSame")

    with running(tmp_path, "--port", "0") as (_, address):
        browse(visit)


def test_a_conversation_goes_on_in_two_windows_and_is_counted_in_a_third(tmp_path: Path) -> None:
    async def visit(browser: Browser) -> None:
        ada, jun, visitor = [await browser.window() for _ in range(3)]
        await join(ada, address, "Ada King")
        await ada.submit("/new", title="Lunch", body="At noon.")
        await visitor.go(address)
        await visitor.until(LIVE)
        await join(jun, address, "Jun")
        page = await ada.run("location.pathname")
        await jun.go(address + page[1:])
        await ada.until(LIVE)
        await jun.submit(page, body="Count me in.")
        await ada.until(f"{text_of('.reply .text')} === 'Count me in.'")
        assert await ada.run("document.getElementById('replies').textContent") == "1 reply"
        await jun.until(LIVE)
        await ada.submit(page, body="Good.")
        await jun.until(f"{text_of('.reply .text')} === 'Count me in.,Good.'")
        await visitor.until("document.querySelector('.more a').textContent.startsWith('2 replies')")

    with running(tmp_path, "--port", "0", "--processes", "2") as (_, address):
        browse(visit)


def test_what_one_window_deletes_goes_from_the_others(tmp_path: Path) -> None:
    async def visit(browser: Browser) -> None:
        ada, jun, visitor = [await browser.window() for _ in range(3)]
        await join(ada, address, "Ada King")
        await join(jun, address, "Jun")
        await ada.submit("/new", title="Lunch", body="At noon.")
        page = await ada.run("location.pathname")
        await ada.submit(page, body="At one.")
        await visitor.go(address)
        await visitor.until(f"{LIVE} && document.querySelector('.more a').textContent.startsWith('1 reply')")
        await jun.go(address + page[1:])
        await jun.until(LIVE)
        await jun.run("document.getElementById('body').value = 'Count me in.'")

        await ada.submit(await ada.run("document.querySelector('.reply form').getAttribute('action')"))
        await jun.until("!document.querySelector('.reply')")
        assert await jun.run("document.getElementById('replies').textContent") == "No replies yet"
        await visitor.until("document.querySelector('.more a').textContent.startsWith('Reply')")
        assert await visitor.run("document.querySelector('.empty').checkVisibility()") is False

        await ada.submit(f"{page}/delete")
        await visitor.until("!document.querySelector('article')")
        assert await visitor.run("document.querySelector('.empty').checkVisibility()")
        assert await visitor.run("document.getElementById('news').textContent") == "A message was deleted"
        await jun.until("document.querySelector('h1').textContent === 'This message was deleted'")
        # What was being written is not lost, and cannot be sent.
        assert await jun.run("document.getElementById('body').value") == "Count me in."
        assert await jun.run("document.querySelector('.post button').disabled")

    with running(tmp_path, "--port", "0", "--processes", "2") as (_, address):
        browse(visit)


def test_a_photograph_is_seen_in_the_other_window(tmp_path: Path) -> None:
    async def visit(browser: Browser) -> None:
        ada, jun = await browser.window(), await browser.window()
        await jun.go(address)
        await jun.until(LIVE)
        await join(ada, address, "Ada King")
        await ada.go(f"{address}new")
        await ada.choose("#photo", photo)
        await ada.submit("/new", title="Lunch", body="At noon.")
        await jun.until("document.querySelector('.photo img')")
        # A broken image has no width.
        assert await jun.run("document.querySelector('.photo img').decode().then(() => true)")
        assert await jun.run("document.querySelector('.photo img').naturalWidth") == 1

    photo = tmp_path / "photo.gif"
    photo.write_bytes(b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\0;")
    with running(tmp_path, "--port", "0") as (_, address):
        browse(visit)


def test_a_photograph_stands_upright_and_tells_nothing_else(tmp_path: Path) -> None:
    async def visit(browser: Browser) -> None:
        ada = await browser.window()
        await join(ada, address, "Ada King")
        await ada.go(f"{address}new")
        drawn = await ada.run("""{
            const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 20});
            canvas.toDataURL("image/jpeg").split(",")[1]
        }""")
        jpeg = b64decode(drawn)
        # As a phone that is held upright writes it: turned by the reader, and with the place.
        tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0" + b"59.33 N"
        exif = b"Exif\0\0" + tiff
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(jpeg[:2] + b"\xff\xe1" + (2 + len(exif)).to_bytes(2) + exif + jpeg[2:])
        await ada.choose("#photo", photo)
        await ada.submit("/new", title="Lunch", body="At noon.")
        await ada.run("document.querySelector('.photo img').decode()")
        image = "document.querySelector('.photo img')"
        assert await ada.run(f"[{image}.naturalWidth, {image}.naturalHeight]") == [20, 40]
        (kept,) = (tmp_path / "board.photos").iterdir()
        assert b"59.33 N" not in kept.read_bytes()

    with running(tmp_path, "--port", "0") as (_, address):
        browse(visit)


def test_a_window_catches_up_when_the_board_is_back(tmp_path: Path) -> None:
    async def visit(browser: Browser) -> None:
        ada, jun = await browser.window(), await browser.window()
        await join(ada, address, "Ada King")
        await jun.go(address)
        await jun.until(LIVE)
        process.terminate()
        await jun.until(f"!{LIVE}")
        process.wait()
        stack.enter_context(running(tmp_path, "--port", port))
        await ada.go(address)
        await ada.submit("/new", title="Lunch", body="At noon.")
        assert await jun.until(text_of(".stream h2 a")) == "Lunch"

    port = lasting_port()
    with ExitStack() as stack:
        process, address = stack.enter_context(running(tmp_path, "--port", port))
        browse(visit)
