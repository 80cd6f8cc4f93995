"""The chunked transfer coding, undone (RFC 9112 section 7.1)."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from ._framing import FORBIDDEN_TRAILERS
from ._head import parse_fields
from .errors import HTTPInputError

if TYPE_CHECKING:
    from ._headers import HTTPHeaders
    from ._limiter import Limiter

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'
_EXTENSION: Final = rb"[ \t]*+;[ \t]*+" + _TOKEN + rb"(?:[ \t]*+=[ \t]*+(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?+"
# Extensions are checked, because what is malformed could hide where a line ends, and then ignored.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:" + _EXTENSION + rb")*+\r\n")


class _Next(Enum):
    SIZE = 1
    DATA = 2
    DATA_END = 3
    TRAILERS = 4
    DONE = 5


class ChunkedDecoder:
    """Takes the bytes of a chunked body as they come, and gives what they mean."""

    __slots__ = ("_extensions", "_limiter", "_next", "remaining", "trailers")

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._next = _Next.SIZE
        self._extensions = 0
        self.remaining: int = 0
        """Bytes of the present chunk that are still to come."""
        self.trailers: HTTPHeaders | None = None
        """The fields behind the last chunk, where there are any."""

    @property
    def done(self) -> bool:
        """True once the last chunk and the trailers have been taken."""
        return self._next is _Next.DONE

    def decode(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the content of ``data``, and what of it is to be given again with more bytes behind it.

        Once :attr:`done`, the rest is what follows the message. Raises :class:`HTTPInputError`.
        """
        content: list[bytes] = []
        position = _take_whole(data, content) if self._next is _Next.SIZE else 0
        while self._next is not _Next.DONE:
            if self._next is _Next.DATA:
                piece = data[position : position + self.remaining]
                if not piece:
                    break
                content.append(piece)
                position += len(piece)
                self.remaining -= len(piece)
                if not self.remaining:
                    self._next = _Next.DATA_END
                continue
            after = self._take_line(data, position)
            if after is None:
                break
            position = after
        return b"".join(content), data[position:]

    def _take_line(self, data: bytes, position: int) -> int | None:
        """Take what stands between two pieces of content; give where it ends, or None if it is not all there."""
        if self._next is _Next.SIZE:
            return self._take_size(data, position)
        if self._next is _Next.DATA_END:
            if data[position : position + 2] == b"\r\n":
                self._next = _Next.SIZE
                return position + 2
            if not b"\r\n".startswith(data[position : position + 2]):
                raise HTTPInputError("a chunk is longer than its size")
            return None
        return self._take_trailers(data, position)

    def _take_size(self, data: bytes, position: int) -> int | None:
        match = _SIZE_LINE.match(data, position)
        if match is None:
            end = data.find(b"\n", position)
            if end >= 0 or not _may_become_size(data[position:]):
                raise HTTPInputError(f"malformed chunk size {data[position : position + 40]!r}")
            # Of what is there, 16 digits and a CR may be no extension.
            self._limiter.check_extensions(self._extensions + len(data) - position - 17)
            return None
        self._extensions += match.end() - match.end(1) - 2
        self._limiter.check_extensions(self._extensions)
        self.remaining = int(match[1], 16)
        self._next = _Next.DATA if self.remaining else _Next.TRAILERS
        return match.end()

    def _take_trailers(self, data: bytes, position: int) -> int | None:
        if data.startswith(b"\r\n", position):
            self._next = _Next.DONE
            return position + 2
        end = data.find(b"\r\n\r\n", position)
        # Three bytes of their end may be here already: a limit holds however the bytes are cut.
        self._limiter.check_trailers((len(data) - 3 if end < 0 else end) - position)
        if end < 0:
            return None
        lines = data[position:end]
        self._limiter.check_lines(lines)
        trailers = parse_fields(lines.decode("latin-1"), 0)
        if forbidden := FORBIDDEN_TRAILERS.intersection(trailers):
            raise HTTPInputError(f"{', '.join(sorted(forbidden))} in the trailers")
        self.trailers = trailers
        self._next = _Next.DONE
        return end + 4


class _Sizes(dict[bytes, int]):
    """Chunk sizes by how they are written, where nothing else stands there: a cache with a bound; 0 for all else."""

    MAX_SIZES = 1024

    def __missing__(self, line: bytes) -> int:
        size = int(line, 16) if _is_plain_size(line) else 0
        # Or a client that makes up sizes would have filled it for good.
        if len(self) >= self.MAX_SIZES:
            self.clear()
        self[line] = size
        return size


_is_plain_size = re.compile(rb"[0-9A-Fa-f]{1,8}").fullmatch
_LONGEST_PLAIN: Final = 8 + len(b"\r\n")
_sizes: Final = _Sizes()


def _take_whole(data: bytes, content: list[bytes]) -> int:
    """Take the chunks that are there as a whole, and plain; give where the first begins that is not.

    Somebody may send a megabyte byte by byte: this is for the time that it takes, and changes nothing else.
    """
    position = 0
    find, take, sizes = data.find, content.append, _sizes
    while True:
        line_end = find(b"\r\n", position, position + _LONGEST_PLAIN)
        if line_end < 0 or not (size := sizes[data[position:line_end]]):
            return position
        begin = line_end + 2
        end = begin + size
        if data[end : end + 2] != b"\r\n":
            return position
        take(data[begin:end])
        position = end + 2


_may_become_size = re.compile(rb"[0-9A-Fa-f]{0,16}(?:[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*+)?)?\r?").fullmatch
