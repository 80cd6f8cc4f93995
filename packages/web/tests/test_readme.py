"""The code in the README does what the README says."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.web import Application, RequestHandler
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
HELLO, CHECK, POLICY, ORIGINS, LOGS, FILES, UPLOADS, TYPED = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LISTEN = "http_server.listen(8080)\nIOLoop.instance().start()\n"
RUN = "IOLoop.current().run_sync(check)\n"


def run(program: str, without: str = "") -> dict[str, Any]:  # Any: whatever a program defines
    """Run a program, without the lines that start a loop, and with what those before it have imported."""
    assert without in program
    names: dict[str, Any] = {"Application": Application, "RequestHandler": RequestHandler}
    exec(program.replace(without, ""), names)
    return names


async def test_the_first_program_and_its_test_agree(io_loop: IOLoop) -> None:
    await run(HELLO.replace(LISTEN, "") + CHECK, without=RUN)["check"]()


def test_a_policy_for_clients_that_leave_is_taken() -> None:
    Application([("/", run(POLICY)["Report"])])


async def test_a_page_of_the_origin_that_is_listed_may_read_the_answer(io_loop: IOLoop) -> None:
    client = AppClient(Application([("/api", run(ORIGINS)["Api"])]))
    response = await client.options(
        "/api", headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    )
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_line_of_the_log_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[logging.Handler] = []

    def configure(*, level: int, handlers: list[logging.Handler]) -> None:
        given.extend(handlers)

    monkeypatch.setattr(logging, "basicConfig", configure)
    run(LOGS)
    [handler] = given
    record = logging.LogRecord("eyewall.access", logging.INFO, "", 0, "two\nlines", None, None)
    assert json.loads(handler.format(record))["message"] == "two\nlines"


def test_the_folders_of_files_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "static").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run(FILES.replace("/srv/photos", str(tmp_path)))["files"].settings["static_cache_size"] == 64 * 1024 * 1024


async def test_a_part_of_an_upload_is_printed(io_loop: IOLoop, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("multipart")
    client = AppClient(Application([("/", run(UPLOADS)["Backup"])]))
    body = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA day\r\n--b--\r\n'
    response = await client.put("/", body=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert (response.code, capsys.readouterr().out) == (200, f"title 5 {len(body)} {len(body)}\n")


async def test_a_typed_route_finds_the_state(io_loop: IOLoop) -> None:
    response = await AppClient(run(TYPED)["typed_app"]).get("/users/7")
    assert response.json() == {"name": "Ada"}
