"""A part of a file that waits to be sent."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eyewall.ioloop import HasFileno

# Bytes that are read at a time where the kernel cannot copy: all of the file that is ever in memory.
_READ_CHUNK: Final = 128 * 1024


class FileSlice:
    """Some bytes of a regular file, under a descriptor of its own, so that the file may be closed meanwhile."""

    __slots__ = ("busy", "fd", "left", "offset", "sent", "to_be_read")

    def __init__(self, file: int | HasFileno, offset: int, count: int | None) -> None:
        number = file if isinstance(file, int) else _descriptor(file)
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"cannot send {file!r}: it is not a regular file; read it, and write its contents")
        if offset < 0 or (count is not None and count < 0):
            raise ValueError(f"cannot send {count} bytes from {offset} on: neither may be below 0")
        there = max(status.st_size - offset, 0)
        self.offset: int = offset
        self.left: int = there if count is None else min(count, there)
        self.sent: int = 0
        self.to_be_read: bool = False
        """True once it is known that the kernel does not copy this file to this stream."""
        self.busy: bool = False
        """True while a thread reads it."""
        self.fd: int = os.dup(number)

    def take(self, count: int) -> None:
        """So many bytes have gone, or are on their way."""
        self.offset += count
        self.left -= count
        self.sent += count

    def read(self) -> bytes:
        """Read some bytes; for a thread. ``b""`` where the file has become shorter."""
        return os.pread(self.fd, min(self.left, _READ_CHUNK), self.offset)

    def close(self) -> None:
        """Give the descriptor back; a thread that reads is waited for, by whoever asked for the bytes."""
        if self.fd >= 0 and not self.busy:
            os.close(self.fd)
            self.fd = -1


def _descriptor(file: HasFileno) -> int:
    try:
        return file.fileno()
    except (AttributeError, OSError):
        raise ValueError(f"cannot send {file!r}: it has no descriptor; write its bytes instead") from None
