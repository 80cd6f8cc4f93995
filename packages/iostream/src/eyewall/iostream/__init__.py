"""Typed non-blocking byte streams."""

from ._info import Address, StreamInfo, TLSInfo
from .errors import StreamBufferFullError, StreamClosedError, StreamError, UnsatisfiableReadError
from .protocols import Buffer, Stream

__all__ = [
    "Address",
    "Buffer",
    "Stream",
    "StreamBufferFullError",
    "StreamClosedError",
    "StreamError",
    "StreamInfo",
    "TLSInfo",
    "UnsatisfiableReadError",
]
