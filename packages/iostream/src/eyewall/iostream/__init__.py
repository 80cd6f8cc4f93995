"""Typed non-blocking byte streams, over sockets, TLS, or anything else that carries bytes."""

from typing import TYPE_CHECKING

from ._base import BaseIOStream
from ._info import Address, StreamInfo
from ._iostream import IOStream
from ._limits import DEFAULT_HANDSHAKE_TIMEOUT, HIGH_WATER_MARK, LOW_WATER_MARK
from ._transport import FileTransport, Transport
from .errors import (
    SSLConfigurationError,
    StreamBufferFullError,
    StreamClosedError,
    StreamError,
    StreamTimeoutError,
    StreamTruncatedError,
    UnsatisfiableReadError,
)
from .protocols import Buffer, Stream, StreamOwner

if TYPE_CHECKING:
    from ._facts import ProxyInfo, ProxyTLSInfo, TLSInfo, UnixCredentials
    from ._pipe import PipeIOStream
    from ._ssl_options import SSLOptions, SSLOptionsDict, reload_certificates, ssl_options_to_context, ssl_wrap_socket
    from ._ssliostream import SSLIOStream
    from ._tlsstream import BaseTLSStream, TLSStream
else:  # what not every program needs is imported when it is first asked for
    from eyewall.ioloop import import_later

    from ._later import MODULES

    __getattr__, __dir__ = import_later(__name__, MODULES)

__all__ = [
    "DEFAULT_HANDSHAKE_TIMEOUT",
    "HIGH_WATER_MARK",
    "LOW_WATER_MARK",
    "Address",
    "BaseIOStream",
    "BaseTLSStream",
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
    "StreamTruncatedError",
    "TLSInfo",
    "TLSStream",
    "Transport",
    "UnixCredentials",
    "UnsatisfiableReadError",
    "reload_certificates",
    "ssl_options_to_context",
    "ssl_wrap_socket",
]
