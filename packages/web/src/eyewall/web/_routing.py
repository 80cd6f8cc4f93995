"""Routes: which handler answers which path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from re import Pattern
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from eyewall.httpserver import HTTPMessageDelegate, HTTPServerConnectionDelegate

from ._checks import check_hooks, check_methods
from ._handler import RequestHandler
from ._listing import ListedRoute, target_name
from ._log import app_log
from ._matchers import Matcher
from ._patterns import PathPattern
from ._router import ReversibleRouter, Router, Rule, RuleLine, delegate_for, is_sequence, made_rule
from .errors import RouteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.httpserver import HTTPServerRequest

RouteTarget = type[RequestHandler] | str
"""What a route leads to: a handler class, or its name as ``"package.module.Class"``."""

Route = (
    tuple[str | Pattern[str], RouteTarget]
    | tuple[str | Pattern[str], RouteTarget, Mapping[str, Any] | None]
    | tuple[str | Pattern[str], RouteTarget, Mapping[str, Any] | None, str | None]
)
"""A route as a tuple: pattern, handler, the handler's ``initialize`` arguments, name."""


_NOTHING: Final[Mapping[str, object]] = {}


class Match:
    """A matching route, with the values from the path: percent-decoded bytes, or the converted value of a part.

    Not a named tuple: looking up a field of one takes three times as long, and making one half as long again.
    """

    __slots__ = ("handler_class", "handler_kwargs", "path_args", "path_kwargs")

    def __init__(
        self,
        handler_class: type[RequestHandler],
        handler_kwargs: Mapping[str, Any],
        path_args: tuple[object, ...] = (),
        path_kwargs: Mapping[str, object] = _NOTHING,
    ) -> None:
        self.handler_class: Final = handler_class
        self.handler_kwargs: Final = handler_kwargs
        self.path_args: Final = path_args
        self.path_kwargs: Final = path_kwargs


Found = Match | HTTPMessageDelegate
"""Who answers a request: a handler, or a delegate that takes the request in."""


