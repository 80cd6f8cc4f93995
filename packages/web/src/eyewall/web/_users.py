"""Who the user is: the property that a handler asks, and the decorator that asks for a user."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ._base import HandlerBase
from .errors import HTTPError, SettingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Concatenate

H = TypeVar("H", bound="UsersMixin")
P = ParamSpec("P")

_UNKNOWN: Any = object()


class UsersMixin(HandlerBase):
    """The methods of a handler around the user."""

    _current_user: Any = _UNKNOWN

    @property
    def current_user(self) -> Any:  # Any: whatever the program's get_current_user gives
        """The user; None or another false value if nobody is signed in.

        It is the result of :meth:`get_current_user`, which is called once per request; or what was set here, for
        instance by a ``prepare`` that has to wait for it.
        """
        if self._current_user is _UNKNOWN:
            self._current_user = _no_coroutine(self.get_current_user())
        return self._current_user

    @current_user.setter
    def current_user(self, value: Any) -> None:
        self._current_user = value

    def get_current_user(self) -> Any:  # Any: the program's own
        """Find out who the user is, for instance from a signed cookie. Override it; it may not be a coroutine."""
        return None

    def get_login_url(self) -> str:
        """Return the URL at which users sign in: by default the setting ``login_url``."""
        url: str | None = self.settings.get("login_url")
        if not url:
            raise SettingError("authenticated needs the setting login_url: where users sign in, such as '/login'")
        return url


def authenticated(
    method: Callable[Concatenate[H, P], Awaitable[object] | None],
) -> Callable[Concatenate[H, P], Awaitable[object] | None]:
    """Decorate a method that only signed-in users may reach.

    Without a user, GET and HEAD are redirected to :meth:`~RequestHandler.get_login_url`, with the address of the
    current page in the argument ``next``, unless that URL has a query of its own. Any other request is answered with
    403::

        class Inbox(RequestHandler):
            @authenticated
            async def get(self) -> None: ...
    """

    @functools.wraps(method)
    def wrapper(self: H, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[object] | None:
        if self.current_user:
            return method(self, *args, **kwargs)
        if self.request.method not in {"GET", "HEAD"}:
            raise HTTPError(403)
        self.redirect(_with_next(self, self.get_login_url()))
        return None

    return wrapper


def _no_coroutine(user: Any) -> Any:
    # One would be true, whoever asks.
    if hasattr(user, "__await__"):
        if hasattr(user, "close"):
            user.close()
        raise TypeError(
            "get_current_user() gave something to be awaited, which is not a user: make it a plain method, "
            "or set self.current_user in a prepare() that awaits"
        )
    return user


def _with_next(handler: UsersMixin, url: str) -> str:
    if "?" in url:
        return url
    from urllib.parse import urlencode, urlsplit

    elsewhere = urlsplit(url).scheme
    return f"{url}?{urlencode({'next': handler.request.full_url() if elsewhere else handler.request.uri})}"
