"""What a connection is told when it is made: its limits, its deadlines, its habits."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from ._forms import ParseBodyConfig
from ._limiter import Limiter

KIB: Final = 1024
MIB: Final = 1024 * KIB

HalfClosed = Literal["gone", "finish"]
"""What a client that ends only its side of the connection counts as: gone, or one that waits for its answer."""


class Limits(NamedTuple):
    """How much there may be of everything that a peer sends. Sizes are in bytes.

    The defaults are made for the open Internet. Each refusal names its limit in the log::

        HTTPServer(app, limits=Limits(max_body_size=10 * 1024**2, max_fields=50))
    """

    max_request_line: int = 16 * KIB
    """The first line of a request, or 414."""
    max_field_size: int = 32 * KIB
    """One line of a head or of trailers, or 431."""
    max_header_size: int = 64 * KIB
    """A whole head, or 431."""
    max_fields: int = 200
    """Lines of a head, or of trailers: or 431."""
    max_trailer_size: int = 16 * KIB
    """All trailers of a message, or 431."""
    max_body_size: int = 100 * MIB
    """The body of a message, or 413; ``HTTPConnection.set_max_body_size`` changes it for one request."""
    max_chunk_extensions: int = 4 * KIB
    """The extensions of all chunks of a body, or 400. They are checked and ignored."""
    max_decompressed_size: int = 100 * MIB
    """A body that was compressed, once it is decompressed: or 413."""
    max_decompression_ratio: int = 100
    """How many times larger than it came a decompressed body of more than 1 MiB may be: or 413."""
    forms: ParseBodyConfig | None = None
    """How much may be in a form or a query that is parsed in memory, or ``HTTPInputError``, 400; None for what
    ``set_parse_body_config`` has set."""
    max_cookies: int = 500
    """Cookies that ``HTTPServerRequest.cookies`` takes apart: or ``HTTPInputError``, 400. Browsers keep less than 200
    for a site."""
    max_pipelined: int = 32
    """Requests of one connection that are answered in a row, before others get their turn.

    How many bytes of them are read ahead is the stream's ``read_chunk_size``.
    """
    max_requests: int | None = None
    """Requests that a connection serves: the last is told ``Connection: close``. None for no bound: a
    connection keeps nothing from one request to the next."""
    max_unwanted_body: int = 256 * KIB
    """What is read and thrown away of a body that was answered before it came; of a longer one, or one of
    unknown length, the connection is closed."""
    linger_bytes: int = 1 * MIB
    """Input that is thrown away behind an answer that ends the connection, so that the peer can read it."""


class Deadlines(NamedTuple):
    """How long everything that a peer or a handler does may take, in seconds; None for no bound.

    No request arms a timer. One timer of the server looks at all its connections, often enough that
    whatever is overdue is ended within :attr:`tick`, and never early.
    """

    handshake_timeout: float = 10.0
    """A TLS handshake: or the connection is closed."""
    header_timeout: float = 30.0
    """A head from its first byte, and the first byte of a new connection: or 408, or just closed."""
    body_timeout: float | None = None
    """A whole body: or 408. Without it, a body is bounded by its size and :attr:`min_body_rate`."""
    min_body_rate: float = 240
    """Bytes of a body that a client has to send in a second, on an average of :attr:`rate_window`; or 408.

    Time in which the delegate holds it back does not count. 0 for no bound.
    """
    rate_window: float = 10.0
    """Over how long :attr:`min_body_rate` is averaged."""
    idle_connection_timeout: float = 75.0
    """A connection without a request. The default outlasts the balancers in front."""
    handler_timeout: float | None = None
    """From the end of a request to the end of its answer: or 503, or the answer is cut. A coroutine is cancelled."""
    write_timeout: float = 60.0
    """How long a peer may take none of what waits to be sent: then it is gone."""
    linger_seconds: float = 2.0
    """How long input is thrown away behind an answer that ends the connection."""
    drain_timeout: float = 30.0
    """The grace of ``HTTPServer.drain``, where it is given none."""

    @property
    def tick(self) -> float:
        """How late a deadline may be noticed: a second, or a quarter of the shortest.

        ``linger_seconds`` does not count: how soon a connection goes that has been answered is of no weight.
        """
        times: tuple[float | None, ...] = (
            *(self.handshake_timeout, self.header_timeout, self.body_timeout, self.idle_connection_timeout),
            *(self.handler_timeout, self.write_timeout, self.rate_window),
        )
        return min(1.0, min(time for time in times if time is not None) / 4)


class HTTP1ConnectionParameters:
    """The habits, limits and deadlines of HTTP/1.1 connections.

    The names of single limits are Tornado's, and prevail over ``limits`` and ``deadlines``. Where
    ``max_header_size`` is given without ``limits``, one line may be as long as the whole head.
    Raises ``ValueError`` for a bound that is below zero, or a time that is not above it, and ``TypeError`` for
    what is no number.
    """

    __slots__ = ("chunk_size", "deadlines", "decompress", "half_closed", "limiter", "limits", "no_keep_alive")

    def __init__(
        self,
        no_keep_alive: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        header_timeout: float | None = None,
        max_body_size: int | None = None,
        body_timeout: float | None = None,
        decompress: bool = False,
        *,
        idle_connection_timeout: float | None = None,
        half_closed: HalfClosed = "gone",
        limits: Limits | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        _check_type("limits", limits, Limits)
        _check_type("deadlines", deadlines, Deadlines)
        one_line = None if limits else max_header_size
        self.no_keep_alive: bool = no_keep_alive
        """Close the connection after one request."""
        self.chunk_size: int | None = chunk_size
        """Bytes of a body that a delegate is given at a time, at most; None for whatever was read."""
        self.decompress: bool = decompress
        """Undo the ``Content-Encoding`` of messages."""
        self.half_closed: HalfClosed = half_closed
        """What a client counts as that ends only its side."""
        self.limits: Limits = (limits or Limits())._replace(
            **_given(
                max_request_line=one_line,
                max_field_size=one_line,
                max_header_size=max_header_size,
                max_body_size=max_body_size,
            )
        )
        """How much there may be of everything."""
        self.deadlines: Deadlines = (deadlines or Deadlines())._replace(
            **_given(
                header_timeout=header_timeout,
                body_timeout=body_timeout,
                idle_connection_timeout=idle_connection_timeout,
            )
        )
        """How long everything may take."""
        self._check()
        self.limiter: Limiter = Limiter(self.limits)
        """What measures messages against :attr:`limits`."""

    def _check(self) -> None:
        for name, size in self.limits._asdict().items():
            if isinstance(size, str):
                raise TypeError(f"{name} is {size!r}: give a number")
            if isinstance(size, int) and size < 0:
                raise ValueError(f"{name} is {size}: give 0 or more")
        for name, seconds in self.deadlines._asdict().items():
            if isinstance(seconds, str):
                raise TypeError(f"{name} is {seconds!r}: give a number")
            if seconds is not None and not (seconds > 0 or (name == "min_body_rate" and seconds == 0)):
                raise ValueError(f"{name} is {seconds}: give a number above 0")
        if self.half_closed not in {"gone", "finish"}:
            raise ValueError(f'half_closed is {self.half_closed!r}: give "gone" or "finish"')


def _check_type(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}: give {kind.__name__}(…)")


def _given(**bounds: float | None) -> dict[str, Any]:  # Any: each name has its own type
    return {name: bound for name, bound in bounds.items() if bound is not None}
