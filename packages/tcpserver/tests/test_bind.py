"""bind_sockets and bind_unix_socket."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.tcpserver import BindError, TCPServerError, bind_sockets, bind_unix_socket

if TYPE_CHECKING:
    from collections.abc import Generator


@contextlib.contextmanager
def closing(sockets: list[socket.socket]) -> Generator[list[socket.socket]]:
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def open_descriptors() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, tuple[Any, ...]]) -> None:
    """Let every name stand for these addresses."""

    def getaddrinfo(*_: object) -> list[tuple[int, int, int, str, tuple[Any, ...]]]:
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", sockaddr) for family, sockaddr in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def fail_to_bind_ipv6(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    class Socket(socket.socket):
        def bind(self, address: Any, /) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(number, os.strerror(number))
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Socket)


def test_a_bound_socket_listens_without_blocking() -> None:
    with closing(bind_sockets(0, "127.0.0.1")) as [sock]:
        with socket.create_connection(sock.getsockname()) as client:
            connection, address = sock.accept()
            with connection:
                assert address == client.getsockname()
        with pytest.raises(BlockingIOError):
            sock.accept()


def test_port_zero_is_one_port_for_all_addresses_of_a_name() -> None:
    with closing(bind_sockets(0)) as sockets:
        ports = {sock.getsockname()[1] for sock in sockets}
        assert len(ports) == 1
        assert ports != {0}


def test_a_port_that_is_free_of_one_family_only_is_given_up_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (socket.AF_INET6, ("::1", 0, 0, 0)), (socket.AF_INET, ("127.0.0.1", 0)))
    refused: list[int] = []

    def refuse_twice(sock: socket.socket, address: Any) -> None:
        if sock.family == socket.AF_INET6 and len(refused) < 2:
            refused.append(address[1])
            raise OSError(errno.EADDRINUSE, "Address already in use")
        original(sock, address)

    original = socket.socket.bind
    monkeypatch.setattr(socket.socket, "bind", refuse_twice)
    with closing(bind_sockets(0, "localhost")) as sockets:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
    assert len(refused) == 2


def test_an_empty_address_means_all_interfaces() -> None:
    with closing(bind_sockets(0, "", socket.AF_INET)) as [sock]:
        assert sock.getsockname()[0] == "0.0.0.0"


def test_the_family_restricts_what_a_name_stands_for() -> None:
    with closing(bind_sockets(0, "localhost", socket.AF_INET)) as sockets:
        assert {sock.family for sock in sockets} == {socket.AF_INET}


def test_an_address_listed_twice_is_bound_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, *[(socket.AF_INET, ("127.0.0.1", 0))] * 2)
    with closing(bind_sockets(0, "twice.example")) as sockets:
        assert len(sockets) == 1


def test_reuse_port_lets_a_second_socket_have_the_same_port() -> None:
    with closing(bind_sockets(0, "127.0.0.1", reuse_port=True)) as [first]:
        port = first.getsockname()[1]
        with closing(bind_sockets(port, "127.0.0.1", reuse_port=True)) as [second]:
            assert second.getsockname() == first.getsockname()


def test_reuse_port_where_the_system_lacks_it_is_a_wrong_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(ValueError, match=r"no SO_REUSEPORT; leave reuse_port=False"):
        bind_sockets(0, "127.0.0.1", reuse_port=True)


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    resolve_to(monkeypatch, (socket.AF_INET6, ("::1", 0, 0, 0)), (socket.AF_INET, ("127.0.0.1", 0)))
    fail_to_bind_ipv6(monkeypatch, number)
    with closing(bind_sockets(0, "localhost")) as sockets:
        assert [sock.family for sock in sockets] == [socket.AF_INET]


def test_nothing_to_listen_on_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (socket.AF_INET6, ("::1", 0, 0, 0)))
    fail_to_bind_ipv6(monkeypatch, errno.EADDRNOTAVAIL)
    with pytest.raises(BindError, match="'localhost', port 0: Cannot assign requested address"):
        bind_sockets(0, "localhost")


def test_a_port_in_use_is_an_os_error_that_names_it_and_the_remedy() -> None:
    with closing(bind_sockets(0, "127.0.0.1")) as [taken]:
        port = taken.getsockname()[1]
        with pytest.raises(BindError) as caught:
            bind_sockets(port, "127.0.0.1")
    error = caught.value
    assert isinstance(error, OSError)
    assert isinstance(error, TCPServerError)
    assert (error.errno, error.address, error.port) == (errno.EADDRINUSE, "127.0.0.1", port)
    assert str(error) == (
        f"cannot listen on '127.0.0.1', port {port}: Address already in use;"
        " another program listens there; stop it ('ss -ltnp' names it) or choose another port"
    )


def test_a_port_that_needs_a_privilege_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (socket.AF_INET6, ("::1", 80, 0, 0)))
    fail_to_bind_ipv6(monkeypatch, errno.EACCES)
    with pytest.raises(BindError, match=r"'::1', port 80: Permission denied; .* CAP_NET_BIND_SERVICE"):
        bind_sockets(80, "::1")


def test_an_address_of_another_machine_is_refused_with_the_remedy() -> None:
    with pytest.raises(BindError, match=r"'192\.0\.2\.1', port 0: .*; no interface of this machine") as caught:
        bind_sockets(0, "192.0.2.1")
    assert caught.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize("address", ["300.1.1.1", "a" * 64 + ".example"])
def test_a_name_that_means_nothing_is_refused_with_the_remedy(address: str) -> None:
    with pytest.raises(BindError, match=r"port 8080: .*; check the spelling, or give an IP address") as caught:
        bind_sockets(8080, address, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST)
    assert caught.value.address == address


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_a_wrong_argument(port: int) -> None:
    with pytest.raises(ValueError, match=f"port {port} does not exist"):
        bind_sockets(port, "127.0.0.1")


def test_a_port_that_is_text_is_told_to_be_converted() -> None:
    with pytest.raises(TypeError, match=r"port '8080' is not a number: convert it, int\('8080'\)"):
        bind_sockets("8080")  # type: ignore[arg-type]  # on purpose


def test_where_one_address_fails_none_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET, ("192.0.2.1", 0)))
    before = open_descriptors()
    with pytest.raises(BindError):
        bind_sockets(0, "half.example")
    assert open_descriptors() == before


def test_a_unix_socket_has_the_mode_and_takes_connections(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind_unix_socket(str(path), mode=0o640) as sock, socket.socket(socket.AF_UNIX) as client:
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        client.connect(str(path))
        sock.accept()[0].close()


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    bind_unix_socket(path).close()
    with bind_unix_socket(path) as sock:
        assert sock.getsockname() == path


def test_a_unix_socket_that_is_served_is_not_taken_away(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with bind_unix_socket(path, backlog=0), socket.socket(socket.AF_UNIX) as client:
        for _ in range(3):  # the queue is full at last
            with pytest.raises(BindError, match="in use; another program listens there"):
                bind_unix_socket(path)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.connect(path)


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(ValueError, match="exists and is not a socket"):
        bind_unix_socket(str(path))
    assert path.read_text() == "data"


def test_a_unix_socket_in_a_missing_directory_is_refused_by_name(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "s")
    with pytest.raises(BindError, match="missing/s': No such file or directory") as caught:
        bind_unix_socket(path)
    assert (caught.value.errno, caught.value.port) == (errno.ENOENT, None)


@pytest.mark.parametrize("directory", ["/tmp/", "\0"])
def test_a_path_too_long_for_a_unix_socket_is_told(directory: str) -> None:
    with pytest.raises(BindError, match=r"path too long; choose a shorter one"):
        bind_unix_socket(directory + "x" * 200)


def test_an_abstract_name_in_use_is_told_with_the_remedy() -> None:
    name = f"\0eyewall-twice-{os.getpid()}"
    with bind_unix_socket(name), pytest.raises(BindError, match="in use; another program listens there"):
        bind_unix_socket(name)


def test_an_abstract_unix_socket_leaves_no_file() -> None:
    name = f"\0eyewall-{os.getpid()}"
    with bind_unix_socket(name) as sock:
        assert sock.getsockname() == name.encode()


def test_a_bind_error_survives_pickling() -> None:
    error = BindError(errno.EADDRINUSE, "taken", address="127.0.0.1", port=80)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.errno, str(copy), copy.address, copy.port) == (errno.EADDRINUSE, "taken", "127.0.0.1", 80)
