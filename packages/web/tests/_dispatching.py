"""What a connection does with a dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPMessageDelegate


async def finish(delegate: HTTPMessageDelegate) -> None:
    """Say that the request is complete, and wait as long as it takes to answer it."""
    if (waits := delegate.finish()) is not None:
        await waits
