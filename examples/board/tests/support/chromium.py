"""A headless Chromium, driven by its DevTools protocol over a WebSocket.

What is waited for is told by the browser: a page that has loaded, a document that has changed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from contextlib import asynccontextmanager, contextmanager
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from eyewall.web import websocket_connect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from eyewall.web import WebSocketClientConnection

OPTIONS = [
    "--headless",
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-crash-reporter",
    "--disable-quic",
    "--remote-debugging-port=0",
]
GUARD_SECONDS = 30
MAX_MESSAGE = 64 * 1024 * 1024

WAIT = """new Promise(resolve => {
    const look = () => { const found = (%s); if (found) { observer.disconnect(); resolve(found); } };
    const observer = new MutationObserver(look);
    observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    look();
})"""


@contextmanager
def launched() -> Generator[str]:
    """Run a browser with a profile of its own, which goes with it; gives the address of its DevTools."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = [browser, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        # A session of its own: the browser and the processes that it starts end together.
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True
        ) as process:
            assert process.stderr is not None
            # A pipe that nobody reads would stop it.
            rest = threading.Thread(target=process.stderr.read, daemon=True)
            try:
                address = _address_in(process.stderr)
                rest.start()
                yield address
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                if rest.ident is not None:
                    rest.join(GUARD_SECONDS)  # the last of them to end closes the pipe


def _address_in(stderr: IO[str]) -> str:
    lines: list[str] = []
    for line in stderr:
        lines.append(line)
        if line.startswith("DevTools listening on "):
            return line.rpartition(" ")[2].strip()
    raise AssertionError(f"Chromium has ended: {''.join(lines)}")


class Browser:
    """A connection to it."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._events: list[dict[str, Any]] = []

    async def call(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        """Ask it to do something; gives what it says of it."""
        self._number += 1
        request: dict[str, object] = {"id": self._number, "method": method, "params": params}
        await self._connection.write_message({**request, **({"sessionId": session} if session else {})})
        while (answer := await self._read()).get("id") != self._number:
            self._events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    async def event(self, method: str, session: str) -> None:
        """Wait for an event that was not waited for yet."""
        while not any(self._is(event, method, session) for event in self._events):
            self._events.append(await self._read())
        self.forget(method, session)

    def forget(self, method: str, session: str) -> None:
        """Look only at events of that name that are still to come."""
        self._events = [event for event in self._events if not self._is(event, method, session)]

    def _is(self, event: dict[str, Any], method: str, session: str) -> bool:
        return event.get("method") == method and event.get("sessionId") == session

    async def _read(self) -> dict[str, Any]:
        text = await self._connection.read_message()
        assert text is not None, "Chromium has gone"
        message: dict[str, Any] = json.loads(text)
        return message

    async def window(self, *, script: str = "") -> Window:
        """Open a window with cookies of its own, in which ``script`` runs before those of each page."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        window = Window(self, attached["sessionId"])
        await window.call("Page.enable")
        await window.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        return window


class Window:
    """A window of it, and the page that it shows."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **params)

    async def go(self, address: str) -> None:
        """Show a page."""
        self._browser.forget("Page.loadEventFired", self._session)
        navigated = await self.call("Page.navigate", url=address)
        assert "errorText" not in navigated, navigated
        await self._browser.event("Page.loadEventFired", self._session)

    async def run(self, script: str) -> Any:
        """Run a script in the page, await what it gives, and give that."""
        done = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Wait until the page is such that an expression is true, and give it."""
        return await self.run(WAIT % condition)

    async def choose(self, selector: str, file: Path) -> None:
        """Choose a file in a field for files."""
        found = await self.call("Runtime.evaluate", expression=f"document.querySelector({selector!r})")
        await self.call("DOM.setFileInputFiles", files=[str(file)], objectId=found["result"]["objectId"])

    async def submit(self, action: str, **fields: str) -> None:
        """Fill in the form that goes there, and send it as a click does; returns when the next page is there."""
        self._browser.forget("Page.loadEventFired", self._session)
        fill = f"""{{
            const form = [...document.forms].find(form => form.getAttribute("action") === {json.dumps(action)});
            for (const [name, value] of Object.entries({json.dumps(fields)})) form.elements[name].value = value;
            form.requestSubmit(form.querySelector("button"));
        }}"""
        await self.run(fill)
        await self._browser.event("Page.loadEventFired", self._session)


@asynccontextmanager
async def connected(address: str) -> AsyncGenerator[Browser]:
    """Connect to the browser at that address."""
    connection = await websocket_connect(address, max_message_size=MAX_MESSAGE)
    try:
        yield Browser(connection)
    finally:
        connection.close()
        while await connection.read_message() is not None:
            pass
