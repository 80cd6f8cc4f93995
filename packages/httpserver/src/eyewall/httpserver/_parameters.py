"""What a connection is told when it is made: its limits, its deadlines, its habits."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from ._forms import ParseBodyConfig
from ._limiter import Limiter

KIB: Final = 1024
MIB: Final = 1024 * KIB

HalfClosed = Literal["gone", "finish"]
"""How to treat a client that shuts down only its side of the connection: as gone, or as waiting for its response."""


class Limits(NamedTuple):
    """Limits for everything that a peer sends. Sizes are in bytes.

    The defaults are suitable for the open Internet. Each refusal is logged with the name of its limit::

        HTTPServer(app, limits=Limits(max_body_size=10 * 1024**2, max_fields=50))
    """

    max_request_line: int = 16 * KIB
    """The first line of a request. Beyond it: 414."""
    max_field_size: int = 32 * KIB
    """One line of a head or of trailers. Beyond it: 431."""
    max_header_size: int = 64 * KIB
    """A whole head. Beyond it: 431."""
    max_fields: int = 200
    """The number of lines in a head, or in trailers. Beyond it: 431."""
    max_trailer_size: int = 16 * KIB
    """All trailers of a message. Beyond it: 431."""
    max_body_size: int = 100 * MIB
    """The body of a message. Beyond it: 413. ``HTTPConnection.set_max_body_size`` changes it for one request."""
    max_chunk_extensions: int = 4 * KIB
    """The extensions of all chunks of a body, which are checked and ignored. Beyond it: 400."""
    max_decompressed_size: int = 100 * MIB
    """The decompressed size of a compressed body. Beyond it: 413."""
    max_decompression_ratio: int = 100
    """How many times larger than its compressed form a body may be, once it exceeds 1 MiB. Beyond it: 413."""
    forms: ParseBodyConfig | None = None
    """Limits for forms and queries that are parsed in memory; None: those of ``set_parse_body_config``. Beyond them:
    ``HTTPInputError``, 400.
    """
    max_cookies: int = 500
    """The number of cookies that ``HTTPServerRequest.cookies`` parses. Beyond it: ``HTTPInputError``, 400. Browsers
    keep fewer than 200 per site.
    """
    max_pipelined: int = 32
    """Requests of one connection that are answered in a row before other connections get their turn.

    How many bytes of them are read ahead is determined by the stream's ``read_chunk_size``.
    """
    max_requests: int | None = None
    """Requests that a connection serves: the last one is answered with ``Connection: close``. None for no limit: a
    connection keeps nothing from one request to the next.
    """
    max_unwanted_body: int = 256 * KIB
    """How much is read and discarded of a body that was answered before it arrived; if the rest of the body is
    longer, or of unknown length, the connection is closed.
    """
    linger_bytes: int = 1 * MIB
    """Input that is discarded after a response that ends the connection, so that the peer can read the response."""


class Deadlines(NamedTuple):
    """Time limits for everything that a peer or a handler does, in seconds; None for no limit.

    A request does not start a timer. A single timer of the server checks all its connections, often enough that
    anything overdue is ended within :attr:`tick`, and never early.
    """

    handshake_timeout: float = 10.0
    """For a TLS handshake; then the connection is closed."""
    header_timeout: float = 30.0
    """For a head, from its first byte on; then 408. For the first byte on a new connection; then it is closed."""
    body_timeout: float | None = None
    """For a whole body; then 408. Without it, a body is limited by its size and by :attr:`min_body_rate`."""
    min_body_rate: float = 240
    """Bytes of a body that a client has to send per second, averaged over :attr:`rate_window`; otherwise 408.

    Time during which the delegate holds up the body does not count. 0 for no limit.
    """
    rate_window: float = 10.0
    """The time over which :attr:`min_body_rate` is averaged."""
    idle_connection_timeout: float = 75.0
    """For a connection without a request. The default is longer than that of usual load balancers."""
    handler_timeout: float | None = None
    """From the end of a request to the end of its response; then 503, or it is cut off. Coroutines are cancelled."""
    write_timeout: float = 60.0
    """How long a peer may take none of the data that waits to be sent; then the connection is closed."""
    linger_seconds: float = 2.0
    """How long input is discarded after a response that ends the connection."""
    drain_timeout: float = 30.0
    """The grace period of ``HTTPServer.drain`` if none is given."""

    @property
    def tick(self) -> float:
        """How late a deadline may be noticed: one second, or a quarter of the shortest deadline.

        ``linger_seconds`` is not considered: when an already answered connection goes away is not important.
        """
        times: tuple[float | None, ...] = (
            *(self.handshake_timeout, self.header_timeout, self.body_timeout, self.idle_connection_timeout),
            *(self.handler_timeout, self.write_timeout, self.rate_window),
        )
        return min(1.0, min(time for time in times if time is not None) / 4)


class HTTP1ConnectionParameters:
    """The options, limits and deadlines of HTTP/1.1 connections.

    The names of single limits are Tornado's, and take precedence over ``limits`` and ``deadlines``. If
    ``max_header_size`` is given without ``limits``, a single line may be as long as the whole head. Raises
    ``ValueError`` for a negative limit or a time that is not positive, and ``TypeError`` for something that is not a
    number.
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
        """Close each connection after one request."""
        self.chunk_size: int | None = chunk_size
        """The most bytes of a body that a delegate receives at a time; None: whatever was read."""
        self.decompress: bool = decompress
        """Decode the ``Content-Encoding`` of messages."""
        self.half_closed: HalfClosed = half_closed
        """How to treat a client that shuts down only its side."""
        self.limits: Limits = (limits or Limits())._replace(
            **_given(
                max_request_line=one_line,
                max_field_size=one_line,
                max_header_size=max_header_size,
                max_body_size=max_body_size,
            )
        )
        """The limits for everything that a peer sends."""
        self.deadlines: Deadlines = (deadlines or Deadlines())._replace(
            **_given(
                header_timeout=header_timeout,
                body_timeout=body_timeout,
                idle_connection_timeout=idle_connection_timeout,
            )
        )
        """The time limits."""
        self._check()
        self.limiter: Limiter = Limiter(self.limits)
        """The object that checks messages against :attr:`limits`."""

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
