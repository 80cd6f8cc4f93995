"""The code in the README does what the README says, over streams in memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyewall.httpserver import HTTPServer, HTTPServerRequest
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    import pytest

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
FUNCTION, DELEGATE, PROXIES, CLIENT, OBSERVER = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
HEAD = b"Host: h\r\nConnection: close\r\n"


def run(program: str, **names: Any) -> dict[str, Any]:  # Any: whatever a program defines
    """Run a program, but for what listens and what starts the loop; its server is ``server`` then."""
    program = program.replace(".listen(8080)", "").replace("IOLoop.current().start()", "")
    exec(re.sub(r"^HTTPServer\(", "server = HTTPServer(", program, flags=re.MULTILINE), names)
    return names


async def ask(io_loop: IOLoop, server: HTTPServer, request: bytes) -> bytes:
    client = connect(server, io_loop=io_loop)
    client.write_nowait(request)
    return await client.read_until_close()


async def test_the_function_says_what_was_asked_for(io_loop: IOLoop) -> None:
    answer = await ask(io_loop, run(FUNCTION)["server"], b"GET /there HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nYou asked for /there\n")


async def test_the_delegate_counts_the_bytes_of_a_body(io_loop: IOLoop) -> None:
    request = b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 5\r\n\r\nbytes"
    assert b"\r\n8\r\n5 bytes\n\r\n" in await ask(io_loop, run(DELEGATE)["server"], request)


async def test_a_proxy_of_the_list_is_believed(io_loop: IOLoop) -> None:
    asked_by: list[str] = []

    def app(request: HTTPServerRequest) -> None:
        asked_by.append(request.remote_ip)
        request.connection.detach().close()

    server = run(PROXIES, app=app, HTTPServer=HTTPServer)["server"]
    client = connect(server, io_loop=io_loop, address=("10.1.2.3", 80))
    client.write_nowait(b"GET / HTTP/1.1\r\n" + HEAD + b"X-Real-Ip: 192.0.2.7\r\n\r\n")
    await client.read_until_close()
    assert asked_by == ["192.0.2.7"]


async def test_the_client_prints_an_answer(io_loop: IOLoop, capsys: pytest.CaptureFixture[str]) -> None:
    server = run(FUNCTION)["server"]

    stream = connect(server, io_loop=io_loop)

    class Client:
        async def connect(self, host: str, port: int) -> Stream:
            return stream

    client = run(CLIENT)
    client["TCPClient"] = Client
    await client["fetch"]("h", "/there")
    stream.close()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("ResponseStartLine(version='HTTP/1.1', code=200, reason='OK')")
    assert said[-2:] == ["21 bytes", "that was all"]


async def test_the_observer_prints_a_record(io_loop: IOLoop, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(OBSERVER.replace("-> None: ...\n", "-> None:\n    theirs(request)\n"), theirs=run(FUNCTION)["answer"])
    await ask(io_loop, names["server"], b"GET /there HTTP/1.1\r\n" + HEAD + b"\r\n")
    said = capsys.readouterr().out.split()
    assert (said[1:4], said[-1]) == (["GET", "/there", "200"], "answered")