class URLSpec:
    """One route: paths that match ``pattern``, a regular expression for the whole path, go to ``handler``.

    The values of the pattern's groups are passed to the handler's method, by name if they are named and by position
    otherwise. ``kwargs`` are passed to its ``initialize``. A path can be constructed from the ``name`` with
    :meth:`Application.reverse_url`. Raises :class:`RouteError`.
    """

    def __init__(
        self,
        pattern: str | Pattern[str] | PathPattern,
        handler: RouteTarget,
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self._pattern = path = pattern if isinstance(pattern, PathPattern) else PathPattern(pattern)
        self.regex: Final = path.regex
        """The compiled pattern. One given as text is anchored at its end."""
        self.kwargs: Final[Mapping[str, Any]] = _checked_kwargs(path.title, kwargs)
        """The arguments for the handler's ``initialize``."""
        self.handler_class: Final = _checked_handler(path.title, handler, self.kwargs)
        """The handler class."""
        if path.parts:
            check_methods(path.title, self.handler_class, named={key: part.type for key, part in path.parts.items()})
        elif path.positional:
            check_methods(path.title, self.handler_class, [part.type for part in path.positional])
        self.name: Final = name
        """The name for ``reverse_url``, or None."""
        self.path: Final = path.only_path
        """The only path that matches the route; None if its pattern matches several."""

    @property
    def is_steady(self) -> bool:
        """True if a path always matches alike."""
        return self._pattern.is_steady

    @property
    def prefix(self) -> str:
        """The text that every path of the route begins with."""
        return "" if self._pattern.texts is None else self._pattern.texts[0]

    def match(self, path: str) -> Match | None:
        """Match a path that is not percent-decoded; None if it does not belong to this route."""
        found = self._pattern.match(path)
        return None if found is None else Match(self.handler_class, self.kwargs, *found)

    def find(self, request: HTTPServerRequest) -> Match | None:
        """Match a request's path."""
        found = self._pattern.match(request.path)
        return None if found is None else Match(self.handler_class, self.kwargs, *found)

    def reverse(self, *args: object) -> str:
        """Return the path whose groups are ``args``, percent-encoded.

        Raises ``ValueError`` if their number is wrong, or if the pattern is too complex to be reversed.
        """
        return self._pattern.reverse(*args)

    def listed(self, before: str) -> Iterator[ListedRoute]:
        """Tell of itself: see :meth:`Application.list_routes`."""
        yield _listed(before + self._pattern.text, self.handler_class, self.name)

    def __repr__(self) -> str:
        pattern, handler = self.regex.pattern, self.handler_class.__name__
        return f"URLSpec({pattern!r}, {handler}, kwargs={dict(self.kwargs)!r}, name={self.name!r})"


url = URLSpec
"""Tornado's other name for :class:`URLSpec`."""

RouteLine = URLSpec | Route | RuleLine
"""A line of a route table: a route, or a rule that checks more than the path or leads to more than a handler."""


class RuleSpec:
    """A rule as a line of a table: what it asks is more than the path, or who answers more than a handler."""

    path: None = None
    prefix: str = ""

    def __init__(self, rule: Rule) -> None:
        self.name: Final = rule.name
        self._rule = rule
        self._table: RouteTable | None = None
        self._handler: type[RequestHandler] | None = None
        if isinstance(rule.target, str) or is_handler(rule.target):
            self._handler = _checked_handler(repr(rule), rule.target, rule.target_kwargs)
        elif is_sequence(rule.target):
            self._table = RouteTable(rule.target)

    def find(self, request: HTTPServerRequest) -> Found | None:
        """Ask the matcher, and then the target."""
        params = self._rule.matcher.match(request)
        if params is None:
            return None
        if self._table is not None:
            return self._table.find(request)
        kwargs = self._rule.target_kwargs
        if self._handler is not None:
            return Match(self._handler, kwargs, tuple(params.get("path_args", ())), params.get("path_kwargs", {}))
        return delegate_for(self._rule.target, request, {**params, "target_kwargs": kwargs} if kwargs else params)

    def reverse(self, *args: object) -> str:
        """Make the path that the matcher matches with ``args``. Raises ``ValueError`` if there is none."""
        path = self._rule.reverse(*args)
        if path is None:
            raise ValueError(f"{self._rule!r} has no reverse: its matcher has none")
        return path

    def reverse_inside(self, name: str, *args: object) -> str | None:
        """Make the path of a named route that the rule leads to; None if there is none."""
        if self._table is not None:
            return self._table.reverse(name, *args)
        target = self._rule.target
        return target.reverse_url(name, *args) if isinstance(target, ReversibleRouter) else None

    def listed(self, before: str) -> Iterator[ListedRoute]:
        """Tell of itself, or of the table that it leads to."""
        where = f"{before}{self._rule.matcher!r}"
        if self._table is not None:
            yield from self._table.listed(f"{where} → ")
        else:
            yield _listed(where, self._handler or self._rule.target, self.name)


def _listed(where: str, target: object, name: str | None) -> ListedRoute:
    methods = target._allowed_methods() if is_handler(target) else ()  # pyright: ignore[reportPrivateUsage] - the one list
    return ListedRoute(where, target_name(target), tuple(methods), name)


_MAX_SEEN: Final = 1024
_MAX_SEEN_LENGTH: Final = 128


class RouteTable:
    """The routes of an application, in order: the first that matches answers.

    A path without places is found by itself. The others are sought among those whose text before
    their first place goes as the path does, so that a thousand routes cost about what ten do; and
    the paths that were found last are remembered.
    """

    __slots__ = ("_by_name", "_by_path", "_rules", "_seen", "_specs", "_tree")

    def __init__(self, routes: Iterable[object]) -> None:
        self._specs = [_spec(number, route) for number, route in enumerate(routes, 1)]
        self._by_name = _named(self._specs)
        self._rules = [spec for spec in self._specs if isinstance(spec, RuleSpec)]
        self._by_path: dict[str, Match] = {}
        """Paths that are found without a search, as no pattern before them matches them."""
        self._seen: dict[str, Match] = {}
        """Paths that a search has found: a bounded number of them."""
        self._index()
        self._tree = _Branch()
        for number, spec in enumerate(self._specs):
            if spec.path not in self._by_path:
                self._tree.add(number, spec)
        self._tree.settle()

    def find(self, request: HTTPServerRequest) -> Found | None:
        """Find who answers a request."""
        path = request.path
        if (match := self._by_path.get(path) or self._seen.get(path)) is not None:
            return match
        for _, spec in self._tree.candidates(path):
            if (found := spec.find(request)) is not None:
                if not self._rules and isinstance(spec, URLSpec) and isinstance(found, Match):
                    self._remember(path, spec, found)
                return found
        return None

    def _remember(self, path: str, spec: URLSpec, found: Match) -> None:
        # With rules in the table it would not depend on the path alone.
        if spec.is_steady and len(path) <= _MAX_SEEN_LENGTH:
            if len(self._seen) >= _MAX_SEEN:
                self._seen.clear()
            self._seen[path] = found

    def reverse(self, name: str, *args: object) -> str | None:
        """Make the path of a named route; None if there is none of that name."""
        if name in self._by_name:
            return self._by_name[name].reverse(*args)
        inside = (rule.reverse_inside(name, *args) for rule in self._rules)
        return next((path for path in inside if path is not None), None)

    def handlers(self) -> list[type[RequestHandler]]:
        """The handlers that routes lead to directly."""
        return [spec.handler_class for spec in self._specs if isinstance(spec, URLSpec)]

    def listed(self, before: str = "") -> Iterator[ListedRoute]:
        """Tell of the routes, in their order."""
        for spec in self._specs:
            yield from spec.listed(before)

    def names(self) -> list[str]:
        """The names of the routes."""
        return sorted(self._by_name)

    def _index(self) -> None:
        before: list[URLSpec] = []
        for spec in self._specs:
            if isinstance(spec, RuleSpec):
                return  # what it matches is not known before there is a request
            if spec.path is None:
                before.append(spec)
            elif spec.path not in self._by_path and not any(other.match(spec.path) for other in before):
                self._by_path[spec.path] = Match(spec.handler_class, spec.kwargs)


class _Branch:
    """Routes by the whole segments that their paths begin with."""

    __slots__ = ("_branches", "_specs")

    def __init__(self) -> None:
        self._specs: list[tuple[int, URLSpec | RuleSpec]] = []
        self._branches: dict[str, _Branch] = {}

    def add(self, number: int, spec: URLSpec | RuleSpec) -> None:
        branch = self
        for segment in spec.prefix.split("/")[:-1]:
            branch = branch._branches.setdefault(segment, _Branch())
        branch._specs.append((number, spec))

    def settle(self) -> None:
        """Let each branch have what those above it have, in the order of the table, when all are there."""
        branches: list[_Branch] = [self]
        for branch in branches:
            for deeper in branch._branches.values():
                deeper._specs = (
                    sorted([*branch._specs, *deeper._specs], key=_number) if deeper._specs else branch._specs
                )
                branches.append(deeper)

    def candidates(self, path: str) -> list[tuple[int, URLSpec | RuleSpec]]:
        """Return those that may match a path, in the order of the table."""
        branch = self
        for segment in path.split("/"):
            deeper = branch._branches.get(segment)
            if deeper is None:
                break
            branch = deeper
        return branch._specs


def _number(entry: tuple[int, object]) -> int:
    return entry[0]


def checked_table(routes: Iterable[object] | None) -> Iterable[object]:
    """Refuse what is no table at all; its lines are checked by :class:`RouteTable`."""
    if routes is None:
        return ()
    # Not redundant for those who have no type checker.
    if isinstance(routes, str | bytes | Mapping) or not isinstance(routes, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RouteError(f"the route table is {routes!r}: make it a list of (pattern, handler)")
    return routes


def _named(specs: Iterable[URLSpec | RuleSpec]) -> dict[str, URLSpec | RuleSpec]:
    named: dict[str, URLSpec | RuleSpec] = {}
    for spec in specs:
        if spec.name is not None:
            if spec.name in named:
                app_log.warning("two routes are named %r: reverse_url gives the later one", spec.name)
            named[spec.name] = spec
    return named


def _spec(number: int, route: object) -> URLSpec | RuleSpec:
    if isinstance(route, URLSpec | RuleSpec):
        return route
    if isinstance(route, Rule):
        return RuleSpec(route)
    if isinstance(spec := getattr(route, "spec", None), URLSpec):
        return spec  # of a TypedRoute, which is made of more than this module knows
    if hasattr(route, "to"):
        raise RouteError(f"route {number} of the table is {route!r}: say where it leads, with .to(YourHandler)")
    if not is_sequence(route) or not 2 <= len(route) <= 4:
        raise RouteError(
            f"route {number} of the table is {route!r}: make it a tuple (pattern, handler), "
            "with the handler's arguments as a dict and a name behind them if you like"
        )
    if isinstance(route[0], Matcher) or _is_other_target(route[1]):
        return RuleSpec(made_rule(route))
    return URLSpec(*route)


def is_handler(target: object) -> TypeGuard[type[RequestHandler]]:
    """True for a handler's class."""
    return isinstance(target, type) and issubclass(target, RequestHandler)


def _is_other_target(target: object) -> bool:
    """True for what answers requests and is no handler's class.

    A function does as well, behind a :class:`Matcher`: behind a pattern it is more likely a mistake.
    """
    if isinstance(target, str | type | RequestHandler):
        return False
    return isinstance(target, Router | list | tuple | HTTPServerConnectionDelegate)


def _checked_kwargs(title: str, kwargs: object) -> Mapping[str, Any]:
    if kwargs is None:
        return {}
    if not _is_mapping(kwargs):
        raise RouteError(f"{title}: the handler's arguments are {kwargs!r}: make them a dict")
    return kwargs


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _checked_handler(title: str, handler: object, kwargs: Mapping[str, Any]) -> type[RequestHandler]:
    if isinstance(handler, str):
        handler = _imported(title, handler)
    if not isinstance(handler, type) or not issubclass(handler, RequestHandler):
        found = handler.__name__ if isinstance(handler, type) else repr(handler)
        remedy = ": write its class, not an object of it" if isinstance(handler, RequestHandler) else ""
        raise RouteError(f"{title}: the handler {found} is not a subclass of RequestHandler{remedy}")
    _check_initialize(title, handler, kwargs)
    try:
        check_hooks(handler)
        handler.settle()
        handler.check_route(kwargs)
    except ValueError as error:
        raise RouteError(f"{title}: {error}") from error
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
