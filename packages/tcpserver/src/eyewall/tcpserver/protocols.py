"""What a TCP server asks of whoever serves its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.iostream import Address, Stream


class StreamHandler(Protocol):
    """Serves connections, one call for each."""

    def handle_stream(self, stream: Stream, address: Address, /) -> Awaitable[object] | None:
        """Take over a new connection; whoever takes it closes it.

        What is returned, most often a coroutine, is awaited in a task of its own. What it raises
        is logged, and the stream closed.
        """
        ...
