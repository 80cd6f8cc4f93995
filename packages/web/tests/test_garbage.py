"""What a request leaves behind: nothing that waits for the garbage collector, which costs more than most handlers."""

from __future__ import annotations

import gc
import logging
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPHeaders, RequestStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.web import INT, ROOT, Application, Handler, RequestHandler

from ._dispatching import finish

if TYPE_CHECKING:
    from collections.abc import Generator

    from eyewall.ioloop import IOLoop


class Plain(RequestHandler):
    def get(self) -> None:
        self.write("plain")


class Coroutine(RequestHandler):
    async def prepare(self) -> None:
        self.set_header("X-Prepared", "yes")

    async def get(self) -> None:
        self.write({"a": "coroutine"})


class Raises(RequestHandler):
    def get(self) -> None:
        raise ZeroDivisionError


class Typed(Handler[None]):
    def get(self, number: int) -> list[int]:
        return [number]


class TypedCoroutine(Handler[None]):
    async def get(self, number: int) -> list[int]:
        return [number]


APPLICATION = Application(
    [
        ("/plain", Plain),
        ("/coroutine", Coroutine),
        ("/raises", Raises),
        (ROOT / "typed" / INT).to(Typed),
        (ROOT / "typed-coroutine" / INT).to(TypedCoroutine),
    ]
)


@pytest.fixture(autouse=True)
def without_collector() -> Generator[None]:
    gc.collect()
    gc.disable()
    # Of what is raised, the log's records that pytest keeps would hold on to the handler.
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    gc.enable()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/plain", 200),
        ("/coroutine", 200),
        ("/raises", 500),
        ("/typed/1", 200),
        ("/typed-coroutine/1", 200),
        ("/", 404),
    ],
)
async def test_a_request_that_is_over_is_gone_without_the_garbage_collector(
    io_loop: IOLoop, path: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = weakref.WeakSet[RequestHandler]()
    count: list[str] = []

    def log_request(self: Application[Any], handler: RequestHandler) -> None:
        seen.add(handler)
        count.append(path)

    monkeypatch.setattr(Application, "log_request", log_request)
    connection = RecordingConnection(io_loop)
    delegate = APPLICATION.start_request(object(), connection)
    delegate.headers_received(RequestStartLine("GET", path, "HTTP/1.1"), HTTPHeaders())
    await finish(delegate)
    answered = connection.start_line
    del delegate, connection
    assert answered is not None
    assert answered.code == status
    assert (count, len(seen)) == ([path], 0)
