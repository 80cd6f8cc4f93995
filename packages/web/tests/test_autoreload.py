"""A process that starts itself anew when a source or a template changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from eyewall.tcpserver import fork_processes
from eyewall.web import Application, SettingError
from eyewall.web._reload._command import RUNNER, command_again
from eyewall.web._reload._files import folders_of, has_errors, loaded_sources, newer_than
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = """
import logging, sys
from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import bind_sockets
from eyewall.web import Application, RequestHandler
import message

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")

class Main(RequestHandler):
    def get(self):
        self.write(message.TEXT + " ".join(sys.argv[1:]))

sockets = bind_sockets(0, "127.0.0.1")
HTTPServer(Application([("/", Main)], autoreload=True, template_path="templates")).add_sockets(sockets)
print("port", sockets[0].getsockname()[1], flush=True)
IOLoop.instance().start()
"""


class Running:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.said: list[str] = []

    def wait_for(self, text: str) -> str:
        """Read what the program prints until a line has the text."""
        for line in self._lines:
            self.said.append(line)
            if text in line:
                return line
        pytest.fail(f"the program ended without {text!r}: {self.said}")

    def fetch(self) -> str:
        """Ask who serves now: the port that was told last."""
        port = next(line for line in reversed(self.said) if line.startswith("port ")).split()[1]
        with urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
            answer: bytes = response.read()
            return answer.decode()


@contextmanager
def running(folder: Path, *command: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.send_signal(signal.SIGKILL)


def replace(path: Path, text: str) -> None:
    """Write a file in one go: a half of it would be another program."""
    new = path.parent.parent / "new"
    new.write_text(text)
    new.replace(path)


def test_a_change_starts_it_anew_and_an_error_does_not_end_it(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    folder = tmp_path / "program"
    message, template = folder / "message.py", folder / "templates" / "page.html"
    template.parent.mkdir(parents=True)
    (folder / "main.py").write_text(PROGRAM)
    message.write_text("TEXT = 'one'")
    with running(folder, "-W", "error", "main.py", "!") as program:
        program.wait_for("port")
        assert program.fetch() == "one!"
        replace(message, "TEXT = ")
        program.wait_for("is not taken: invalid syntax")
        assert program.fetch() == "one!"
        replace(message, "TEXT = 'two'")
        program.wait_for("message.py has changed: starting anew")
        program.wait_for("port")
        assert program.fetch() == "two!"
        replace(message, "raise ZeroDivisionError")
        program.wait_for("autoreload: waiting for a change")
        assert any("ZeroDivisionError" in line for line in program.said)
        replace(message, "TEXT = 'three'")
        program.wait_for("port")
        assert program.fetch() == "three!"
        replace(template, "new")
        program.wait_for("page.html has changed: starting anew")
        program.wait_for("port")
        assert program.fetch() == "three!"


@pytest.mark.parametrize("command", [["main.py", "-x"], ["-m", "main", "-x"]])
def test_a_program_that_is_run_again_sees_what_it_saw(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "main.py").write_text("import sys\nprint(__name__, sys.argv, sys.path[0])\nsys.exit(3)")
    said = [
        subprocess.run([sys.executable, *runner, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        for runner in ([], ["-m", RUNNER])
    ]
    assert said[0].stdout == said[1].stdout
    assert said[0].returncode == said[1].returncode == 3


@pytest.mark.parametrize(
    ("original", "again"),
    [
        (["python", "main.py", "-x"], ["python", "-m", RUNNER, "main.py", "-x"]),
        (["python", "-m", "board", "-m"], ["python", "-m", RUNNER, "-m", "board", "-m"]),
        (["python", "-mboard"], ["python", "-m", RUNNER, "-m", "board"]),
        (["python", "-um", "board"], ["python", "-u", "-m", RUNNER, "-m", "board"]),
        (["python", "-X", "dev", "-Wd", "-O", "a.py"], ["python", "-X", "dev", "-Wd", "-O", "-m", RUNNER, "a.py"]),
        (["python", "-c", "x", "y"], ["python", "-c", "x", "y"]),
        (["python", "-m", RUNNER, "a.py"], ["python", "-m", RUNNER, "a.py"]),
        (["python"], None),
        (["python", "-"], None),
        (["python", "-i"], None),
    ],
)
def test_a_program_is_started_by_its_own_command(original: list[str], again: list[str] | None) -> None:
    assert command_again(original) == again


def test_what_is_watched_is_the_program_s_own(tmp_path: Path) -> None:
    sources = loaded_sources()
    assert os.path.realpath(__file__) in sources
    assert os.path.realpath(pytest.__file__) not in sources
    assert os.path.realpath(os.__file__) not in sources
    (tmp_path / "a" / "b").mkdir(parents=True)
    below = {str(path.resolve()) for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")}
    assert folders_of(["/somewhere/x.py"], [str(tmp_path)]) == {"/somewhere", *below}


def test_only_what_is_newer_counts(tmp_path: Path) -> None:
    source, template = tmp_path / "a.py", tmp_path / "t" / "b.html"
    template.parent.mkdir()
    for path in (source, template):
        path.touch()
        os.utime(path, (1000, 1000))
    assert newer_than(999, [str(source), "/gone.py"], [str(template.parent)]) == {
        (str(source), 1000),
        (str(template.resolve()), 1000),
    }
    assert newer_than(1001, [str(source)], [str(template.parent)]) == set()


@pytest.mark.parametrize("wrong", ["def f(:", "a = '\\udcff", "x\0y"])
def test_a_source_that_cannot_be_run_is_found_without_running_it(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "a.py"
    path.write_text("raise SystemExit")
    assert has_errors(str(path)) is None
    path.write_text(wrong)
    assert has_errors(str(path)) is not None
    assert has_errors(str(tmp_path / "gone.py")) is None


def test_several_workers_are_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("watchfiles")
    app = Application(autoreload=True)
    with pytest.raises(RuntimeError, match=r"an application with autoreload, or with debug, .* set autoreload=False"):
        fork_processes(2)
    assert app.settings["autoreload"]
    monkeypatch.setattr("eyewall.web._reload._arming.task_id", lambda: 3)
    with pytest.raises(SettingError, match="this is worker 3 of several: serve by one process, or set autoreload="):
        Application(debug=True)


def test_without_the_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("eyewall.web._reload._arming.find_spec", lambda name: None)
    with pytest.raises(SettingError, match=r'pip install "eyewall-web\[reload\]"'):
        Application(autoreload=True)
    with caplog.at_level("INFO", "eyewall.general"):
        Application(debug=True)
    assert "debug=True without autoreload" in caplog.text


async def test_an_application_in_memory_is_left_alone() -> None:
    pytest.importorskip("watchfiles")
    app = Application(autoreload=True)
    assert (await AppClient(app).get("/")).code == 404
    assert "start_request" in vars(app)  # still waiting for a server
