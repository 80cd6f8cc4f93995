"""SIGUSR2: a new program on the same sockets, started beside this one; and being such a program.

The sockets go through ``exec`` as open descriptors, a pipe beside them on which the new program says
that it serves. An environment variable has their numbers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from .._forking import fork, signals_held
from .._log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_VARIABLE: Final = "EYEWALL_INHERITED"
_READY: Final = b"READY"


class Successor:
    """The program that is to take over, as its predecessor sees it."""

    def __init__(self, pid: int, pipe: int, deadline: float) -> None:
        self.pid: Final = pid
        self.deadline: Final = deadline
        self.ended = False
        """True once it has closed its end of the pipe, most often by ending."""
        self._pipe = pipe
        os.set_blocking(pipe, False)

    def fileno(self) -> int:
        """Return the descriptor on which it says that it serves."""
        return self._pipe

    def is_ready(self) -> bool:
        """True once it serves."""
        try:
            said = os.read(self._pipe, 64)
        except BlockingIOError:
            return False
        self.ended = not said
        return bool(said)

    def terminate(self) -> None:
        """Tell it to end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def close(self) -> None:
        """Forget it."""
        os.close(self._pipe)


def start_successor(
    command: list[str],
    directory: str,
    sockets: Mapping[str, Iterable[socket.socket]],
    handled: Iterable[int],
    become_child: Callable[[], object],
    deadline: float,
) -> Successor:
    """Start the program. Raises ``OSError`` if there can be no further process."""
    import json

    read, write = os.pipe()
    numbers = {name: [sock.fileno() for sock in group] for name, group in sockets.items()}
    # In the parent: a child shall do no more than it must before it becomes the new program.
    value = json.dumps({"ready": write, "sockets": numbers})
    try:
        with signals_held(handled):
            pid = fork()
            if not pid:
                become_child()
    except OSError:
        os.close(read)
        os.close(write)
        raise
    if not pid:
        _become(command, directory, [write, *(number for group in numbers.values() for number in group)], value)
    os.close(write)
    return Successor(pid, read, deadline)


def _become(command: list[str], directory: str, inherited: Iterable[int], value: str) -> NoReturn:
    try:
        for number in inherited:
            os.set_inheritable(number, True)
        os.chdir(directory)
        environment = {**os.environ, _VARIABLE: value}
        if "WATCHDOG_PID" in environment:
            environment["WATCHDOG_PID"] = str(os.getpid())
        os.execvpe(command[0], command, environment)  # noqa: S606 - the operator's own program
    except BaseException:  # noqa: BLE001 - the process ends
        logger.exception("cannot run %r in %r", command, directory)
    finally:
        os._exit(127)


class Inheritance:
    """What a predecessor has left to this program: its sockets, by name, and the duty to say when it serves."""

    def __init__(self, sockets: dict[str, list[socket.socket]], pipe: int) -> None:
        self.sockets: Final = sockets
        self._pipe = pipe

    def announce(self) -> None:
        """Tell the predecessor that it may go."""
        with contextlib.suppress(BrokenPipeError):  # it has gone already
            os.write(self._pipe, _READY)
        self.close()

    def close(self) -> None:
        """Say nothing, or nothing more."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def take_inheritance() -> Inheritance | None:
    """Return what a predecessor has left, once; None if there is none."""
    value = os.environ.pop(_VARIABLE, None)
    if value is None:
        return None
    import json

    left = json.loads(value)
    pipe = int(left["ready"])
    os.set_inheritable(pipe, False)
    return Inheritance({name: [_adopt(number) for number in group] for name, group in left["sockets"].items()}, pipe)


def _adopt(number: int) -> socket.socket:
    os.set_inheritable(number, False)
    return socket.socket(fileno=number)


def own_command() -> list[str]:
    """Return the command line that this program was started with."""
    return [sys.executable, *sys.orig_argv[1:]]


def start_directory() -> str:
    """Return the working directory, by the name that the shell has for it.

    A deployment that points a symbolic link to the new release is then followed.
    """
    name = os.environ.get("PWD")
    with contextlib.suppress(OSError):
        if name and os.path.samefile(name, "."):
            return name
    return os.getcwd()
