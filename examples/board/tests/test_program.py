"""The program as it is run: real processes, real sockets, real clients."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest
from serving import PATIENCE_SECONDS, running
from visiting import multipart

from board.__main__ import DEFAULT_PORT

if TYPE_CHECKING:
    from pathlib import Path


def fetch(address: str) -> str:
    with urlopen(address, timeout=PATIENCE_SECONDS) as answer:
        page: str = answer.read().decode()
        return page


class Browser:
    """Somebody with an account, who keeps cookies and sends forms."""

    def __init__(self, address: str, name: str = "Ada King") -> None:
        self.address = address
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        self.fetch("join")
        self.submit("join", name=name, password="correct horse")

    def fetch(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> str:
        request = Request(self.address + path, data, headers or {})
        with self.opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            page: str = answer.read().decode()
            return page

    def submit(self, path: str, **fields: str) -> str:
        """Send a form; gives the page that it leads to."""
        return self.fetch(path, urlencode({"_xsrf": self.token, **fields}).encode())

    def send(self, path: str, fields: dict[str, str], photo: bytes | None = None) -> str:
        """Send a form with a place for a photograph."""
        return self.fetch(path, *multipart({"_xsrf": self.token, **fields}, photo))

    @property
    def token(self) -> str:
        return next(cookie.value or "" for cookie in self.cookies if cookie.name == "_xsrf")


def failed(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a board that is to end by itself; gives its exit status and what it said on stderr."""
    command = [sys.executable, "-m", "board", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


def test_a_message_posted_by_form_is_on_the_page_in_the_api_and_there_after_a_restart(tmp_path: Path) -> None:
    database = str(tmp_path / "office.sqlite3")
    with running(tmp_path, "--port", "0", "--database", database) as (process, address):
        page = Browser(address).send("new", {"title": "Lunch & more", "body": "At noon."})
        assert "Lunch &amp; more" in page
        listed = json.loads(fetch(address + "api/messages"))
        assert [message["title"] for message in listed["messages"]] == ["Lunch & more"]
        stop(process, signal.SIGTERM)
    with running(tmp_path, "--port", "0", "--database", database) as (_, address):
        assert "Lunch &amp; more" in fetch(address)


def test_a_photograph_of_megabytes_comes_back_and_a_larger_one_is_told_to_be(tmp_path: Path) -> None:
    photo = b"\xff\xd8\xff\xda\0\2" + bytes(range(256)) * 4096 * 8
    with running(tmp_path, "--port", "0") as (_, address):
        ada = Browser(address)
        page = ada.send("new", {"title": "Lunch", "body": "At noon."}, photo)
        found = re.search(r'<img src="/(photos/[^"]+)"', page)
        assert found
        with urlopen(address + found[1], timeout=PATIENCE_SECONDS) as answer:
            assert answer.read() == photo
        with pytest.raises(HTTPError) as refused:
            ada.send("new", {"title": "Dinner", "body": "At eight."}, photo * 2)
        with refused.value:
            assert refused.value.code == 422
            assert b"smaller photograph" in refused.value.read()
    assert len(list((tmp_path / "board.photos").iterdir())) == 1


def test_who_is_signed_in_still_is_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as (process, address):
        ada = Browser(address)
        stop(process, signal.SIGTERM)
    with running(tmp_path, "--port", "0") as (_, address):
        ada.address = address
        assert "Sign out" in ada.fetch("")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_signal_ends_it_with_nothing_further_said_and_nothing_left_open(
    tmp_path: Path, number: signal.Signals, processes: str
) -> None:
    with running(tmp_path, "--port", "0", "--processes", processes) as (process, address):
        assert fetch(address)
        assert stop(process, number) == (0, "", "")
    # SQLite removes its two further files when the last connection is closed, not where it is killed.
    assert {file.name for file in tmp_path.iterdir()} == {"board.sqlite3", "board.secret", "board.photos"}


def test_several_processes_share_the_messages(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--processes", "2") as (_, address):
        ada = Browser(address)
        ada.send("new", {"title": "Lunch", "body": "At noon."})
        # Each is a connection of its own, which either process may take.
        for _ in range(10):
            page = ada.fetch("")
            assert "Lunch" in page
            assert "Sign out" in page


def test_a_port_in_use_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = failed(tmp_path, "--port", str(port))
    assert status == 1
    assert re.fullmatch(rf"board: cannot listen on .*port {port}: Address already in use; .*another port.*\n", said)


def test_without_a_port_it_comes_up_even_where_the_default_one_is_in_use(tmp_path: Path) -> None:
    try:
        taken = socket.create_server(("127.0.0.1", DEFAULT_PORT))
    except OSError:  # somebody else has it: as good
        taken = socket.socket()
    with taken, running(tmp_path) as (_, address):
        assert f":{DEFAULT_PORT}/" not in address
        assert fetch(address)


def test_a_database_that_cannot_be_used_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    status, said = failed(tmp_path, "--port", "0", "--database", str(tmp_path / "missing" / "x.sqlite3"))
    assert status == 1
    assert re.fullmatch(r"board: cannot use the database .*; give --database .*\n", said)


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--processes", "0"]])
def test_a_wrong_option_ends_with_the_usage(tmp_path: Path, arguments: list[str]) -> None:
    status, said = failed(tmp_path, *arguments)
    assert status == 2
    assert arguments[0] in said


@pytest.mark.curl
def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    def curl(*arguments: str) -> str:
        command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS).stdout

    with running(tmp_path, "--port", "0") as (_, address):
        Browser(address, "Ada King")
        messages, json_type = address + "api/messages", ("-H", "Content-Type: application/json")
        credentials = json.dumps({"name": "Ada King", "password": "correct horse"})
        token = json.loads(curl(*json_type, address + "api/tokens", "-d", credentials))["token"]
        signed = ("-H", f"Authorization: Bearer {token}")
        notice = json.loads(curl(*json_type, *signed, messages, "-d", '{"title": "Lunch", "body": "Noon."}'))
        reply = {"reply_to": notice["id"], "body": "Count me in."}
        curl(*json_type, *signed, messages, "-d", json.dumps(reply))
        shown = json.loads(curl(f"{messages}/{notice['id']}"))
        assert [reply["body"] for reply in shown["replies"]] == ["Count me in."]
        curl("-X", "DELETE", *signed, f"{messages}/{notice['id']}")
        assert json.loads(curl(messages + "?limit=5"))["messages"] == []
