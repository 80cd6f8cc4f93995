"""What systemd is told, by a socket that plays its part."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from eyewall.tcpserver import ExitCode, notify, watchdog_seconds

from ._supervised import PATIENCE, ask, supervised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = "Supervisor(Echo, listen, workers=1).run()"


class ServiceManager:
    """Listens as systemd does."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.heard: list[str] = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def wait_for(self, line: str) -> str:
        """Wait until a message has the line; give what has been heard since the last wait."""
        heard: list[str] = []
        while not any(said == line or (line.endswith("=") and said.startswith(line)) for said in heard):
            heard += self.socket.recv(4096).decode().splitlines()
        self.heard += heard
        return "\n".join(heard)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ServiceManager]:
    made = ServiceManager(tmp_path / "notify")
    yield made
    made.socket.close()


def test_systemd_hears_when_the_service_is_ready_reloads_and_stops(manager: ServiceManager) -> None:
    with supervised(ONE, NOTIFY_SOCKET=manager.path) as program:
        assert "STATUS=1 of 1 workers serve" in manager.wait_for("READY=1")
        assert program.ask()[2:] == ["hello"]
        program.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in manager.wait_for("RELOADING=1") + manager.wait_for("READY=1")
        program.signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert program.end() == ExitCode.OK


def test_the_watchdog_hears_of_loops_that_turn(manager: ServiceManager) -> None:
    with supervised(ONE, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="400000") as program:
        manager.wait_for("READY=1")
        for _ in range(3):
            manager.wait_for("WATCHDOG=1")
        assert program.stop() == ExitCode.OK


def test_the_watchdog_hears_nothing_while_no_loop_turns(manager: ServiceManager) -> None:
    program = "Supervisor(Echo, listen, workers=1, hang_timeout=None).run()"
    with supervised(program, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="200000") as running:
        manager.wait_for("WATCHDOG=1")
        with running.connect() as sock:
            sock.sendall(b"block\n")
            manager.socket.settimeout(0.5)
            with pytest.raises(TimeoutError):
                manager.wait_for("never")


def test_a_new_program_is_made_known_as_the_main_process(manager: ServiceManager) -> None:
    with supervised(ONE, NOTIFY_SOCKET=manager.path) as program:
        manager.wait_for("READY=1")
        program.signal(signal.SIGUSR2)
        started = program.wait_for(r"started the new program \(pid (\d+)\)")[1]
        assert f"MAINPID={started}" in manager.wait_for("MAINPID=")
        assert program.process.wait(PATIENCE) == ExitCode.OK


def test_workers_do_not_speak_for_the_service(manager: ServiceManager) -> None:
    with supervised(
        """
        class Telling(Echo):
            async def on_line(self, line):
                logging.info("has %s", sorted(n for n in os.environ if n in {"NOTIFY_SOCKET", "LISTEN_FDS"}))
        Supervisor(Telling, listen, workers=1).run()
        """,
        NOTIFY_SOCKET=manager.path,
        LISTEN_FDS="0",
    ) as program:
        program.wait_until_all_serve(1)
        program.ask()
        program.wait_for(r"has \[\]")


def test_sockets_of_systemd_are_served_by_their_names_and_passed_on_to_a_new_program() -> None:
    with supervised("""
        from eyewall.tcpserver import sockets_from_systemd

        class Admin(Echo):
            async def on_line(self, line):
                logging.info("the admin server heard %s", line)

        if "EYEWALL_INHERITED" not in os.environ:  # be systemd
            opened = [listen()[0] for _ in range(2)]
            for number, sock in enumerate(opened, 3):
                os.dup2(os.dup2(sock.fileno(), number + 100), number)
            os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "web:admin"}
        Supervisor(lambda: {"admin": Admin(), "web": Echo()}, sockets_from_systemd, workers=1).run()
    """) as program:
        where = program.wait_for(r"are to serve 127.0.0.1:(\d+), 127.0.0.1:(\d+)")
        program.wait_until_all_serve(1)
        program.signal(signal.SIGUSR2)
        new = int(program.wait_for(r"started the new program \(pid (\d+)\)")[1])
        program.wait_for(rf"supervisor \(pid {program.pid}\) exits with status 0")
        for number, kind in ((1, "web"), (2, "admin")):
            with socket.create_connection(("127.0.0.1", int(where[number])), timeout=PATIENCE) as sock:
                assert ask(sock, kind)[2:] == [kind]
        program.wait_for("the admin server heard admin")
        assert "heard web" not in program.log
        os.kill(new, signal.SIGTERM)
        program.end()


def test_notify_is_false_where_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")


def test_notify_says_each_line(manager: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.path)
    assert notify("READY=1", "STATUS=warming up")
    assert manager.socket.recv(100) == b"READY=1\nSTATUS=warming up"


@pytest.mark.skipif(sys.platform != "linux", reason="the abstract namespace is Linux's")
def test_notify_knows_the_abstract_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0eyewall-test-{os.getpid()}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@eyewall-test-{os.getpid()}")
        assert notify("READY=1")
        assert sock.recv(100) == b"READY=1"


def test_a_socket_that_is_not_there_is_logged_and_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify("READY=1")
    assert "cannot tell systemd READY=1" in caplog.text


@pytest.mark.parametrize(
    ("pid", "microseconds", "seconds"),
    [("", "2000000", 2.0), ("own", "500000", 0.5), ("1", "2000000", None), ("", "", None), ("", "x", None)],
)
def test_the_watchdog_s_time_is_for_the_process_it_names(
    pid: str, microseconds: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    monkeypatch.setenv("WATCHDOG_USEC", microseconds or "0")
    assert watchdog_seconds() == seconds
