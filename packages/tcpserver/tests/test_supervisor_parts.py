"""The parts of the supervisor that need no process."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.tcpserver import MakeServer, Supervisor, TCPServer, bind_sockets, bind_unix_socket, sockets_from_systemd
from eyewall.tcpserver._forking import cause_of
from eyewall.tcpserver._supervision._child import by_name
from eyewall.tcpserver._supervision._dealing import _backlog, all_of, check_reuse_port, deal, named
from eyewall.tcpserver._supervision._lifeline import BEAT, END_OF_REPORT, READY, ParentEnd
from eyewall.tcpserver._supervision._memory import _from_ps, resident_bytes
from eyewall.tcpserver._supervision._successor import start_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path


def plain() -> TCPServer:
    return TCPServer()


async def later() -> dict[str, TCPServer]:
    return {"http": TCPServer()}


@asynccontextmanager
async def within() -> AsyncIterator[TCPServer]:
    yield TCPServer()


async def within_later() -> TCPServer:
    return TCPServer()


@pytest.mark.parametrize("make", [plain, later, within, within_later, TCPServer])
def test_a_server_may_be_made_in_many_ways(make: MakeServer) -> None:
    """That a type checker takes each of them is what is tested, too."""
    ways: list[MakeServer] = [plain, later, within, within_later, TCPServer]
    assert make in ways
    assert Supervisor(make, list) is not None


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux balances by SO_REUSEPORT")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": -1}, "workers=-1"),
        ({"grace": -0.1}, "grace=-0.1"),
        ({"start_timeout": 0}, "start_timeout=0: more than 0"),
        ({"hang_timeout": 0}, "hang_timeout=0: more than 0, or leave it out"),
        ({"max_age": -5}, "max_age=-5"),
        ({"max_memory": 0}, "max_memory=0"),
        ({"back_off": 2.0, "max_back_off": 1.0}, "max_back_off=1.0 is less than back_off=2.0"),
        ({"max_failures": 0}, "max_failures=0: at least 1"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Supervisor(TCPServer, list, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": "2"}, "workers is '2': give a number of processes"),
        ({"workers": 2.5}, r"workers is 2\.5: give a number of processes"),
        ({"grace": "30"}, "grace is '30': give a number"),
        ({"grace": None}, "grace is None: give a number"),
        ({"max_failures": None}, "max_failures is None: give a number"),
    ],
)
def test_a_limit_that_is_no_number_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Supervisor(TCPServer, list, **options)


def test_sockets_may_be_made_by_either_of_two_functions() -> None:
    """That a type checker takes it is what is tested, too."""
    assert Supervisor(TCPServer, lambda: sockets_from_systemd() or bind_sockets(8080)) is not None


@pytest.mark.parametrize("nothing", [[], {}, {"http": []}])
def test_sockets_there_must_be(nothing: Iterable[socket.socket]) -> None:
    with pytest.raises(ValueError, match="there are no sockets to listen on"):
        named(nothing)


@pytest.fixture
def shared() -> Iterator[list[socket.socket]]:
    sockets = bind_sockets(0, "127.0.0.1", reuse_port=True)
    yield sockets
    for sock in sockets:
        sock.close()


def close(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def test_all_workers_get_the_same_sockets(shared: list[socket.socket]) -> None:
    assert deal(named(shared), 3, reuse_port=False) == [{"": shared}] * 3


@linux
def test_by_reuse_port_each_worker_gets_a_socket_of_its_own_on_the_same_address(shared: list[socket.socket]) -> None:
    hands = deal(named(shared), 3, reuse_port=True)
    dealt = [sock for hand in hands for sock in hand[""]]
    assert len(dealt) == len({sock.fileno() for sock in dealt}) == 3
    assert {sock.getsockname() for sock in dealt} == {shared[0].getsockname()}
    assert all_of(hands) == {"": dealt}
    close(dealt)


@linux
def test_a_socket_beside_another_has_a_queue_as_long() -> None:
    sockets = bind_sockets(0, "127.0.0.1", reuse_port=True, backlog=2)
    dealt = all_of(deal(named(sockets), 2, reuse_port=True))[""]
    assert [_backlog(sock) for sock in dealt] == [2, 2]
    close(dealt)


@linux
def test_no_socket_of_a_predecessor_with_more_workers_is_left_out(shared: list[socket.socket]) -> None:
    before = all_of(deal(named(shared), 5, reuse_port=True))
    hands = deal(before, 2, reuse_port=True)
    assert [len(hand[""]) for hand in hands] == [3, 2]
    assert set(all_of(hands)[""]) == set(before[""])
    close(before[""])


@linux
def test_a_socket_without_so_reuseport_is_refused_with_the_remedy() -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    with pytest.raises(ValueError, match=r"give bind_sockets\(…, reuse_port=True\) as well"):
        deal(named(sockets), 2, reuse_port=True)
    close(sockets)


@linux
def test_a_unix_socket_cannot_be_shared_by_reuse_port(tmp_path: Path) -> None:
    sock = bind_unix_socket(str(tmp_path / "socket"))
    with pytest.raises(ValueError, match="is not a TCP port"):
        deal(named([sock]), 2, reuse_port=True)
    sock.close()


def test_reuse_port_is_refused_where_the_kernel_does_not_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ValueError, match="balances connections on Linux, not on darwin"):
        check_reuse_port()


def test_one_server_is_for_sockets_without_names_or_with_one(shared: list[socket.socket]) -> None:
    server = TCPServer()
    assert by_name(server, {"http": shared}) == {"http": server}
    with pytest.raises(ValueError, match=r"the sockets have the names \['admin', 'http'\]"):
        by_name(server, {"http": shared, "admin": shared})


def test_the_memory_of_a_process_is_told_by_the_system_and_by_ps_alike() -> None:
    told, by_ps = resident_bytes(os.getpid()), _from_ps(os.getpid())
    assert told is not None
    assert by_ps is None or 0.5 < told / by_ps < 2  # None: there is no ps here
    assert resident_bytes(2**22 + 1) is None


@pytest.mark.parametrize(
    ("code", "cause"),
    [(3, "exited with status 3"), (-9, "was killed by SIGKILL"), (-200, "was killed by signal 200")],
)
def test_the_end_of_a_process_has_a_cause(code: int, cause: str) -> None:
    assert cause_of(code) == cause


def test_the_parent_tells_signs_from_the_text_of_a_report() -> None:
    near, far = socket.socketpair()
    end = ParentEnd(near)
    with far:
        far.sendall(bytes([READY, BEAT]) + "Täsks:\n".encode() + bytes([BEAT]) + b"none\n" + bytes([END_OF_REPORT]))
        assert end.receive() == {READY, BEAT, END_OF_REPORT}
        assert end.take_report() == "Täsks:\nnone"
        assert end.take_report() == ""
        assert not end.ended
    assert end.receive() == set()
    assert end.ended
    end.close()


def test_a_report_is_kept_up_to_a_bound() -> None:
    near, far = socket.socketpair()
    end = ParentEnd(near)
    with far:
        for _ in range(10):
            far.sendall(b"x" * 60_000)
            end.receive()
    assert len(end.take_report()) == 256 * 1024
    end.close()


def test_the_working_directory_has_the_name_that_the_shell_gave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "release")
    monkeypatch.chdir(tmp_path / "current")
    monkeypatch.setenv("PWD", str(tmp_path / "current"))
    assert start_directory() == str(tmp_path / "current")
    monkeypatch.setenv("PWD", "/nowhere")
    assert start_directory() == str(tmp_path / "release")
