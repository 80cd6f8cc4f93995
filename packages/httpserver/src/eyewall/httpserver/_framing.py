"""How a message that this end writes is framed: pure functions, which change nothing where they refuse (RFC 9112)."""

# Of every answer it looks into the fields, as a call would cost as much as all that is to be seen there.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from math import floor
from time import time
from typing import TYPE_CHECKING, Final

from ._dates import date_line
from ._head import has_token
from ._headers import HTTPHeaders, adopted
from ._reasons import status_lines
from ._start_line import RequestStartLine
from .errors import HTTPOutputError

if TYPE_CHECKING:
    from eyewall.iostream import Buffer

    from ._headers import Framing
    from ._start_line import ResponseStartLine

# What is left to be written of a body is a number of bytes, or one of these, or below them the
# negative of a status on account of which there is no body.
IN_CHUNKS: Final = -1
UNTIL_CLOSE: Final = -2
NOT_SENT: Final = -3
"""The body of an answer to HEAD: written, perhaps, and dropped."""
# Below any status: no body is open.
NOT_BEGUN: Final = -1000
FINISHED: Final = -1001
DETACHED: Final = -1002
"""Finished, and the stream is another's."""
_CONTINUE: Final = 100
_OK: Final = 200
_MULTIPLE_CHOICES: Final = 300
_NOT_MODIFIED: Final = 304
_WITHOUT_BODY: Final = frozenset({204, 304})
# What a client is taken to have asked whose request could not be read.
NO_REQUEST: Final = RequestStartLine("GET", "*", "HTTP/1.1")

# RFC 9110 section 6.5.1: what frames, routes or authorises a message may not come behind it.
FORBIDDEN_TRAILERS: Final = frozenset(
    {"Transfer-Encoding", "Content-Length", "Host", "Trailer", "Connection", "Authorization", "Content-Encoding"}
    | {"Content-Type", "Content-Range", "Te", "Upgrade", "Cookie", "Set-Cookie", "Expect", "Proxy-Authorization"}
)


def answer_head(
    start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, request: RequestStartLine, keep_alive: bool
) -> tuple[bytes, int, bool]:
    """Give an answer's head, what is left to be written then, and whether the connection goes on.

    Fields that are sent a second time remember their last head: for an answer that is like another of the same
    second nothing is looked up, joined or encoded, which spares it 0.5 µs. Raises :class:`HTTPOutputError`.
    """
    try:
        framing = headers._framing
        again = framing is not None and framing.lines is headers._lines
    except AttributeError:
        # Not redundant for those who have no type checker.
        if isinstance(headers, HTTPHeaders):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise
        return answer_head(start_line, adopted(headers), request, keep_alive)
    if framing is None or not again:
        framing = headers._frame()
    # By position: the fields of a named tuple cost four times as much by their names.
    method, version = request[0], request[2]
    # To ask for the second costs half of what asking for its date does; and int() three times as much as floor().
    second = floor(time())
    depends_on = (start_line, second, method, version, keep_alive)
    if (last := framing.last_head) is not None and last[0] == depends_on:
        return last[1]
    status_line = status_lines[start_line]
    date = "" if framing.dated else date_line(second)
    # Its code: what has a status line is an answer's, and to ask isinstance would cost half a per cent.
    status: int = start_line[1]  # type: ignore[assignment]
    lines, left, keep_alive = _frame(status, framing, date, method, version, keep_alive)
    fields = framing.lines
    if left <= -_CONTINUE and left != -_NOT_MODIFIED:
        fields = without_length(headers).to_lines()
    head = f"{status_line}{fields}{lines}\r\n".encode("latin-1"), left, keep_alive
    if again:
        framing.last_head = depends_on, head
    return head


