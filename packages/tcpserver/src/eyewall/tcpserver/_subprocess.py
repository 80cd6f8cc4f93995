"""Subprocess: another program, with streams to it, and its end told by the loop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from eyewall.ioloop import READ, IOLoop
from eyewall.iostream import PipeIOStream

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from typing import IO, TypeAlias

    from eyewall.ioloop import EventLoop, Future

    Redirection: TypeAlias = int | IO[Any] | "_Stream" | None


class _Stream:
    def __repr__(self) -> str:
        return "Subprocess.STREAM"


class Subprocess:
    r"""Runs a program like ``subprocess.Popen``, with the same arguments, but without blocking the loop.

    ``stdin``, ``stdout`` and ``stderr`` may also be :data:`Subprocess.STREAM`; the attribute of the same name is then
    a ``PipeIOStream``, which the caller has to close::

        process = Subprocess(["sort"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)
        await process.stdin.write(b"b\na\n")
        process.stdin.close()
        print(await process.stdout.read_until_close())
        await process.wait_for_exit()

    If the system has a descriptor for it (Linux), the end of the program is noticed through that, and in every
    thread; otherwise through SIGCHLD, and only by a loop in the main thread (see :meth:`initialize`).
    """

    STREAM: Final = _Stream()

    _on_sigchld: ClassVar[IOLoop | None] = None
    _watched: ClassVar[set[Subprocess]] = set()

    def __init__(
        self,
        args: str | bytes | os.PathLike[str] | Sequence[str | bytes | os.PathLike[str]],
        *,
        stdin: Redirection = None,
        stdout: Redirection = None,
        stderr: Redirection = None,
        io_loop: EventLoop | None = None,
        **options: Any,
    ) -> None:
        import subprocess

        self.io_loop: EventLoop = IOLoop.current() if io_loop is None else io_loop
        self.returncode: int | None = None
        """The exit status, negative for a signal; None until the program is known to have ended."""
        pipes = _Pipes()
        try:
            child_ends = [pipes.child_end(stdin, 0), pipes.child_end(stdout, 1), pipes.child_end(stderr, 2)]
            self.proc: subprocess.Popen[Any] = subprocess.Popen(  # noqa: S603 - what to run is for the caller to answer
                args, stdin=child_ends[0], stdout=child_ends[1], stderr=child_ends[2], **options
            )
        except BaseException:
            pipes.close()
            raise
        self.pid: int = self.proc.pid
        self._streams = pipes.streams(self.io_loop)
        self._callbacks: list[Callable[[int], object]] = []
        self._exit_callback: Callable[[int], object] | None = None
        self._pidfd = -1
        self._is_watched = False

    @property
    def stdin(self) -> PipeIOStream:
        """The stream from which the program reads; with anything but ``STREAM``, as in Popen."""
        # The cast here and below: who did not ask for a stream knows what else was asked for.
        return self._streams.get(0) or cast("PipeIOStream", self.proc.stdin)

    @property
    def stdout(self) -> PipeIOStream:
        """The stream to which the program writes its output; with anything but ``STREAM``, as in Popen."""
        return self._streams.get(1) or cast("PipeIOStream", self.proc.stdout)

    @property
    def stderr(self) -> PipeIOStream:
        """The stream to which the program writes its errors; with anything but ``STREAM``, as in Popen."""
        return self._streams.get(2) or cast("PipeIOStream", self.proc.stderr)

    def set_exit_callback(self, callback: Callable[[int], object]) -> None:
        """Call ``callback(returncode)`` in a turn of the loop once the program has ended; replaces an earlier one."""
        self._exit_callback = callback
        self._watch()

    def wait_for_exit(self, raise_error: bool = True) -> Future[int]:
        """Return a future of the exit status, or of a ``subprocess.CalledProcessError`` if it is not 0.

        With ``raise_error=False``, the result is the status in any case.
        """
        promise = self.io_loop.create_future()

        def answer(returncode: int) -> None:
            import subprocess

            if promise.done():
                return
            if returncode and raise_error:
                promise.set_exception(subprocess.CalledProcessError(returncode, self.proc.args))
            else:
                promise.set_result(returncode)

        self._callbacks.append(answer)
        self._watch()
        return promise

    @classmethod
    def initialize(cls) -> None:
        """Let the current loop notice the ends of programs, on systems where that requires SIGCHLD.

        Called automatically when needed. Raises ``RuntimeError`` outside the main thread.
        """
        if cls._on_sigchld is None and not hasattr(os, "pidfd_open"):
            cls._begin_sigchld()

    @classmethod
    def uninitialize(cls) -> None:
        """Undo :meth:`initialize`."""
        if cls._on_sigchld is not None:
            import signal

            loop, cls._on_sigchld = cls._on_sigchld, None
            loop.remove_signal_handler(signal.SIGCHLD)

    @classmethod
    def _begin_sigchld(cls) -> None:
        import signal

        if cls._on_sigchld is None:
            loop = IOLoop.current()
            loop.add_signal_handler(signal.SIGCHLD, cls._look_at_all)
            cls._on_sigchld = loop

    @classmethod
    def _look_at_all(cls) -> None:
        for process in list(cls._watched):
            process._look()

    def _watch(self) -> None:
        if self.returncode is not None:
            self.io_loop.add_callback(self._ended)
        elif not self._is_watched:
            self._is_watched = True
            self._watched.add(self)
            try:
                self._pidfd = os.pidfd_open(self.pid)
            except (AttributeError, OSError):  # another system, an old kernel, a sandbox, or one that has been reaped
                self._begin_sigchld()
                self._look()  # it may have ended before
            else:
                self.io_loop.add_handler(self._pidfd, self._on_pidfd, READ)

    def _on_pidfd(self, _fd: int, _events: int) -> None:
        self._look()

    def _look(self) -> None:
        if self.proc.poll() is None:
            return
        self.returncode = self.proc.returncode
        self._watched.discard(self)
        if self._pidfd >= 0:
            self.io_loop.remove_handler(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.io_loop.add_callback(self._ended)

    def _ended(self) -> None:
        returncode = cast("int", self.returncode)  # this is called after it was set
        callbacks, self._callbacks = self._callbacks, []
        callback, self._exit_callback = self._exit_callback, None
        for answer in callbacks:
            answer(returncode)
        if callback is not None:
            callback(returncode)


class _Pipes:
    """The pipes to a program that is about to start: the child's ends, and ours, by its descriptors."""

    def __init__(self) -> None:
        self._theirs: list[int] = []
        self._ours: dict[int, int] = {}

    def child_end(self, wanted: Redirection, number: int) -> int | IO[Any] | None:
        if not isinstance(wanted, _Stream):
            return wanted
        reading, writing = os.pipe()
        theirs, ours = (reading, writing) if number == 0 else (writing, reading)
        self._theirs.append(theirs)
        self._ours[number] = ours
        return theirs

    def streams(self, io_loop: EventLoop) -> dict[int, PipeIOStream]:
        """Return streams of our ends, and close the others."""
        self._close(self._theirs)
        return {number: PipeIOStream(fd, io_loop=io_loop) for number, fd in self._ours.items()}

    def close(self) -> None:
        self._close([*self._theirs, *self._ours.values()])

    def _close(self, fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)
