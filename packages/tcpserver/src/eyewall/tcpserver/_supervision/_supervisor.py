"""Supervisor: what a program that runs on several processes writes down."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from .._forking import check_can_fork
from .._log import logger
from .._process import cpu_count
from ..errors import BindError
from ._dealing import check_reuse_port, deal, named
from ._exit_code import ExitCode
from ._settings import Settings
from ._successor import own_command, start_directory, take_inheritance
from ._systemd import watchdog_seconds

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from ..protocols import MakeServer
    from ._dealing import ListenOn


class Supervisor:
    """Runs a server in several worker processes, and keeps them running.

    ::

        def make_server() -> EchoServer:
            return EchoServer()

        Supervisor(make_server, lambda: bind_sockets(8888), workers=4).run()

    ``make_server`` is called in each worker, inside its event loop. It may be a plain function or ``async``, or
    return an asynchronous context manager, which is exited after the server has drained. It supplies the server, or a
    dict of servers by the names of their sockets. ``sockets`` are listening sockets, or a dict of them, or a function
    that returns either. To be replaceable by SIGUSR2, a program needs a function: the new program does not call it,
    but inherits the sockets of its predecessor. ``workers`` of None or 0 means one for each processor.

    Workers share the sockets or, with ``reuse_port`` (Linux), each gets a socket of its own besides those given,
    which must have been bound with ``reuse_port=True``.

    - SIGTERM, SIGINT: drain all workers, with ``grace`` seconds for connections to end, and exit. A second signal
      ends everything at once.
    - SIGHUP: replace the workers, one at a time; the old one is told to drain when the new one is ready. If a new one
      fails, the old ones stay.
    - SIGUSR2: start ``command`` (default: this program as it was started) beside this one, on the same sockets; once
      it serves, drain and exit.
    - SIGUSR1: log the stacks of each worker's threads, and its tasks. SIGQUIT to a worker: log those of its threads.

    A worker that dies is replaced: immediately if it had served for ``stable_seconds``, otherwise after ``back_off``
    seconds, doubled with every failure in a row, up to ``max_back_off``. When no worker serves and each has failed
    ``max_failures`` times in a row, the supervisor gives up. If a worker is not ready within ``start_timeout``
    seconds, or its event loop does not turn for ``hang_timeout`` seconds (None: never checked), the stacks of its
    threads and its tasks are logged, and it is killed. A worker that is older than ``max_age`` seconds (varied by up
    to a tenth), or has more than ``max_memory`` bytes of resident memory, is replaced as by SIGHUP.

    Under systemd, it reports READY, RELOADING, STOPPING and WATCHDOG (see :func:`notify`).
    """

    def __init__(
        self,
        make_server: MakeServer,
        sockets: ListenOn,
        *,
        workers: int | None = None,
        reuse_port: bool = False,
        grace: float = 30.0,
        start_timeout: float = 60.0,
        hang_timeout: float | None = 30.0,
        max_age: float | None = None,
        max_memory: int | None = None,
        back_off: float = 0.5,
        max_back_off: float = 30.0,
        max_failures: int = 5,
        stable_seconds: float = 10.0,
        command: Sequence[str] | None = None,
    ) -> None:
        # Not redundant for those who have no type checker.
        if not isinstance(workers, int | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"workers is {workers!r}: give a number of processes; None means one for each processor")
        if workers is not None and workers < 0:
            raise ValueError(f"workers={workers!r}: a number of processes; None or 0 means one for each processor")
        if reuse_port:
            check_reuse_port()
        self._make_server = make_server
        self._sockets = sockets
        self._reuse_port = reuse_port
        self._command = list(command or own_command())
        self._directory = start_directory()
        self._settings = Settings(
            workers=workers or cpu_count(),
            grace=grace,
            start_timeout=start_timeout,
            hang_timeout=hang_timeout,
            max_age=max_age,
            max_memory=max_memory,
            back_off=back_off,
            max_back_off=max_back_off,
            max_failures=max_failures,
            stable_seconds=stable_seconds,
            watchdog=watchdog_seconds(),
        ).check()

    def run(self) -> NoReturn:
        """Supervise until told to stop, then exit with an :class:`ExitCode`.

        This does not return in a worker either, so code after it does not run there: a worker ends when its server
        has drained. Raises ``RuntimeError`` if forking would break things: in a process with an event loop, in a
        worker, and outside the main thread.
        """
        from ._parent import Supervision  # what no other program needs

        check_can_fork("Supervisor.run()")
        inherited = take_inheritance()
        try:
            sockets = self._listen() if inherited is None else inherited.sockets
            hands = deal(sockets, self._settings.workers, reuse_port=self._reuse_port)
        except BindError as error:
            logger.critical("%s", error)
            sys.exit(ExitCode.LISTEN_FAILED)
        command = self._command if callable(self._sockets) else None
        sys.exit(Supervision(self._make_server, hands, self._settings, command, self._directory, inherited).run())

    def _listen(self) -> dict[str, list[socket.socket]]:
        return named(self._sockets() if callable(self._sockets) else self._sockets)
