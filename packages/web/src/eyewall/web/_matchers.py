"""Matchers: what a rule of a router asks of a request."""

from __future__ import annotations

import re
from re import Pattern
from typing import TYPE_CHECKING, Any, Final

from ._patterns import PathPattern
from .errors import RouteError

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPServerRequest

    from ._application import Application


class Matcher:
    """Decides whether a rule applies to a request. Subclass it for conditions of your own."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return a dict with ``path_args`` or ``path_kwargs`` for the target, or empty; None if there is no match."""
        raise NotImplementedError(f"{type(self).__name__} matches nothing: define match(request)")

    def reverse(self, *args: object) -> str | None:
        """Return the path that this matches with ``args``; None if that is not possible."""
        return None


class AnyMatches(Matcher):
    """Matches every request."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match it."""
        return {}

    def __repr__(self) -> str:
        return "AnyMatches()"


class HostMatches(Matcher):
    """Matches requests to a host, by a regular expression for its name in lower case and without the port."""

    def __init__(self, host_pattern: str | Pattern[str]) -> None:
        """Raise :class:`RouteError` if it is not a valid regular expression."""
        self.host_pattern: Final = compiled_host(host_pattern)

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match its host."""
        return {} if self.host_pattern.match(request.host_name) else None

    def __repr__(self) -> str:
        return f"HostMatches({self.host_pattern.pattern!r})"


class DefaultHostMatches(Matcher):
    """Matches requests to any host if the application's ``default_host`` is this one.

    It does not match requests that came through a proxy (with ``X-Real-Ip``).
    """

    def __init__(self, application: Application, host_pattern: Pattern[str]) -> None:
        self.application: Final = application
        self.host_pattern: Final = host_pattern

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match it."""
        default = self.application.default_host
        is_direct = "X-Real-Ip" not in request.headers
        return {} if is_direct and default is not None and self.host_pattern.match(default) else None

    def __repr__(self) -> str:
        return f"DefaultHostMatches({self.host_pattern.pattern!r})"


class PathMatches(Matcher):
    """Matches requests by their path, as :class:`URLSpec` does."""

    def __init__(self, path_pattern: str | Pattern[str]) -> None:
        """Raise :class:`RouteError` for a pattern that is neither a regular expression nor a template."""
        self._pattern: Final = PathPattern(path_pattern)
        self.regex: Final = self._pattern.regex
        """The regular expression."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match its path."""
        found = self._pattern.match(request.path)
        if found is None:
            return None
        path_args, path_kwargs = found
        if path_kwargs:
            return {"path_args": [], "path_kwargs": path_kwargs}
        return {"path_args": list(path_args), "path_kwargs": {}} if path_args else {}

    def reverse(self, *args: object) -> str | None:
        """Return the path whose groups are ``args``, percent-encoded. Raises ``ValueError`` if they do not fit."""
        return self._pattern.reverse(*args)

    def __repr__(self) -> str:
        return f"PathMatches({self._pattern.text!r})"


def compiled_host(pattern: str | Pattern[str]) -> Pattern[str]:
    """Compile the pattern of a host's name, which stands for all of it."""
    if isinstance(pattern, Pattern):
        return pattern
    try:
        return re.compile(pattern if pattern.endswith("$") else pattern + "$")
    except re.error as error:
        raise RouteError(f"host {pattern!r} is not a regular expression: {error}") from error
