"""A worker, from the fork to its end: make a loop and a server, say so, serve until told to stop, drain."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from eyewall.ioloop import IOLoop

from .._drain import DrainReport
from .._forking import become_worker, take_note
from .._log import logger
from ._exit_code import ExitCode
from ._lifeline import WorkerEnd
from ._settings import LEAVE_MARGIN
from ._systemd import forget_systemd

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence
    from contextlib import AsyncExitStack

    from eyewall.ioloop import Promise

    from ..protocols import MakeServer, Server, Servers

_DEAF_TO = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What a terminal or an operator sends to the whole group is for the supervisor, who tells its workers."""


class Job(NamedTuple):
    """What a worker is to do."""

    number: int
    make_server: MakeServer
    sockets: Mapping[str, Sequence[socket.socket]]
    lifeline: socket.socket
    grace: float
    beat_seconds: float


def be_deaf() -> None:
    """Ignore what is not for a worker."""
    for number in _DEAF_TO:
        signal.signal(number, take_note)


def work(job: Job) -> NoReturn:
    """Be this worker until its end, and end the process: what the parent has on its stack is not for a worker."""
    code: int = ExitCode.CRASHED
    try:
        become_worker(job.number)
        forget_systemd()
        code = _Child(job).run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else ExitCode.CRASHED
    except BaseException:  # noqa: BLE001 - the process ends
        logger.exception("worker %d (pid %d) ends by an exception", job.number, os.getpid())
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    import logging

    with contextlib.suppress(Exception):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()


class _Child:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._io_loop = IOLoop()
        self._code: ExitCode | None = None
        self._told: Promise[ExitCode] = self._io_loop.create_future()
        self._lifeline = WorkerEnd(
            job.lifeline,
            self._io_loop.describe_tasks,
            lambda: self._io_loop.add_callback(self._leave, ExitCode.ORPHANED),
            job.grace + LEAVE_MARGIN,
        )

    def run(self) -> int:
        try:
            self._io_loop.run_sync(self._main)
        except RuntimeError:
            if self._code is not None:
                raise
            logger.error("worker %d: its event loop was stopped, not the supervisor's way", self._job.number)
            return ExitCode.LOOP_STOPPED
        self._io_loop.shutdown()
        self._io_loop.close()
        return ExitCode.CRASHED if self._code is None else self._code

    async def _main(self) -> None:
        try:
            self._code = await self._serve()
        except BaseException:
            self._code = self._code or ExitCode.CRASHED
            raise

    async def _serve(self) -> ExitCode:
        self._io_loop.add_signal_handler(signal.SIGTERM, self._leave, ExitCode.OK)
        async with contextlib.AsyncExitStack() as stack:
            try:
                servers = await self._start(stack)
            except Exception:  # noqa: BLE001 - whatever it is, the exit code says so
                logger.exception("worker %d (pid %d) cannot start", self._job.number, os.getpid())
                return ExitCode.START_FAILED
            self._lifeline.ready()
            self._beat()
            code = await self._told
            reports = [self._io_loop.spawn(_drain(server, self._job.grace)) for server in servers]
            cut = [await report for report in reports]
            return ExitCode.CUT if any(cut) and code is ExitCode.OK else code

    async def _start(self, stack: AsyncExitStack) -> list[Server]:
        servers = by_name(await _made(self._job.make_server(), stack), self._job.sockets)
        for name, server in servers.items():
            server.add_sockets(self._job.sockets[name])
        return list(servers.values())

    def _leave(self, code: ExitCode) -> None:
        if not self._told.done():
            self._told.set_result(code)

    def _beat(self) -> None:
        self._lifeline.beat()
        self._io_loop.call_later(self._job.beat_seconds, self._beat)


def by_name(servers: Servers, sockets: Mapping[str, Sequence[socket.socket]]) -> dict[str, Server]:
    """Return the server for each name that sockets have. Raises ``ValueError`` if they do not match."""
    if not _is_mapping(servers):
        if len(sockets) != 1:
            raise ValueError(
                f"the sockets have the names {sorted(sockets)}; return a dict with a server for each, not {servers!r}"
            )
        return dict.fromkeys(sockets, cast("Server", servers))
    named = cast("Mapping[str, Server]", servers)
    if set(named) != set(sockets):
        raise ValueError(f"there are servers for {sorted(named)}, but sockets for {sorted(sockets)}; make them match")
    return dict(named)


def _is_mapping(servers: object) -> bool:
    from collections.abc import Mapping

    return isinstance(servers, Mapping)


async def _made(made: Any, stack: AsyncExitStack) -> Servers:
    """Return the servers, be they returned, awaited, or what an asynchronous context manager gives."""
    if hasattr(made, "add_sockets") or _is_mapping(made):
        return cast("Servers", made)
    if hasattr(made, "__aenter__"):
        return cast("Servers", await stack.enter_async_context(made))
    if hasattr(made, "__await__"):
        return await _made(await made, stack)
    raise TypeError(f"make_server gave {made!r}; give a server with add_sockets and drain, or a dict of such by name")


async def _drain(server: Server, grace: float) -> bool:
    """Drain; True if something had to be cut."""
    report = await server.drain(grace)
    return isinstance(report, DrainReport) and bool(report.cut)
