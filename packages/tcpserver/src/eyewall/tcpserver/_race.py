"""Happy eyeballs (RFC 8305): try the addresses of a host one after the other, not waiting long for each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from eyewall.iostream import BaseIOStream

from ._log import readable
from .errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eyewall.ioloop import EventLoop, Future, Promise, Timer
    from eyewall.iostream import Address

S = TypeVar("S", bound=BaseIOStream)

ATTEMPT_DELAY: Final = 0.25
"""Seconds until the next address is tried beside one that has not answered (RFC 8305 section 5)."""


class Race(Generic[S]):
    """Attempts to connect, the first of which to succeed wins; the others are closed."""

    def __init__(
        self,
        host: str,
        addresses: Iterable[tuple[int, Address]],
        connect: Callable[[int, Address], tuple[S, Future[S]]],
        io_loop: EventLoop,
    ) -> None:
        self._host = host
        self._left = interleaved(addresses)
        self._io_loop = io_loop
        self._connect = connect
        self._winner: Promise[S] = io_loop.create_future()
        self._won: S | None = None
        self._running: dict[S, Address] = {}
        self._timer: Timer | None = None
        self._failures: list[tuple[Address, BaseException]] = []

    @property
    def trying(self) -> list[Address]:
        """The addresses that have not answered."""
        return list(self._running.values())

    async def run(self) -> S:
        """Return the first stream that is connected; raises :class:`ConnectError` if none is."""
        self._start_next()
        try:
            return await self._winner
        except BaseException:
            if self._won is not None:
                self._won.close()
            raise
        finally:
            self._stop_timer()
            self._left.clear()
            for stream in self._running:
                stream.close()

    def _start_next(self) -> None:
        """Try the next address; each that fails on the spot gives way to the one after."""
        self._stop_timer()
        while self._left:
            family, address = self._left.pop(0)
            try:
                stream, connected = self._connect(family, address)
            except OSError as error:
                self._failures.append((address, error))
                continue
            self._running[stream] = address
            connected.add_done_callback(partial(self._on_answer, stream))
            if self._left:
                self._timer = self._io_loop.call_later(ATTEMPT_DELAY, self._start_next)
            return
        if not self._running and not self._winner.done():
            self._winner.set_exception(self._error())

    def _error(self) -> ConnectError:
        failures = tuple(self._failures)
        causes = "; ".join(f"{readable(address)}: {error}" for address, error in failures) or "it has no address"
        last = failures[-1][1] if failures else None
        return ConnectError(f"cannot connect to {self._host}: {causes}", last, host=self._host, failures=failures)

    def _on_answer(self, stream: S, connected: Future[S]) -> None:
        address = self._running.pop(stream, None)
        if address is None or self._winner.done():
            stream.close()
            return
        error = connected.exception()
        if error is None:
            self._won = stream
            self._winner.set_result(stream)
            return
        self._failures.append((address, stream.error or error))
        self._start_next()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def interleaved(addresses: Iterable[tuple[int, Address]]) -> list[tuple[int, Address]]:
    """Sort so that families alternate, each in its own order (RFC 8305 section 4)."""
    by_family: dict[int, list[tuple[int, Address]]] = {}
    for family, address in addresses:
        by_family.setdefault(family, []).append((family, address))
    queues = list(by_family.values())
    return [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]