def _frame(
    status: int, framing: Framing, lines: str, method: str, version: str, keep_alive: bool
) -> tuple[str, int, bool]:
    """Give the field lines that an answer lacks, what is left to be written, and whether the connection goes on."""
    length, connection = framing.length, framing.connection
    if status < _OK:
        # To the client this is no answer yet: it would take that to its next request for the one to this.
        keep_alive = False
        left = -status
    elif method == "CONNECT" and status < _MULTIPLE_CHOICES:
        # What follows is the tunnel (RFC 9110 section 9.3.6).
        return lines, -status, False
    elif status in _WITHOUT_BODY:
        left = -status
    elif method == "HEAD":
        left = NOT_SENT
    elif length is not None:
        left = length if isinstance(length, int) else promised_length(length)
    elif version == "HTTP/1.0":
        left = UNTIL_CLOSE
        if keep_alive and connection is None:
            return lines + "Connection: close\r\n", left, False
        keep_alive = False
    else:
        left = IN_CHUNKS
        lines += "Transfer-Encoding: chunked\r\n"
    if connection is None and keep_alive is (version != "HTTP/1.0"):
        # As it is where nobody says otherwise (RFC 9112 section 9.3).
        return lines, left, keep_alive
    return _connection_line(lines, left, keep_alive, connection)


def _connection_line(lines: str, left: int, keep_alive: bool, given: str | None) -> tuple[str, int, bool]:
    if given is None:
        lines += "Connection: Keep-Alive\r\n" if keep_alive else "Connection: close\r\n"
    elif has_token(given, "close"):
        keep_alive = False
    elif not keep_alive and not -_OK < left <= -_CONTINUE:
        # Whatever the application thinks of the connection, it is told that it ends.
        lines += "Connection: close\r\n"
    return lines, left, keep_alive


def promised_length(value: str) -> int:
    """Give the number in a ``Content-Length`` that an application has set."""
    if not (value.isascii() and value.isdigit()):
        raise HTTPOutputError(f"Content-Length {value!r} is not a single plain number")
    return int(value)


def without_length(headers: HTTPHeaders) -> HTTPHeaders:
    """Give the fields without ``Content-Length``, which not every status may have (RFC 9110 section 8.6)."""
    if "Content-Length" in headers:
        headers = headers.copy()
        del headers["Content-Length"]
    return headers


def frame_chunk(chunk: Buffer, left: int) -> tuple[tuple[Buffer, ...], int]:
    """Give a piece of a body as it goes on the wire, and what is left then. Raises :class:`HTTPOutputError`."""
    before, after, left = frame_piece(chunk.nbytes if isinstance(chunk, memoryview) else len(chunk), left)
    return (() if left < UNTIL_CLOSE else (*before, chunk, *after) if chunk else ()), left


def frame_piece(size: int, left: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...], int]:
    """Give what goes before and behind a piece of this size, and what is left then. Raises :class:`HTTPOutputError`."""
    if left >= 0:
        if size > left:
            raise HTTPOutputError(f"{size - left} bytes more than Content-Length promised")
        return (), (), left - size
    if left == IN_CHUNKS and size:
        return (b"%x\r\n" % size,), (b"\r\n",), left
    if size and left < NOT_SENT:
        raise HTTPOutputError(f"an answer with status {-left} has no body here (RFC 9110 section 6.4.1)")
    return (), (), left


def frame_end(left: int, trailers: HTTPHeaders | None) -> bytes:
    """Give what ends a body. Raises :class:`HTTPOutputError` for trailers that cannot be sent.

    They are dropped on the way to HTTP/1.0, and behind an answer without a body, as any proxy may
    drop them (RFC 9110 section 6.5).
    """
    if not trailers:
        return b"0\r\n\r\n" if left == IN_CHUNKS else b""
    if forbidden := FORBIDDEN_TRAILERS.intersection(trailers):
        raise HTTPOutputError(f"{', '.join(sorted(forbidden))} among the trailers (RFC 9110 section 6.5.1)")
    if left >= 0:
        raise HTTPOutputError("trailers follow a body that is sent in chunks: leave Content-Length out")
    return f"0\r\n{trailers.to_lines()}\r\n".encode("latin-1") if left == IN_CHUNKS else b""
