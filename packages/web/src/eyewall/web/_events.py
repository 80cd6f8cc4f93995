"""Server-sent events: a response that goes on, event by event, as browsers' EventSource reads it (WHATWG HTML 9.2)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final

from eyewall.ioloop import Timer

from ._disconnect import DisconnectPolicy
from ._handler import RequestHandler
from ._json import as_dict, json_encode

_lines: Final = re.compile(r"\r\n|\r|\n").split
_is_field: Final = re.compile(r"[^\r\n\0]*").fullmatch


class ServerSentEvent:
    """One server-sent event.

    ``data`` is text, or a mapping, which is sent as JSON. ``event`` is the type of the event; without one, a browser
    calls ``onmessage``. ``id`` is what a client that reconnects sends back as
    :attr:`EventSourceHandler.last_event_id`. ``retry`` is how many milliseconds the client should wait before it
    reconnects.
    """

    __slots__ = ("data", "event", "id", "retry")

    def __init__(
        self,
        data: str | Mapping[str, object] = "",
        *,
        event: str | None = None,
        id: str | None = None,  # noqa: A002 - the field's name
        retry: int | None = None,
    ) -> None:
        """Raise ``ValueError`` if ``event`` or ``id`` contains a line break, which would begin another field."""
        for name, text in (("event", event), ("id", id)):
            if text is not None and not _is_field(text):
                raise ValueError(f"the {name} of an event is {text!r}: it must not contain a line break or NUL")
        self.data: Final = (
            data if isinstance(data, str) else json_encode(as_dict(data, "an event's data are str or dict"))
        )
        self.event: Final = event
        self.id: Final = id
        self.retry: Final = retry

    def encode(self) -> bytes:
        """Return the event as it is sent."""
        fields = [f"event: {self.event}"] if self.event is not None else []
        if self.id is not None:
            fields.append(f"id: {self.id}")
        if self.retry is not None:
            fields.append(f"retry: {int(self.retry)}")
        fields += [f"data: {line}" for line in _lines(self.data)]
        return "\n".join([*fields, "", ""]).encode()


class EventSourceHandler(RequestHandler):
    """Answers with server-sent events: its methods are async generators that yield them.

    ::

        class Clock(EventSourceHandler):
            async def get(self) -> AsyncGenerator[ServerSentEvent | str]:
                for number in itertools.count(int(self.last_event_id or 0) + 1):
                    yield ServerSentEvent(f"tick {number}", id=str(number))
                    await asyncio.sleep(1)

    A text or a mapping that is yielded becomes the data of an event. The next event is requested only when the client
    has taken the previous one. While there is none, a comment is sent every :attr:`heartbeat` seconds, so that
    proxies do not consider the connection dead. When the client disconnects, the generator is cancelled where it
    waits, and its ``finally`` clauses run. When the generator ends, so does the response.
    """

    disconnect_policy: ClassVar[DisconnectPolicy] = "cancel"
    """The generator is cancelled where it waits: see :attr:`RequestHandler.disconnect_policy`."""

    heartbeat: ClassVar[float] = 15.0
    """Seconds without an event after which a comment is sent; 0 sends none."""

    @property
    def last_event_id(self) -> str | None:
        """The id of the last event that a reconnecting client has seen."""
        return self.request.headers.get("Last-Event-Id")

    def compute_etag(self) -> str | None:
        """Return None: the response has no end from which a tag could be computed."""
        return None

    _heart: Timer | None = None

    def _answer(self, method: Callable[..., Any]) -> Awaitable[object] | None:
        # Whatever else the handler is, a generator is not for it to take.
        events: object = method(*self.path_args, **self.path_kwargs)
        # The answer to OPTIONS that the setting automatic_options adds is no generator.
        return None if events is None and self.request.method == "OPTIONS" else self._send_events(events)

    async def _send_events(self, events: object) -> None:
        if not isinstance(events, AsyncGenerator):
            name = f"{type(self).__name__}.{self.request.method.lower()}()"
            raise TypeError(f"{name} gave {events!r}: make it an async generator of events, with yield")
        self.set_header("Content-Type", "text/event-stream; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx would wait for more
        io_loop = self._connection.io_loop
        if self.request.method == "HEAD":
            await events.aclose()
            return
        try:
            await self.flush()
            self._beat_later()
            async for event in events:  # pyright: ignore[reportUnknownVariableType] - a program's
                await self._send_event(event)  # pyright: ignore[reportUnknownArgumentType] - encode() checks it
        finally:
            self._stop_beating()
            with io_loop.cancel_scope(shield=True):
                await events.aclose()

    async def _send_event(self, event: ServerSentEvent | str | Mapping[str, object]) -> None:
        self._stop_beating()
        self.write((event if isinstance(event, ServerSentEvent) else ServerSentEvent(event)).encode())
        await self.flush()
        self._beat_later()

    def _beat_later(self) -> None:
        if self.heartbeat:
            self._heart = self._connection.io_loop.call_later(self.heartbeat, self._beat)

    def _beat(self) -> None:
        self.write(b":\n\n")
        self.flush()
        self._beat_later()

    def _stop_beating(self) -> None:
        if self._heart is not None:
            self._heart.cancel()
            self._heart = None
