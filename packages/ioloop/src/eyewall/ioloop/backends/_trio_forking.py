"""Lets a child that is forked while Trio runs end as it likes, and its parent hear of nothing.

At its end Trio unregisters what its tasks waited for, and wakes itself through sockets: the parent's, both
of them. Trio has no way to say so, hence these are its internals. Where they look different, nothing
is done, and such a child has to end by ``os._exit``.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from typing import Any

import trio

_system: Any = select  # Any: typeshed shows epoll on one platform only


def separate() -> None:
    """Give the Trio program that runs in this thread an epoll and sockets of its own, under the same numbers."""
    try:
        runner: Any = getattr(trio.lowlevel.current_task(), "_runner", None)
    except RuntimeError:  # none runs
        return
    with suppress(AttributeError):
        manager = runner.io_manager
        wakers = (runner.entry_queue.wakeup, manager._force_wakeup)
        for waker in wakers:
            _renew(waker.wakeup_sock, waker.write_sock)
        _copy_epoll(manager)  # not before: an epoll knows a descriptor by what is behind it


def _copy_epoll(manager: Any) -> None:
    with _system.epoll() as copy:
        copy.register(manager._force_wakeup_fd, _system.EPOLLIN)
        for number, waiters in manager._registered.items():
            with suppress(OSError):  # closed since
                copy.register(number, waiters.current_flags | _system.EPOLLONESHOT)
        os.dup2(copy.fileno(), manager._epoll.fileno(), inheritable=False)


def _renew(*pair: socket.socket) -> None:
    for old, new in zip(pair, socket.socketpair(), strict=True):
        with new:
            new.setblocking(False)
            os.dup2(new.fileno(), old.fileno(), inheritable=False)
