"""Which exceptions end a request on purpose, and with which status; Tornado's own among them, by their shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard

from eyewall.httpserver import HTTPFieldError, HTTPInputError

from .errors import Finish, HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable


class _HTTPErrorShape(Protocol):
    status_code: int
    reason: str | None
    log_message: str | None
    get_message: Callable[[], str | None]


def is_finish(error: BaseException) -> bool:
    """True for :class:`Finish`, and for Tornado's exception of that name."""
    return isinstance(error, Finish) or any(
        kind.__name__ == "Finish" and kind.__module__ == "tornado.web" for kind in type(error).__mro__
    )


def as_http_error(error: BaseException) -> HTTPError | None:
    """Return what the client is to be answered, or None for an error of the program.

    A request that turns out malformed when the handler looks at it is the client's fault; a header
    field that the handler itself made up is not.
    """
    if isinstance(error, HTTPError):
        return error
    if isinstance(error, HTTPInputError) and not isinstance(error, HTTPFieldError):
        return HTTPError(error.status, "%s", error)
    if _has_shape(error):
        return HTTPError(error.status_code, "%s", error.get_message() or "", reason=error.reason)
    return None


def _has_shape(error: object) -> TypeGuard[_HTTPErrorShape]:
    return isinstance(getattr(error, "status_code", None), int) and all(
        hasattr(error, name) for name in ("reason", "log_message", "get_message")
    )
