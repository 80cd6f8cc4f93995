"""Sockets that systemd, or whoever started the process, has opened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eyewall.tcpserver import BindError, bind_sockets, socket_from_descriptor, sockets_from_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    [sock] = bind_sockets(0, "127.0.0.1")
    with sock:
        yield sock


def test_an_inherited_listener_is_taken_over(listener: socket.socket) -> None:
    with socket_from_descriptor(os.dup(listener.fileno())) as sock:
        assert sock.getsockname() == listener.getsockname()
        assert not sock.get_inheritable()


def test_a_descriptor_that_is_no_listener_is_refused_and_left_open(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as client:
        with pytest.raises(
            BindError, match=rf"^descriptor {client.fileno()} is not a listening stream socket; check what"
        ):
            socket_from_descriptor(client.fileno())
        client.send(b"still open")
    read, write = os.pipe()
    with pytest.raises(BindError, match=rf"^descriptor {read} is not a socket: Socket operation on non-socket"):
        socket_from_descriptor(read)
    os.close(read)
    os.close(write)
    with pytest.raises(BindError, match="is not a socket: Bad file descriptor"):
        socket_from_descriptor(read)
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(BindError, match="not a listening stream"):
        socket_from_descriptor(sock.fileno())


PROGRAM = """
import os, socket, sys
from eyewall.tcpserver import sockets_from_systemd

os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3", "LISTEN_FDNAMES": "web:admin:web"}
opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
for number, sock in zip((3, 4, 5), opened):
    os.dup2(sock.fileno(), number + 100)
for number in (3, 4, 5):
    os.dup2(number + 100, number)
passed = sockets_from_systemd()
print({name: [sock.fileno() for sock in group] for name, group in passed.items()})
print(sockets_from_systemd(), "LISTEN_FDS" in os.environ, flush=True)
os._exit(0)
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_sockets_come_by_their_names_and_once() -> None:
    assert run(PROGRAM).splitlines() == ["{'web': [3, 5], 'admin': [4]}", "{} False"]


def test_what_systemd_has_passed_to_another_process_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert sockets_from_systemd() == {}


def test_without_systemd_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)
    assert sockets_from_systemd() == {}


@pytest.mark.parametrize(
    ("count", "names", "why"),
    [("two", "", "LISTEN_FDS is 'two'"), ("2", "web", "LISTEN_FDNAMES has 1 names, 'web', for 2 descriptors")],
)
def test_variables_that_cannot_be_systemds_are_refused(
    count: str, names: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", count)
    monkeypatch.setenv("LISTEN_FDNAMES", names)
    with pytest.raises(ValueError, match=why):
        sockets_from_systemd()
