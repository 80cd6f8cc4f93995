"""What becomes of a handler's work when its client goes away: a policy on the handler's class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, get_args

from eyewall.httpserver import reason_of
from eyewall.ioloop import CancelScope, Promise
from eyewall.iostream import StreamClosedError

from ._base import HandlerBase

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import Future

DisconnectPolicy = Literal["tell", "cancel", "shield"]
"""What happens to a handler's work when its client disconnects: see :attr:`RequestHandler.disconnect_policy`."""

CLIENT_GONE: Final = 499
"""What the access log says of a request that ended without an answer as its client went away: nginx's, of no RFC."""

DISCONNECT_POLICIES: Final[tuple[DisconnectPolicy, ...]] = get_args(DisconnectPolicy)


class DisconnectMixin(HandlerBase):
    """The methods of a handler that concern a client that disconnects."""

    disconnect_policy: ClassVar[DisconnectPolicy] = "tell"
    """What happens to the work for a request whose client disconnects before the response is complete.

    - ``"tell"``: the work goes on. It is notified through :meth:`on_connection_close` and :meth:`wait_disconnected`.
    - ``"cancel"``: it is notified, and cancelled where it waits. Its ``finally`` clauses run, and ``on_finish``.
    - ``"shield"``: it is notified and runs to its end in a task of its own, for as long as the loop runs: even if
      the server closes its connections or a ``handler_timeout`` passes, which would cancel any other handler.

    With each of these, awaiting ``flush`` raises ``StreamClosedError`` from then on. The policy is read when the
    Application is created. A subclass of a handler that has set a policy annotates its own: ``disconnect_policy:
    ClassVar[DisconnectPolicy] = "tell"``.
    """

    obeys_disconnect_policy: ClassVar[bool] = False
    """True once the class does more than to tell; set by the Application."""

    _is_disconnected = False
    _waits_disconnected: Promise[None] | None = None
    _policy_scope: CancelScope | None = None

    def on_connection_close(self) -> None:
        """Called when the client disconnects while the request is being answered."""

    @property
    def is_disconnected(self) -> bool:
        """True once the client has disconnected before the response was complete."""
        return self._is_disconnected

    def wait_disconnected(self) -> Future[None]:
        """Return a future that is done when the client disconnects before the response is complete, else never.

        Use it to end work explicitly, or work that is not your own::

            job = start_job()
            self.wait_disconnected().add_done_callback(lambda _: job.stop())
            self.write(await job.result)
        """
        if self._waits_disconnected is None:
            self._waits_disconnected = self._connection.io_loop.create_future()
            if self._is_disconnected:
                self._waits_disconnected.set_result(None)
        return self._waits_disconnected

    def tell_disconnected(self) -> None:
        """Do what is to be done when the client has gone: what the dispatcher of the request calls, once."""
        self._is_disconnected = True
        try:
            self.on_connection_close()
        finally:
            if self._waits_disconnected is not None and not self._waits_disconnected.done():
                self._waits_disconnected.set_result(None)
            if self._policy_scope is not None:
                self._policy_scope.cancel()

    def _note_unanswered(self) -> None:
        """Set the status of a request that is given up without an answer of its own, for the log."""
        self._status_code, self._reason = CLIENT_GONE, "Client Closed Request"
        if getattr(self._connection, "finished", False):
            # The server has answered it, a deadline of its own being over, before it cancelled the work.
            self._status_code, self._reason = 503, reason_of(503)
            self._is_disconnected = False

    async def _obey_policy(self, work: Awaitable[object]) -> None:
        """Do some work as the policy says. Raises ``StreamClosedError`` if it was cancelled."""
        if self.disconnect_policy == "tell":
            await work
        elif self.disconnect_policy == "shield":
            await self._shield(work)
        else:
            await self._end_with_client(work)

    async def _end_with_client(self, work: Awaitable[object]) -> None:
        with self._connection.io_loop.cancel_scope() as self._policy_scope:
            if self._is_disconnected:
                self._policy_scope.cancel()
            await work
        if self._policy_scope.cancelled_caught:
            # Nobody is answered: the connection ends here.
            raise StreamClosedError(None)

    async def _shield(self, work: Awaitable[object]) -> None:
        """Do some work in a task of its own: who waits for it here may be cancelled, the work is not."""
        over: Promise[None] = self._connection.io_loop.create_future()

        async def run() -> None:
            try:
                await work
            except Exception as error:
                if not over.done():
                    over.set_exception(error)
                elif not isinstance(error, StreamClosedError):
                    raise
            finally:
                if not over.done():
                    over.set_result(None)

        self._connection.io_loop.spawn(run(), name=f"shielded {type(self).__name__}")
        await over
