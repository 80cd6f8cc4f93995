"""Typed non-blocking byte streams, over sockets, TLS, or anything else that carries bytes."""

from ._base import BaseIOStream
from ._info import Address, ProxyInfo, ProxyTLSInfo, StreamInfo, TLSInfo
from ._iostream import IOStream
from ._limits import HIGH_WATER_MARK, LOW_WATER_MARK
from ._pipe import PipeIOStream
from ._ssl_options import SSLOptions, SSLOptionsDict, ssl_options_to_context
from ._ssliostream import SSLIOStream
from ._transport import FileTransport, Transport
from .errors import (
    SSLConfigurationError,
    StreamBufferFullError,
    StreamClosedError,
    StreamError,
    StreamTimeoutError,
    UnsatisfiableReadError,
)
from .protocols import Buffer, Stream, StreamOwner

__all__ = [
    "HIGH_WATER_MARK",
    "LOW_WATER_MARK",
    "Address",
    "BaseIOStream",
    "Buffer",
    "FileTransport",
    "IOStream",
    "PipeIOStream",
    "ProxyInfo",
    "ProxyTLSInfo",
    "SSLConfigurationError",
    "SSLIOStream",
    "SSLOptions",
    "SSLOptionsDict",
    "Stream",
    "StreamBufferFullError",
    "StreamClosedError",
    "StreamError",
    "StreamInfo",
    "StreamOwner",
    "StreamTimeoutError",
    "TLSInfo",
    "Transport",
    "UnsatisfiableReadError",
    "ssl_options_to_context",
]
