"""What becomes of a callback that fails: one line in the log that says where it comes from."""

from __future__ import annotations

import functools
import logging
from typing import Any, Final

logger: Final = logging.getLogger("eyewall.ioloop")


def describe(callback: object) -> str:
    """Return the name of a callable and the place of its code, as far as it has them."""
    while isinstance(callback, functools.partial):
        callback = callback.func  # pyright: ignore[reportUnknownMemberType] - of whatever it is
    code = getattr(callback, "__code__", None)
    if code is None:
        return repr(callback)
    name = getattr(callback, "__qualname__", code.co_name)
    return f"{name} at {code.co_filename}:{code.co_firstlineno}"


def log_failure(callback: object, error: BaseException) -> None:
    """Log that a callback, or the coroutine it began, ended with an error that nobody waits for."""
    logger.error("Exception in callback %s", describe(callback), exc_info=error)


def log_failed_task(name: str, error: BaseException) -> None:
    """Log that a task has failed, and that nobody has asked how it ended."""
    logger.error("The task %r failed, and nobody waited for it", name, exc_info=error)


async def follow(callback: object, result: Any) -> None:
    """Await what a callback has returned; a failure is the callback's, and logged as such."""
    try:
        await result
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody else waits for it
        log_failure(callback, error)
