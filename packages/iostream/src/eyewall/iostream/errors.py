"""The errors of a stream.

::

    OSError
     └─ StreamError
         ├─ StreamClosedError      the stream ended; real_error says why
         ├─ StreamTruncatedError   a TLS peer went without telling the end; the real_error of such a stream
         ├─ UnsatisfiableReadError  a read_until found no delimiter within its max_bytes
         ├─ StreamBufferFullError   a buffer would outgrow its limit
         └─ StreamTimeoutError      an operation was not done at its deadline; also a TimeoutError
    ValueError
     └─ SSLConfigurationError       TLS cannot be spoken with these options
"""

from __future__ import annotations


class StreamError(OSError):
    """The base class of the errors of a stream."""


class StreamClosedError(StreamError):
    """The stream is closed: by the peer, by an error, or by this side.

    ``real_error`` is the error that closed it; None if it ended in good order.
    """

    def __init__(self, real_error: BaseException | None = None) -> None:
        super().__init__("the stream is closed" if real_error is None else f"the stream is closed: {real_error}")
        self.real_error = real_error


class StreamTruncatedError(StreamError):
    """The connection ended before TLS did: the data may be incomplete (RFC 8446 section 6.1).

    It closes the stream, and is therefore the ``real_error`` seen by readers; what arrived before it can still be
    read. With ``ssl.OP_IGNORE_UNEXPECTED_EOF`` among the options of a context, it counts as a normal end.
    """


class UnsatisfiableReadError(StreamError):
    """A read cannot be satisfied: its delimiter is not within ``max_bytes``."""


class StreamBufferFullError(StreamError):
    """A buffer would grow past ``max_buffer_size`` or ``max_write_buffer_size``."""


class StreamTimeoutError(StreamError, TimeoutError):
    """An operation was not done by its deadline; the stream is still open, and can be used again.

    Only ``connect`` closes its stream, with this as the ``real_error``.
    """

    def __init__(self, operation: str) -> None:
        super().__init__(f"{operation} was not done at its deadline: try again with a later one, or close the stream")


class SSLConfigurationError(ValueError):
    """These options cannot be used for TLS; the message names the option and the remedy."""
