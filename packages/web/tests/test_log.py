"""What stands in the logs, and what no client can put there."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from eyewall.web import Application, HTTPError, JSONLogFormatter, RequestHandler, TextLogFormatter
from eyewall.web.testing import AppClient

EVIL = "/?q=1\x1b[2J\x7f\x85\u2028\u202e"


class Page(RequestHandler):
    def get(self, status: str) -> None:
        self.set_status(int(status))


class Raises(RequestHandler):
    def get(self) -> None:
        raise ValueError(self.get_argument("why"))


class Refuses(RequestHandler):
    def get(self) -> None:
        raise HTTPError(400, "no: %s", self.get_argument("why"))


class Kept(logging.Handler):
    """Formats each record as it comes, as a handler of a file does."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def logged(formatter: logging.Formatter, path: str, **settings: Any) -> list[str]:
    kept = Kept(formatter)
    logger = logging.getLogger("eyewall")
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    try:
        routes = [(r"/(\d+)", Page), ("/raises", Raises), ("/refuses", Refuses), (r"/(.*)", Page)]
        await AppClient(Application(routes, **settings)).get(path)
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
    return kept.lines


@pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (404, "WARNING"), (500, "ERROR")])
async def test_each_request_is_a_line_by_its_status(status: int, level: str) -> None:
    (line,) = await logged(TextLogFormatter("%(levelname)s %(name)s %(message)s"), f"/{status}?q=1")
    assert line.startswith(f"{level} eyewall.access {status} GET /{status}?q=1 (127.0.0.1) ")
    assert line.endswith("ms")


async def test_in_json_the_parts_of_a_request_are_members() -> None:
    (line,) = await logged(JSONLogFormatter(), "/404?q=1")
    entry = json.loads(line)
    assert entry.pop("time").endswith("+00:00")
    assert entry.pop("duration_ms") >= 0
    assert entry.pop("message").startswith("404 GET /404?q=1 (127.0.0.1) ")
    assert entry == {
        "level": "WARNING",
        "logger": "eyewall.access",
        "status": 404,
        "method": "GET",
        "uri": "/404?q=1",
        "remote_ip": "127.0.0.1",
    }


@pytest.mark.parametrize("formatter", [TextLogFormatter(), JSONLogFormatter()])
@pytest.mark.parametrize("path", [EVIL, "/raises?why=a%0D%0Afake%00%1B[2J%7F", "/refuses?why=a%0Afake%1B%C2%85"])
async def test_a_client_cannot_end_a_line_or_steer_a_terminal(formatter: logging.Formatter, path: str) -> None:
    lines = await logged(formatter, path)
    assert lines
    for entry in lines:
        head, *trace = entry.split("\n")
        assert head.isprintable()
        assert all(line.startswith("    ") and line.isprintable() for line in trace)
        if isinstance(formatter, JSONLogFormatter):
            assert not trace
            assert json.loads(head)["level"] in {"ERROR", "WARNING", "INFO"}


async def test_an_exception_is_told_with_its_traceback() -> None:
    text, _ = await logged(TextLogFormatter(), "/raises?why=a%0Ab")
    assert "ERROR eyewall.application: Uncaught exception GET /raises?why=a%0Ab (127.0.0.1)\n" in text
    assert text.endswith("\n    ValueError: a\n    b")
    entry = json.loads((await logged(JSONLogFormatter(), "/raises?why=a%0Ab"))[0])
    assert entry["exception"].startswith("Traceback (most recent call last):\n")
    assert entry["exception"].endswith("ValueError: a\nb")
    assert (entry["method"], entry["uri"], entry["logger"]) == ("GET", "/raises?why=a%0Ab", "eyewall.application")


async def test_what_the_application_refuses_is_in_the_general_log() -> None:
    (general, _) = await logged(TextLogFormatter("%(name)s %(message)s"), "/refuses?why=x")
    assert general == "eyewall.general 400 GET /refuses?why=x (127.0.0.1): no: x"


def test_json_takes_whatever_a_record_has() -> None:
    loop: list[object] = []
    loop.append(loop)
    record = logging.makeLogRecord(
        {"msg": "x", "number": float("nan"), "object": object, "loop": loop, "message": "no"}
    )
    record.stack_info = "Stack"
    entry = json.loads(JSONLogFormatter().format(record))
    assert (entry["message"], entry["number"], entry["exception"]) == ("x", "nan", "Stack")
    assert (entry["object"], entry["loop"]) == ("<class 'object'>", "[[...]]")


def test_what_another_formatter_has_left_in_the_record_is_not_taken() -> None:
    error = ValueError("a\nfake")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (ValueError, error, None))
    assert "\nfake" in logging.Formatter().format(record)
    assert "\nfake" not in TextLogFormatter().format(record)
    other = logging.makeLogRecord({"msg": "x", "exc_text": "from\nfar away"})
    assert TextLogFormatter("%(message)s").format(other) == "x\n    from\n    far away"
