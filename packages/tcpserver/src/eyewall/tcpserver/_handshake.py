"""The bound on a TLS handshake: a client that begins one and stalls holds its connection for so long only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eyewall.ioloop import Future
    from eyewall.iostream import SSLIOStream

DEFAULT_HANDSHAKE_TIMEOUT: Final = 30.0


def limit_handshake(stream: SSLIOStream, seconds: float) -> None:
    """Close the stream with ``TimeoutError`` where its handshake is not over in time."""
    error = TimeoutError(f"the TLS handshake is not over after handshake_timeout, {seconds:g} s")
    timer = stream.io_loop.call_later(seconds, stream.close, error)

    def over(handshake: Future[SSLIOStream]) -> None:
        timer.cancel()
        handshake.exception()  # looked at: the stream tells its user

    stream.wait_for_handshake().add_done_callback(over)
