"""Routes: which handler answers which path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from re import Pattern
from typing import Any, Final, NamedTuple, TypeGuard
from urllib.parse import quote, unquote_to_bytes

from ._handler import RequestHandler
from ._log import app_log
from .errors import RouteError

Handler = type[RequestHandler] | str
"""What a route leads to: a handler's class, or its name as ``"package.module.Class"``."""

Route = (
    tuple[str | Pattern[str], Handler]
    | tuple[str | Pattern[str], Handler, Mapping[str, Any] | None]
    | tuple[str | Pattern[str], Handler, Mapping[str, Any] | None, str | None]
)
"""A route as a tuple: pattern, handler, the handler's ``initialize`` arguments, name."""


class Match(NamedTuple):
    """A route that was found, with what its pattern took from the path: percent-decoded, not yet text."""

    handler_class: type[RequestHandler]
    handler_kwargs: Mapping[str, Any]
    path_args: tuple[bytes | None, ...] = ()
    path_kwargs: Mapping[str, bytes | None] = {}


class URLSpec:
    """One route: ``pattern``, a regular expression for the whole path, leads to ``handler``.

    What the pattern's groups match is given to the handler's method: by name if they are named, else
    by position. ``kwargs`` is given to its ``initialize``. By its ``name`` the path can be had
    back: :meth:`Application.reverse_url`. Raises :class:`RouteError`.
    """

    def __init__(
        self,
        pattern: str | Pattern[str],
        handler: Handler,
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.regex: Final = _compiled(pattern)
        """The pattern; given as text, it is anchored at its end."""
        self.kwargs: Final[Mapping[str, Any]] = _checked_kwargs(self._title, kwargs)
        """What is given to the handler's ``initialize``."""
        self.handler_class: Final = _checked_handler(self._title, handler, self.kwargs)
        """The class of the handler."""
        self.name: Final = name
        """The name for ``reverse_url``, or None."""
        self._template = _template(self.regex)
        self.path: Final = _only_path(self._template) if isinstance(pattern, str) else None
        """The one path that the route stands for, or None where its pattern matches several."""

    @property
    def _title(self) -> str:
        return f"route {self.regex.pattern!r}"

    def match(self, path: str) -> Match | None:
        """Match a path, not percent-decoded; None where it is not this route's."""
        match = self.regex.match(path)
        if match is None:
            return None
        if self.regex.groupindex:
            named = {name: _unquoted(text) for name, text in match.groupdict().items()}
            return Match(self.handler_class, self.kwargs, (), named)
        return Match(self.handler_class, self.kwargs, tuple(map(_unquoted, match.groups())))

    def reverse(self, *args: object) -> str:
        """Make the path in which the pattern's groups are ``args``, percent-encoded.

        Raises ``ValueError`` where their number is wrong, or the pattern is not that simple.
        """
        if self._template is None:
            raise ValueError(f"{self._title} has no reverse: its pattern is more than text and plain groups")
        first, *rest = self._template
        if len(args) != len(rest):
            raise ValueError(f"{self._title} takes {len(rest)} arguments to reverse, not {len(args)}")
        return first + "".join([quote(_encoded(arg)) + text for arg, text in zip(args, rest, strict=True)])

    def __repr__(self) -> str:
        pattern, handler = self.regex.pattern, self.handler_class.__name__
        return f"URLSpec({pattern!r}, {handler}, kwargs={dict(self.kwargs)!r}, name={self.name!r})"


url = URLSpec
"""Tornado's other name for :class:`URLSpec`."""


class RouteTable:
    """The routes of an application, in order: the first that matches answers."""

    __slots__ = ("_by_name", "_by_path", "_patterns")

    def __init__(self, routes: Iterable[URLSpec | Route]) -> None:
        specs = [_spec(number, route) for number, route in enumerate(routes, 1)]
        self._by_name = _named(specs)
        self._patterns = [spec for spec in specs if spec.path is None]
        self._by_path: dict[str, Match] = {}
        """Paths that are found without a search, as no pattern before them matches them."""
        self._index(specs)

    def find(self, path: str) -> Match | None:
        """Find the route of a path, not percent-decoded."""
        if (match := self._by_path.get(path)) is not None:
            return match
        for spec in self._patterns:
            if (match := spec.match(path)) is not None:
                return match
        return None

    def reverse(self, name: str, *args: object) -> str:
        """Make the path of a named route; raises ``KeyError`` where there is none of that name."""
        if name not in self._by_name:
            raise KeyError(f"no route is named {name!r}; those that are: {sorted(self._by_name)}")
        return self._by_name[name].reverse(*args)

    def _index(self, specs: Iterable[URLSpec]) -> None:
        before: list[URLSpec] = []
        for spec in specs:
            if spec.path is None:
                before.append(spec)
            elif spec.path not in self._by_path and not any(other.match(spec.path) for other in before):
                self._by_path[spec.path] = Match(spec.handler_class, spec.kwargs)


def checked_table(routes: Iterable[URLSpec | Route] | None) -> Iterable[URLSpec | Route]:
    """Refuse what is no table at all; its lines are checked by :class:`RouteTable`."""
    if routes is None:
        return ()
    # Not redundant for those who have no type checker.
    if isinstance(routes, str | bytes | Mapping) or not isinstance(routes, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RouteError(f"the route table is {routes!r}: make it a list of (pattern, handler)")
    return routes


def _named(specs: Iterable[URLSpec]) -> dict[str, URLSpec]:
    named: dict[str, URLSpec] = {}
    for spec in specs:
        if spec.name is not None:
            if spec.name in named:
                app_log.warning("two routes are named %r: reverse_url gives the later one", spec.name)
            named[spec.name] = spec
    return named


def _spec(number: int, route: object) -> URLSpec:
    if isinstance(route, URLSpec):
        return route
    if not _is_sequence(route) or not 2 <= len(route) <= 4:
        raise RouteError(
            f"route {number} of the table is {route!r}: make it a tuple (pattern, handler), "
            "with the handler's arguments as a dict and a name behind them if you like"
        )
    return URLSpec(*route)


def _compiled(pattern: object) -> Pattern[str]:
    if isinstance(pattern, str):
        try:
            regex = re.compile(pattern if pattern.endswith("$") else pattern + "$")
        except re.error as error:
            raise RouteError(f"route {pattern!r} is no regular expression: {error}") from error
    elif _is_regex(pattern):
        regex = pattern
    else:
        raise RouteError(f"route {pattern!r} has no pattern: give a regular expression as text, or compiled from text")
    if regex.groupindex and len(regex.groupindex) != regex.groups:
        raise RouteError(f"route {regex.pattern!r} mixes named and positional groups: name all, or none")
    return regex


def _checked_kwargs(title: str, kwargs: object) -> Mapping[str, Any]:
    if kwargs is None:
        return {}
    if not _is_mapping(kwargs):
        raise RouteError(f"{title}: the handler's arguments are {kwargs!r}: make them a dict")
    return kwargs


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, tuple | list)


def _is_regex(value: object) -> TypeGuard[Pattern[str]]:
    return isinstance(value, Pattern)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _checked_handler(title: str, handler: object, kwargs: Mapping[str, Any]) -> type[RequestHandler]:
    if isinstance(handler, str):
        handler = _imported(title, handler)
    if not isinstance(handler, type) or not issubclass(handler, RequestHandler):
        found = handler.__name__ if isinstance(handler, type) else repr(handler)
        remedy = ": write its class, not an object of it" if isinstance(handler, RequestHandler) else ""
        raise RouteError(f"{title}: the handler {found} is no subclass of RequestHandler{remedy}")
    _check_initialize(title, handler, kwargs)
    return handler


def _imported(title: str, name: str) -> object:
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise RouteError(f"{title}: the handler {name!r} cannot be imported: {error}") from error


def _check_initialize(title: str, handler: type[RequestHandler], kwargs: Mapping[str, Any]) -> None:
    """Refuse at the start what would raise at every request."""
    if handler.__init__ is not RequestHandler.__init__:
        return
    if handler.initialize is RequestHandler.initialize:
        if kwargs:
            names = ", ".join(map(str, kwargs))
            raise RouteError(f"{title}: {handler.__name__} takes no arguments: give it an initialize(self, {names})")
        return
    from inspect import signature  # slow to import, and needed at the start only

    try:
        signature(handler.initialize).bind(None, **kwargs)
    except TypeError as error:
        raise RouteError(f"{title}: the arguments do not fit {handler.__name__}.initialize(): {error}") from error


def _unquoted(text: str | None) -> bytes | None:
    # What is not ASCII came as bytes, of which a connection makes Latin-1.
    return None if text is None else unquote_to_bytes(text if text.isascii() else text.encode("latin-1"))


def _encoded(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


_tokens = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?!P<)|.", re.DOTALL).findall
_SPECIAL: Final = frozenset("^$.|?*+{}[]\\")


def _template(regex: Pattern[str]) -> list[str] | None:
    """The texts before, between and behind a pattern's groups; None where it is more than texts and plain groups."""
    texts = [""]
    depth = 0
    for token in _tokens(regex.pattern.removeprefix("^").removesuffix("$")):
        if token == "(":
            depth += 1
            if depth == 1:
                texts.append("")
        elif token == ")":
            depth -= 1
        elif depth == 0:
            text = _plain(token)
            if text is None:
                return None
            texts[-1] += text
        elif token == "(?":
            depth += 1
    return texts if len(texts) - 1 == regex.groups else None


def _plain(token: str) -> str | None:
    """The one character that a token of a pattern matches; None where it is not such a token."""
    if len(token) == 1:
        return None if token in _SPECIAL else token
    return token[1] if token[0] == "\\" and not token[1].isalnum() else None


def _only_path(template: list[str] | None) -> str | None:
    return template[0] if template is not None and len(template) == 1 else None
