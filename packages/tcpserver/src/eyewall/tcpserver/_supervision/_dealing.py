"""Deals listening sockets to workers: all of them the same, or to each one of its own."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from .._bind import DEFAULT_BACKLOG

if TYPE_CHECKING:
    Hand: TypeAlias = Mapping[str, list[socket.socket]]

Groups: TypeAlias = Mapping[str, Iterable[socket.socket]]
Sockets: TypeAlias = Iterable[socket.socket] | Groups
"""Listening sockets, or several groups of them by name."""

ListenOn: TypeAlias = Sockets | Callable[[], Sockets]
"""The same, or what makes them."""

UNNAMED = ""


def named(sockets: Sockets) -> dict[str, list[socket.socket]]:
    """Return the groups. Raises ``ValueError`` if there is nothing to listen on."""
    # To a checker, a Mapping of sockets to whatever is an Iterable of sockets, too.
    groups = cast("Groups", sockets) if isinstance(sockets, Mapping) else {UNNAMED: sockets}
    found = {name: list(group) for name, group in groups.items()}
    if not found or not all(found.values()):
        raise ValueError(f"there are no sockets to listen on: {found!r}; bind_sockets makes some")
    return found


def deal(sockets: Mapping[str, list[socket.socket]], count: int, *, reuse_port: bool) -> list[Hand]:
    """Return what each of ``count`` workers listens on.

    With ``reuse_port`` sockets are made beside those that there are, until each worker has one for
    each address; where there are more, as a predecessor with more workers leaves them, some get two.
    """
    if not reuse_port:
        return [sockets for _ in range(count)]
    hands: list[Hand] = [{name: [] for name in sockets} for _ in range(count)]
    for name, group in sockets.items():
        for siblings in _by_address(group):
            siblings += [_sibling(siblings[0]) for _ in range(count - len(siblings))]
            for index, sock in enumerate(siblings):
                hands[index % count][name].append(sock)
    return hands


def all_of(hands: Iterable[Hand]) -> dict[str, list[socket.socket]]:
    """Return each socket once, by name."""
    found: dict[str, list[socket.socket]] = {}
    for hand in hands:
        for name, group in hand.items():
            known = found.setdefault(name, [])
            known += [sock for sock in group if sock not in known]
    return found


def check_reuse_port() -> None:
    """Raise ``ValueError`` on a system whose kernel would give all connections to one of the sockets."""
    if sys.platform != "linux":
        raise ValueError(f"reuse_port=True balances connections on Linux, not on {sys.platform}; leave it out")


def _by_address(group: list[socket.socket]) -> list[list[socket.socket]]:
    found: dict[object, list[socket.socket]] = {}
    for sock in group:
        found.setdefault((sock.family, sock.getsockname()), []).append(sock)
    return list(found.values())


def _sibling(sock: socket.socket) -> socket.socket:
    """Make a further socket that listens where ``sock`` does, with as long a queue; other options are not copied."""
    if sock.family not in {socket.AF_INET, socket.AF_INET6}:
        raise ValueError(f"{sock.getsockname()!r} is not a TCP port; only those can be shared by reuse_port=True")
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
        raise ValueError(
            f"{sock.getsockname()!r} was bound without SO_REUSEPORT; give bind_sockets(…, reuse_port=True) as well"
        )
    made = socket.socket(sock.family, sock.type, sock.proto)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if sock.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(sock.getsockname())
        made.listen(_backlog(sock))
    except BaseException:
        made.close()
        raise
    return made


def _backlog(sock: socket.socket) -> int:
    """Return the length of a listening socket's queue: Linux tells it where other sockets have tcpi_sacked."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    return int.from_bytes(info[28:32], sys.byteorder) or DEFAULT_BACKLOG
