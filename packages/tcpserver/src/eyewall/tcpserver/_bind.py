"""Listening sockets: one for each address that a name stands for, or an error and none."""

from __future__ import annotations

import errno
import socket
import stat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .errors import BindError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_BACKLOG: Final = 128
"""Connections that the kernel queues for a listening socket, and the most that a turn accepts."""

_FREE_PORT_ATTEMPTS: Final = 8

_REMEDIES: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: "another program listens there; stop it ('ss -ltnp' names it) or choose another port",
    errno.EACCES: "ports below 1024 need a privilege; choose one from 1024 up, or grant CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "no interface of this machine has the address; choose one of its own, or None for all",
}


class _Candidate(NamedTuple):
    """An address to listen on, as ``getaddrinfo`` gives it."""

    family: int
    kind: int
    proto: int
    host: str
    scope: tuple[int, ...]
    """Flow and scope of an IPv6 address, which follow the port."""


def bind_sockets(
    port: int,
    address: str | None = None,
    family: int = socket.AF_UNSPEC,
    backlog: int = DEFAULT_BACKLOG,
    flags: int | None = None,
    reuse_port: bool = False,
) -> list[socket.socket]:
    """Create listening sockets for a port, one for each address that ``address`` stands for.

    ``address`` is an IP address or a host name; None or ``""`` means all interfaces. ``family`` restricts it to
    ``AF_INET`` or ``AF_INET6``; ``flags`` are the ``AI_*`` flags of ``getaddrinfo`` (default ``AI_PASSIVE``). Port 0
    lets the system choose a port, the same for all sockets. IPv6 sockets accept no IPv4 connections. ``reuse_port``
    lets several processes bind the same port and share its connections.

    Raises :class:`BindError` if one of the addresses is not available, and then leaves no socket open; a machine
    without IPv6 is not an error. Raises ``ValueError`` for a port above 65535, and for ``reuse_port`` on a system
    that lacks it.
    """
    # Not redundant for those who have no type checker: what an environment variable holds is text.
    if not isinstance(port, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"port {port!r} is not a number: convert it, int({port!r})")
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"port {port} does not exist; choose one from 1 to 65535, or 0 for any that is free")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this system has no SO_REUSEPORT; leave reuse_port=False and share the sockets by forking")
    address = address or None
    candidates = _resolve(address, port, family, socket.AI_PASSIVE if flags is None else flags)
    attempts = _FREE_PORT_ATTEMPTS if port == 0 else 1
    while True:
        attempts -= 1
        try:
            return _listen_on_all(candidates, port, address, backlog, reuse_port)
        except BindError as error:
            # What is free of IPv4 may be taken of IPv6: the system is asked for another one.
            if not attempts or error.errno != errno.EADDRINUSE:
                raise


def bind_unix_socket(file: str, mode: int = 0o600, backlog: int = DEFAULT_BACKLOG) -> socket.socket:
    r"""Create a listening Unix socket at the path ``file``, with the permissions ``mode``.

    A socket file that was left behind by an earlier server is replaced. A name that begins with ``"\0"`` is in
    Linux's abstract namespace and leaves no file. Raises :class:`BindError`, and ``ValueError`` if something other
    than a socket is at the path.
    """
    from pathlib import Path

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if file.startswith("\0"):
            sock.bind(file)
        else:
            _remove_stale(Path(file))
            sock.bind(file)
            Path(file).chmod(mode)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        message = f"cannot listen on {file!r}: {error.strerror or error}; {_unix_remedy(error)}"
        raise BindError(error.errno or 0, message, address=file) from error
    except BaseException:
        sock.close()
        raise
    return sock


def _listen_on_all(
    candidates: list[_Candidate], port: int, address: str | None, backlog: int, reuse_port: bool
) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for candidate in candidates:
            try:
                sockets.append(_listen(candidate, port, backlog, reuse_port))
            except OSError as error:
                if not _is_absent_ipv6(candidate, error, address):
                    raise
                absent = error
            else:
                port = sockets[-1].getsockname()[1]
    except BaseException as error:
        for sock in sockets:
            sock.close()
        if isinstance(error, OSError):
            raise _bind_error(error, address, port) from error
        raise
    if absent is not None and not sockets:
        raise _bind_error(absent, address, port) from absent
    return sockets


def _resolve(address: str | None, port: int, family: int, flags: int) -> list[_Candidate]:
    """Return the addresses, each once, IPv4 before IPv6: a machine may list one under several names."""
    if family == socket.AF_UNSPEC and not socket.has_ipv6:
        family = socket.AF_INET
    try:
        found = socket.getaddrinfo(address, port, family, socket.SOCK_STREAM, 0, flags)
    except (socket.gaierror, UnicodeError) as error:
        cause = error.strerror if isinstance(error, socket.gaierror) else str(error)
        message = f"cannot listen on {address!r}, port {port}: {cause}; check the spelling, or give an IP address"
        number = error.errno if isinstance(error, socket.gaierror) else socket.EAI_NONAME
        raise BindError(number or 0, message, address=address, port=port) from error
    unique = {_candidate(*info) for info in found}
    return sorted(c for c in unique if not _is_link_local_localhost(c, address))


def _candidate(family: int, kind: int, proto: int, _name: str, sockaddr: tuple[Any, ...]) -> _Candidate:
    return _Candidate(family, kind, proto, sockaddr[0], sockaddr[2:])


def _listen(candidate: _Candidate, port: int, backlog: int, reuse_port: bool) -> socket.socket:
    family, kind, proto, host, scope = candidate
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # Linux would let it take IPv4 as well, and then refuse the IPv4 socket of the same port.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port, *scope))
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_absent_ipv6(candidate: _Candidate, error: OSError, address: str | None) -> bool:
    """Tell a machine without IPv6 from a mistake.

    A kernel without it says so when the socket is made. Containers often have the family but no
    address in it: then only who asked for no address in particular is let off.
    """
    if candidate.family != socket.AF_INET6:
        return False
    return error.errno == errno.EAFNOSUPPORT or (error.errno == errno.EADDRNOTAVAIL and address in {None, "localhost"})


def _is_link_local_localhost(candidate: _Candidate, address: str | None) -> bool:
    """Tell macOS's fe80::1%lo0, for which its firewall asks the user at every start."""
    return address == "localhost" and len(candidate.scope) == 2 and candidate.scope[1] != 0


def _bind_error(error: OSError, address: str | None, port: int) -> BindError:
    where = "all addresses" if address is None else repr(address)
    remedy = _REMEDIES.get(error.errno or 0, "see the system's documentation of bind(2)")
    message = f"cannot listen on {where}, port {port}: {error.strerror}; {remedy}"
    return BindError(error.errno or 0, message, address=address, port=port)


def _unix_remedy(error: OSError) -> str:
    if error.errno is None:  # Python's own complaint, of the length
        return "choose a shorter one (Linux takes 107 bytes)"
    if error.errno == errno.EADDRINUSE:
        return "another program listens there; stop it ('ss -lxp' names it) or choose another name"
    return "check the directory and its permissions"


def _remove_stale(file: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(file.stat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise ValueError(f"{str(file)!r} exists and is not a socket; choose another path, or remove it")
    if not _is_served(file):
        file.unlink()


def _is_served(file: Path) -> bool:
    """True if somebody listens there; a file that was left behind refuses whoever calls."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        return sock.connect_ex(str(file)) in {0, errno.EAGAIN}
