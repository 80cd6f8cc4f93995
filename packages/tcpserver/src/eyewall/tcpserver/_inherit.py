"""Listening sockets that somebody else has opened: systemd, or whoever started this process."""

from __future__ import annotations

import errno
import os
import socket

from .errors import BindError

_FIRST_DESCRIPTOR = 3
_UNNAMED = "unknown"


def socket_from_descriptor(number: int) -> socket.socket:
    """Return the listening socket that this process inherited as descriptor ``number``.

    The socket owns the descriptor, and is not passed on to programs that this process starts. Raises
    :class:`BindError` if the descriptor is closed, is not a stream socket, or is not listening.
    """
    return _adopt(number, f"descriptor {number}", "check what the process was started with")


def sockets_from_systemd() -> dict[str, list[socket.socket]]:
    """Return the listening sockets that systemd passed to this process, by name; ``{}`` if there are none.

    The names are those of ``FileDescriptorName=`` in the ``.socket`` units, or else the names of the units; several
    sockets may share a name (``sd_listen_fds_with_names(3)``)::

        passed = sockets_from_systemd()
        server.add_sockets(passed.get("web.socket") or bind_sockets(8080))

    The sockets are returned only once: the variables ``LISTEN_…`` are removed, so that no program started by this
    process takes them for its own. Raises :class:`BindError` for a descriptor that is not a listening stream socket,
    and ``ValueError`` for variables that cannot come from systemd.
    """
    pid, count, names = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if not count or pid != str(os.getpid()):
        return {}
    if not count.isascii() or not count.isdigit():
        raise ValueError(f"LISTEN_FDS is {count!r}, and not a number; only systemd should set it")
    named = names.split(":") if names else [_UNNAMED] * int(count)
    if len(named) != int(count):
        raise ValueError(f"LISTEN_FDNAMES has {len(named)} names, {names!r}, for {count} descriptors")
    sockets: dict[str, list[socket.socket]] = {}
    remedy = "check its .socket unit: it needs ListenStream= and Accept=no"
    for number, name in enumerate(named, _FIRST_DESCRIPTOR):
        sockets.setdefault(name, []).append(_adopt(number, f"descriptor {number}, {name!r} of systemd's,", remedy))
    return sockets


def _adopt(number: int, what: str, remedy: str) -> socket.socket:
    try:
        sock = socket.socket(fileno=number)
    except OSError as error:
        raise BindError(error.errno or 0, f"{what} is not a socket: {error.strerror}; {remedy}") from error
    if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()  # it is not ours
        raise BindError(errno.EINVAL, f"{what} is not a listening stream socket; {remedy}")
    sock.set_inheritable(False)
    return sock
