"""Handlers that fail and clients that go away: each costs one request, and the server holds nothing of it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from programs import eventually
from wire import CutError, Wire, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from target import Holdings, Target

HUGE = 50_000_000
DETAIL = "a detail that is nobody's business"

hang_up = pytest.mark.parametrize("hang_up", [Wire.close, Wire.reset], ids=["close", "reset"])


def test_a_handler_that_raises_gets_a_500_without_a_trace_and_the_log_gets_it_all(
    target: Target, holdings: Holdings
) -> None:
    with target.connect() as wire:
        answer = wire.ask("/fails/before?x=1")
        assert answer.status == 500
        message = b"500: Internal Server Error"
        assert answer.body == b"<html><title>%b</title><body>%b</body></html>" % (message, message)
        # The connection is as good as before.
        assert wire.ask("/").status == 200
    holdings.check()
    log = holdings.log()
    assert "ERROR eyewall.application: Uncaught exception GET /fails/before?x=1" in log
    assert "Traceback (most recent call last):" in log
    assert f"ZeroDivisionError: {DETAIL}" in log


@pytest.mark.parametrize("how", ["chunked", "length"])
def test_a_handler_that_raises_after_its_headers_has_its_answer_cut_where_the_client_notices(
    target: Target, holdings: Holdings, how: str
) -> None:
    with target.connect() as wire:
        wire.send(request(f"/fails/after/{how}"))
        with pytest.raises(CutError):
            wire.answer()
    holdings.check()
    log = holdings.log()
    assert f"Uncaught exception GET /fails/after/{how}" in log
    assert log.count(f"ZeroDivisionError: {DETAIL}") == 1


@pytest.mark.curl
def test_curl_says_that_an_answer_was_cut(target: Target) -> None:
    with pytest.raises(AssertionError, match=r"curl: \(18\)|curl: \(56\)"):
        target.curl("/fails/after/chunked")


@hang_up
@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
        request("/upload", "Content-Length: 1000", method="PUT") + b"half",
        request("/upload", "Transfer-Encoding: chunked", method="PUT") + b"4\r\nWi",
        request("/upload", "Expect: 100-continue", "Content-Length: 1000", method="PUT"),
    ],
    ids=["before a request", "request line", "head", "body", "chunk", "before a body"],
)
def test_a_client_that_hangs_up_within_its_request_is_forgotten(
    target: Target, holdings: Holdings, part: bytes, hang_up: Callable[[Wire], None]
) -> None:
    for _ in range(5):
        wire = target.connect()
        wire.send(part)
        hang_up(wire)
    holdings.check()
    assert "ERROR" not in holdings.log()
    assert "Traceback" not in holdings.log()


@hang_up
@pytest.mark.parametrize("how", ["chunked", "length", "whole"])
def test_a_client_that_hangs_up_without_reading_50_megabytes_is_told_to_the_handler(
    target: Target, holdings: Holdings, how: str, hang_up: Callable[[Wire], None]
) -> None:
    path = f"/download/{HUGE}/{how}"
    told = target.state()["told"].count(path)
    wire = target.connect()
    wire.send(request(path))
    assert wire.sock.recv(5) == b"HTTP/"
    hang_up(wire)
    holdings.check()
    # One that has written everything at once is through with its work before the client goes.
    assert target.state()["told"].count(path) == told + (how != "whole")
    assert "ERROR" not in holdings.log()
    assert "Traceback" not in holdings.log()


@hang_up
def test_a_handler_that_sleeps_is_told_that_its_client_has_gone(
    target: Target, holdings: Holdings, hang_up: Callable[[Wire], None]
) -> None:
    path = f"/gone/{hang_up.__name__}"
    wire = target.connect()
    wire.send(request(path))
    eventually(lambda: path in target.state()["begun"], lambda: "the handler does not begin")
    assert path not in target.state()["told"]
    hang_up(wire)
    holdings.check()
    assert target.state()["told"].count(path) == 1
    assert "ERROR" not in holdings.log()
    assert "Traceback" not in holdings.log()


def test_a_tls_client_that_speaks_no_tls_or_goes_within_the_handshake_is_forgotten(
    target: Target, holdings: Holdings
) -> None:
    for first in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b""):
        with target.program.connect() as sock:
            sock.sendall(first)
    holdings.check()
    assert "Traceback" not in holdings.log()


def test_a_hundred_clients_that_all_go_at_once_leave_nothing(target: Target, holdings: Holdings) -> None:
    begun = target.state()["begun"].count("/gone/crowd")
    wires = [target.connect() for _ in range(100)]
    for number, wire in enumerate(wires):
        wire.send(request(f"/download/{HUGE // 50}/chunked" if number % 2 else "/gone/crowd"))
    eventually(
        lambda: target.state()["begun"].count("/gone/crowd") == begun + len(wires) // 2,
        lambda: "some handlers do not begin",
    )
    for wire in wires:
        wire.close()
    holdings.check()
    assert "Traceback" not in holdings.log()


def test_a_client_whose_request_and_reset_arrive_together_is_forgotten(target: Target, holdings: Holdings) -> None:
    wire = target.connect()
    target.program.process.send_signal(signal.SIGSTOP)
    try:
        wire.send(request("/gone/together"))
        wire.reset()
    finally:
        target.program.process.send_signal(signal.SIGCONT)
    holdings.check()
    assert "Traceback" not in holdings.log()
