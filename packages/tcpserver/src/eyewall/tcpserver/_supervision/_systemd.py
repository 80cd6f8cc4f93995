"""What systemd wants to hear from a service, over a Unix datagram socket: ``sd_notify(3)``."""

from __future__ import annotations

import math
import os
import socket
import time
from typing import TYPE_CHECKING, Final

from .._log import logger

if TYPE_CHECKING:
    from ._crew import Crew

# What systemd tells a service through its environment is for that process, not for those it starts.
_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def notify(*lines: str) -> bool:
    """Tell systemd, or whoever set ``NOTIFY_SOCKET``, about the state of this service.

    Each line is an assignment as listed in ``sd_notify(3)``: ``"READY=1"``, ``"STATUS=warming up"``. Returns False if
    nobody asked, and also if it could not be delivered, which is logged::

        notify("READY=1", "STATUS=serving")
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):  # how systemd writes Linux's abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(address)
            sock.sendall("\n".join(lines).encode())
    except OSError as error:
        logger.warning("cannot tell systemd %s: %s (NOTIFY_SOCKET is %r)", " ".join(lines), error, address)
        return False
    return True


def watchdog_seconds() -> float | None:
    """Return the seconds within which systemd expects a ``WATCHDOG=1`` from this process; None if it does not.

    Send it twice in that time, as systemd recommends.
    """
    pid = os.environ.get("WATCHDOG_PID")
    if pid and pid != str(os.getpid()):
        return None
    try:
        seconds = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    except ValueError:
        logger.warning("WATCHDOG_USEC is not a number: %r", os.environ["WATCHDOG_USEC"])
        return None
    return seconds if seconds > 0 else None


def forget_systemd() -> None:
    """Keep a worker, and what it starts, from speaking for the service."""
    for name in _VARIABLES:
        os.environ.pop(name, None)


class ServiceNews:
    """Tells systemd of a crew: each change once, and that it lives as often as was asked for."""

    def __init__(self, watchdog: float | None, now: float) -> None:
        self._interval = math.inf if watchdog is None else watchdog / 2
        self._ping_at = now + self._interval
        self._announced = False
        self._reloading = False
        self._stopping = False
        self._serving = -1

    def due(self) -> float:
        """Return the moment at which systemd is to hear that the service lives."""
        return self._ping_at

    def tell(self, crew: Crew, now: float) -> None:
        """Tell what is new."""
        lines: list[str] = []
        if crew.serving() != self._serving:
            self._serving = crew.serving()
            lines.append(f"STATUS={self._serving} of {crew.size()} workers serve")
        if not self._announced and crew.all_serve():
            self._announced = True
            lines.append("READY=1")
        if crew.is_reloading() != self._reloading:
            self._reloading = crew.is_reloading()
            lines += _reload_begins() if self._reloading else ["READY=1"]
        if crew.stopping and not self._stopping:
            self._stopping = True
            lines.append("STOPPING=1")
        if now >= self._ping_at:
            self._ping_at = now + self._interval
            # While nobody serves, workers that start are this process's business, and it is at it.
            if crew.beaten or not self._serving:
                crew.beaten = False
                lines.append("WATCHDOG=1")
        if lines:
            notify(*lines)

    def handed_over(self, pid: int) -> None:
        """Another process is the service from now on; that this one stops is nobody's business."""
        self._stopping = True
        notify(f"MAINPID={pid}")


def _reload_begins() -> list[str]:
    """Return what ``Type=notify-reload`` wants to hear; the next READY ends it."""
    return ["RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"]
