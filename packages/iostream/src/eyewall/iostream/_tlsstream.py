"""BaseTLSStream: the handshake and the end of TLS on any stream; TLSStream: TLS over another stream."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._base import BaseIOStream
from ._core import logger
from ._limits import DEFAULT_HANDSHAKE_TIMEOUT
from ._ssl_options import ssl_options_to_context

if TYPE_CHECKING:
    import ssl
    from typing import Self

    from eyewall.ioloop import Future, Promise, Timer

    from ._facts import TLSInfo
    from ._info import StreamInfo
    from ._ssl_options import SSLOptions
    from ._tls import TLSSession, TLSTransport
    from ._transport import Transport
    from .protocols import Stream


class TLSState:
    """What a stream knows of its TLS session."""

    __slots__ = ("timeout", "timer", "tls", "unwrapping", "waiter")

    def __init__(self, timeout: float | None) -> None:
        self.tls: TLSTransport | None = None
        # Who waits for the handshake, or for the end of the session. Any: no attribute can be a promise of Self.
        self.waiter: Promise[Any] | None = None
        self.timer: Timer | None = None
        self.timeout = timeout
        self.unwrapping: bool = False


class BaseTLSStream(BaseIOStream):
    """A stream that speaks TLS: :class:`SSLIOStream` over a socket, :class:`TLSStream` over any stream.

    The handshake begins by itself; bytes written before it has ended wait. If it fails, or is not done after
    ``handshake_timeout`` seconds, the stream is closed. If the peer ends the connection without ending its session,
    the stream is closed with :class:`StreamTruncatedError`.
    """

    __slots__ = ()

    # Each subclass has it among its slots: two bases with slots cannot be joined in one class.
    _state: TLSState

    def wait_for_handshake(self) -> Future[Self]:
        """Return this stream once the handshake is done.

        Fails with the error that ended it: usually an ``ssl.SSLError``, a ``ConnectionError`` or a ``TimeoutError``;
        and with :class:`StreamClosedError` if the owner closed the stream. Raises ``RuntimeError`` while another call
        is waiting.
        """
        if self._state.waiter is not None and not self._state.waiter.done():
            raise RuntimeError("the handshake is waited for already: await the first wait_for_handshake()")
        promise: Promise[Self] = self.io_loop.create_future()
        if self._state.tls is not None and self._state.tls.handshaken:
            promise.set_result(self)
        elif self._closed:
            self._fail_waiter(promise)
        else:
            self._state.waiter = promise
            self._update_events()
        return promise

    @property
    def session(self) -> ssl.SSLSession | None:
        """The session, which a later client can resume: pass it as ``session``, with the same ``ssl.SSLContext``.

        In TLS 1.3, a server sends it after the handshake, so it is available once something has been read.
        """
        return self._state.tls.session if self._state.tls is not None and self._state.tls.handshaken else None

    def _fail_others(self) -> None:
        super()._fail_others()
        self._stop_timer()
        waiter, self._state.waiter = self._state.waiter, None
        if waiter is not None:
            self._fail_waiter(waiter)

    def _on_failure(self, error: Exception) -> None:
        self._log_failure(error)
        super()._on_failure(error)

    def _begin_tls(self, transport: Transport, session: TLSSession, unread: bytes | bytearray = b"") -> None:
        """Shake hands over a transport that is ready; ``unread`` is what has been read of the peer's side of it."""
        from ._tls import TLSTransport

        self._transport = self._state.tls = TLSTransport(transport, session, self._on_handshake)
        self._state.tls.feed(unread)
        if self._state.timeout is not None:
            self._state.timer = self.io_loop.call_later(self._state.timeout, self._on_timeout)

    def _begun(self) -> Promise[Any]:
        """Return what start_tls gives: whoever gives up waiting for that gives up the stream, which nobody has seen."""
        self._state.waiter = promise = self.io_loop.create_future()
        promise.add_done_callback(self._on_waiter_done)
        self._update_events()
        return promise

    def _on_handshake(self, error: OSError | None) -> None:
        if error is not None:
            self._on_failure(error)
            return
        self._stop_timer()
        waiter, self._state.waiter = self._state.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(self)
        self._watch(self._wanted_events())
        self._on_writable()

    def _on_timeout(self) -> None:
        limit = f"handshake_timeout, {self._state.timeout:g} s"
        self._on_failure(TimeoutError(f"the TLS handshake is not over after {limit}"))

    def _stop_timer(self) -> None:
        timer, self._state.timer = self._state.timer, None
        if timer is not None:
            timer.cancel()

    def _on_waiter_done(self, promise: Promise[Any]) -> None:
        if promise is self._state.waiter:
            self.close()

    def _fail_waiter(self, promise: Promise[Any]) -> None:
        """Fail it with the error itself, as Tornado does, so that its ``ssl.SSLError`` can be caught."""
        self._fail(promise, self.error if isinstance(self.error, OSError) else None)

    def _tls_info(self) -> TLSInfo | None:
        return self._state.tls.info() if self._state.tls is not None and self._state.tls.handshaken else None

    def _log_failure(self, error: Exception) -> None:
        """Log once why TLS failed; that a peer goes, or stalls, is everyday life."""
        if self._state.tls is None:
            return
        import ssl

        what = "TLS" if self._state.tls.handshaken else "the TLS handshake"
        failed = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
        peer = self.info.address
        name = f"{peer[0]} port {peer[1]}" if isinstance(peer, tuple) else peer or "an unnamed peer"
        logger.log(logging.WARNING if failed else logging.DEBUG, "%s with %s failed: %s", what, name, str(error))

    # The end of the session

    def _unwrap(self) -> Promise[Any]:
        """End the session on both sides, and give the plain stream below it."""
        self._check_idle("end TLS", unsent_too=False)
        if self._state.tls is None or not self._state.tls.handshaken:
            raise ValueError("cannot end TLS before its handshake is done: await wait_for_handshake() first")
        if self._buffer:
            raise ValueError(f"cannot end TLS while {len(self._buffer)} bytes are unread: read them first")
        promise = self._begun()
        self._state.unwrapping = self._shutting_down = self._end_unsent = True
        if self._unsent is None:
            self._end_writing()
        return promise

    def _end_writing(self) -> None:
        if self._state.unwrapping and self._state.tls is not None:
            self._end_unsent = False
            self._state.tls.end_session(self._on_session_end)
        else:
            super()._end_writing()

    def _on_session_end(self, error: OSError | None) -> None:
        waiter = self._state.waiter
        if error is not None:
            self._on_failure(error)
            return
        if waiter is None or waiter.done() or self._state.tls is None:
            self.close()
            return
        self._state.waiter = None
        rest = self._state.tls.release(self.io_loop)
        plain = self._below()
        if rest:
            plain.unread(rest)
        waiter.set_result(plain)

    def _below(self) -> Stream:
        """Be over, and give the plain stream."""
        raise NotImplementedError


