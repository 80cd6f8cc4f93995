"""The one place where a message is measured against its limits, whichever way it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .errors import HTTPInputError

if TYPE_CHECKING:
    from ._parameters import Limits

# A field line is no shorter: a name of one letter, a colon, its end.
_SHORTEST_LINE: Final = 4
# Below it nothing is wrong with any ratio.
_FREE_OF_RATIO: Final = 1024 * 1024


class Limiter:
    """Knows the limits of a message, and refuses with :class:`HTTPInputError` what is beyond them.

    Each check takes what is there so far, so that a limit holds however the bytes are cut.
    """

    __slots__ = ("limits", "short")

    def __init__(self, limits: Limits) -> None:
        self.limits: Final = limits
        """The limits."""
        self.short: Final = min(
            limits.max_request_line, limits.max_field_size, limits.max_header_size, limits.max_fields * _SHORTEST_LINE
        )
        """A head of no more than so many bytes is within all limits, and need not be checked."""

    def check_head(self, head: bytes, *, complete: bool = True) -> None:
        """Check a head without its end, or what there is of one: how long its lines are when all of them are there."""
        limits = self.limits
        most = limits.max_request_line
        # Where fields may follow, the CR of an unfinished line's end may be here already.
        may_end = not complete and most < limits.max_header_size
        if len(head) > most + may_end and head.find(b"\r\n", 0, most + 2) < 0:
            raise _beyond("max_request_line", limits.max_request_line, "a first line", 414)
        if len(head) > limits.max_header_size:
            raise _beyond("max_header_size", limits.max_header_size, "a head", 431)
        # Of one that is not complete, its last line may be the empty one.
        if _count_lines(head, limits.max_fields + 2) > limits.max_fields + (not complete):
            raise _beyond("max_fields", limits.max_fields, "fields", 431, "")
        if complete and len(head) > limits.max_field_size:
            self.check_lines(head.partition(b"\r\n")[2])

    def check_trailers(self, size: int) -> None:
        """Check the size of what there is of the lines behind a chunked body."""
        if size > self.limits.max_trailer_size:
            raise _beyond("max_trailer_size", self.limits.max_trailer_size, "trailers", 431)

    def check_lines(self, lines: bytes) -> None:
        """Check field lines, of a head or of trailers, given without the last one's end."""
        limits = self.limits
        if lines and _count_lines(lines, limits.max_fields) >= limits.max_fields:
            raise _beyond("max_fields", limits.max_fields, "fields", 431, "")
        if len(lines) > limits.max_field_size and max(map(len, lines.split(b"\r\n"))) > limits.max_field_size:
            raise _beyond("max_field_size", limits.max_field_size, "a field line", 431)

    @staticmethod
    def check_body(length: int, max_body_size: int) -> None:
        """Check the length of a body, be it announced or counted."""
        if length > max_body_size:
            raise HTTPInputError(f"a body of {length} bytes; max_body_size is {max_body_size}", status=413)

    def check_extensions(self, size: int) -> None:
        """Check the bytes of all chunk extensions of a body."""
        if size > self.limits.max_chunk_extensions:
            raise _beyond("max_chunk_extensions", self.limits.max_chunk_extensions, "chunk extensions", 400)

    def check_cookies(self, count: int) -> None:
        """Check how many cookies there are, before each of them costs an object."""
        if count > self.limits.max_cookies:
            raise _beyond("max_cookies", self.limits.max_cookies, "cookies", 400, "")

    def check_decompressed(self, received: int, size: int) -> None:
        """Check what ``received`` bytes of a compressed body have become."""
        limits = self.limits
        if size > limits.max_decompressed_size:
            raise _beyond("max_decompressed_size", limits.max_decompressed_size, "a decompressed body", 413)
        if size > _FREE_OF_RATIO and size > received * limits.max_decompression_ratio:
            raise HTTPInputError(
                f"{received} bytes of a compressed body became {size}; "
                f"max_decompression_ratio is {limits.max_decompression_ratio}",
                status=413,
            )


def _count_lines(lines: bytes, most: int) -> int:
    """Count their ends, up to so many: ``replace`` jumps from one to the next, where ``count`` looks at all bytes."""
    return len(lines) - len(lines.replace(b"\n", b"", most))


def _beyond(name: str, limit: int, what: str, status: int, unit: str = " bytes") -> HTTPInputError:
    return HTTPInputError(f"{what} of more than {name}, {limit}{unit}", status=status)
