"""Slashes at the end of paths: decorators that send a client to the path with one, or without."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from .errors import HTTPError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._base import HandlerBase

H = TypeVar("H", bound="HandlerBase")
P = ParamSpec("P")


def removeslash(
    method: Callable[Concatenate[H, P], Awaitable[object] | None],
) -> Callable[Concatenate[H, P], Awaitable[object] | None]:
    """Decorate a GET or HEAD whose paths should not end with a slash; its route matches both: ``r"/users/*"``."""

    @functools.wraps(method)
    def wrapper(self: H, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[object] | None:
        path = self.request.path
        if path.endswith("/") and path.strip("/"):
            _redirect(self, path.rstrip("/"))
            return None
        return method(self, *args, **kwargs)

    return wrapper


def addslash(
    method: Callable[Concatenate[H, P], Awaitable[object] | None],
) -> Callable[Concatenate[H, P], Awaitable[object] | None]:
    """Decorate a GET or HEAD whose paths should end with a slash; its route matches both: ``r"/users/?"``."""

    @functools.wraps(method)
    def wrapper(self: H, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[object] | None:
        if not self.request.path.endswith("/"):
            _redirect(self, self.request.path + "/")
            return None
        return method(self, *args, **kwargs)

    return wrapper


def _redirect(handler: HandlerBase, path: str) -> None:
    if handler.request.method not in {"GET", "HEAD"}:
        raise HTTPError(404)
    # To a browser, //evil.example names a host, a backslash is a slash, and a tab is nothing.
    path = "/" + path.lstrip("/\\\t")
    query = handler.request.query
    handler.redirect(f"{path}?{query}" if query else path, permanent=True)