class TLSStream(BaseTLSStream):
    """TLS over any :class:`Stream`: in memory, inside other TLS, or over a stream of your own.

    ::

        near, far = memory_streams()
        client = TLSStream(near, ssl_options=certificate.client_options, server_hostname="localhost")
        server = TLSStream(far, ssl_options=certificate.server_options, server_side=True)

    The underlying stream belongs to this one, which closes it. If it has unread bytes, they are treated as TLS
    records. :meth:`Stream.start_tls` creates one of these, unless there is a better way.

    ``handshake_timeout`` is in seconds, or None for no limit; ``session`` is the :attr:`session` of an earlier
    client. Raises :class:`SSLConfigurationError` for unusable options, and ``ValueError`` for a ``server_hostname``
    that is not a name.
    """

    __slots__ = ("_state", "_stream")

    def __init__(
        self,
        stream: Stream,
        *,
        ssl_options: SSLOptions | None = None,
        server_side: bool = False,
        server_hostname: str | None = None,
        handshake_timeout: float | None = DEFAULT_HANDSHAKE_TIMEOUT,
        session: ssl.SSLSession | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        context = ssl_options_to_context(ssl_options or {}, server_side)
        from ._streamtransport import StreamTransport
        from ._tls import begin_session

        begun = begin_session(context, server_side=server_side, server_hostname=server_hostname, resumed=session)
        self._stream = stream
        self._state: TLSState = TLSState(handshake_timeout)
        transport = StreamTransport(stream)
        super().__init__(
            transport,
            io_loop=stream.io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )
        self._begin_tls(transport, begun)
        self._update_events()

    def unwrap(self) -> Future[Stream]:
        """End TLS, and return the underlying stream, which continues with what follows.

        Done when both sides have ended their session; giving up waiting closes the stream. Writes in progress go
        first. Raises ``ValueError`` while a read is waiting, if bytes are unread, and before the handshake is done.
        It fails with :class:`StreamClosedError` if the peer goes on sending instead of ending its session, or
        disconnects without ending TLS.

        If the peer ends its session first, this stream is closed, as at the end of any stream, unless an
        ``eof_callback`` is set: if the peer may be first, set one and unwrap from there.
        """
        return self._unwrap()

    def set_nodelay(self, value: bool, /) -> None:
        """Send small writes immediately (True), or let the kernel combine them. Ignored if it does not apply."""
        self._stream.set_nodelay(value)

    @property
    def info(self) -> StreamInfo:
        """What is known about the peer, including the result of the TLS handshake."""
        return self._stream.info._replace(tls=self._tls_info())

    def _below(self) -> Stream:
        self._stream.set_eof_callback(None)
        self._hand_over(self._stream)
        return self._stream
