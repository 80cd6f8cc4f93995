"""Routers: rules that lead requests to applications, to other routers, or to functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from re import Pattern
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from eyewall.httpserver import (
    CallbackDelegate,
    HTTPHeaders,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from ._handler import RequestHandler
from ._matchers import Matcher, PathMatches
from .errors import RouteError

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPConnection, HTTPMessageDelegate


class Router(ABC):
    """Finds what answers a request. A server can serve a router, and a rule can lead to one."""

    @abstractmethod
    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return the delegate that takes the request; None if there is none, which gives a 404."""

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """Return the delegate for a new request; called by a server."""
        return RoutingDelegate(self, server_conn, request_conn)

    def on_close(self, server_conn: object, /) -> None:  # noqa: B027 - most need not know
        """A connection has closed; called by a server."""


class ReversibleRouter(Router):
    """A router that can also construct the paths of its named routes."""

    @abstractmethod
    def reverse_url(self, name: str, *args: object) -> str | None:
        """Return the path of the named route; None if there is none."""


class RoutingDelegate:
    """Asks a router once the head of a request is there, and hands the request on."""

    def __init__(self, router: Router, server_conn: object, request_conn: HTTPConnection) -> None:
        self._router = router
        self._server_conn = server_conn
        self._request_conn = request_conn
        self._delegate: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Find the delegate."""
        if not isinstance(start_line, RequestStartLine):
            raise TypeError(f"a router leads requests, and {start_line!r} begins a response")
        request = HTTPServerRequest(
            headers=headers, connection=self._request_conn, server_connection=self._server_conn, start_line=start_line
        )
        self._delegate = self._router.find_handler(request) or _NotFound(self._request_conn)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Hand a piece on."""
        return None if self._delegate is None else self._delegate.data_received(chunk)

    def finish(self) -> Awaitable[object] | None:
        """Hand the end on."""
        return None if self._delegate is None else self._delegate.finish()

    def on_connection_close(self) -> None:
        """Hand it on."""
        if self._delegate is not None:
            self._delegate.on_connection_close()


class _NotFound:
    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        """Wait for the end."""

    def data_received(self, chunk: bytes, /) -> None:
        """Leave it."""

    def finish(self) -> None:
        """Answer."""
        start_line = ResponseStartLine("HTTP/1.1", 404, "Not Found")
        self._connection.write_headers(start_line, HTTPHeaders({"Content-Length": "0"}))
        self._connection.finish()

    def on_connection_close(self) -> None:
        """Leave it."""


Target = (
    type[RequestHandler]
    | str
    | Router
    | HTTPServerConnectionDelegate
    | Callable[[HTTPServerRequest], Awaitable[object] | None]
    | Sequence[Any]
)
"""What a rule leads to: a :class:`Router`; an ``HTTPServerConnectionDelegate``, such as an Application; a function
that takes the request; a list of rules; or, in an Application, a handler class or the name of one.
"""


class Rule:
    """A line in a router: requests that ``matcher`` matches go to ``target``, which receives ``target_kwargs``."""

    def __init__(
        self,
        matcher: Matcher,
        target: Target,
        target_kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.matcher: Final = matcher
        self.target: Final[Target] = target
        self.target_kwargs: Final[Mapping[str, Any]] = dict(target_kwargs or {})
        self.name: Final = name

    def reverse(self, *args: object) -> str | None:
        """Return the path that its matcher matches with ``args``."""
        return self.matcher.reverse(*args)

    def __repr__(self) -> str:
        return f"Rule({self.matcher!r}, {self.target!r}, kwargs={self.target_kwargs!r}, name={self.name!r})"


RuleLine = (
    Rule
    | tuple[Matcher | str | Pattern[str], Target]
    | tuple[Matcher | str | Pattern[str], Target, Mapping[str, Any] | None]
    | tuple[Matcher | str | Pattern[str], Target, Mapping[str, Any] | None, str | None]
)
"""A rule, or a tuple of its arguments; a string in place of the matcher stands for a :class:`PathMatches`."""


def made_rule(line: object) -> Rule:
    """Make a rule of a line. Raises :class:`RouteError`."""
    if isinstance(line, Rule):
        return line
    if not is_sequence(line) or not 2 <= len(line) <= 4:
        raise RouteError(f"the rule {line!r} is none: make it a tuple (matcher or pattern, target)")
    matcher: Matcher | str | Pattern[str] = line[0]
    return Rule(matcher if isinstance(matcher, Matcher) else PathMatches(matcher), *line[1:])


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """True for a tuple and for a list."""
    return isinstance(value, tuple | list)


def delegate_for(target: Target, request: HTTPServerRequest, params: Mapping[str, Any]) -> HTTPMessageDelegate | None:
    """Return the delegate by which a target takes a request in."""
    if isinstance(target, Router):
        return target.find_handler(request, **params)
    if isinstance(target, HTTPServerConnectionDelegate):
        return target.start_request(request.server_connection, request.connection)
    if callable(target) and not isinstance(target, type):
        return CallbackDelegate(target).start_request(request.server_connection, request.connection)
    raise RouteError(f"the target {target!r} cannot answer requests: give a router, an application or a function")


class RuleRouter(Router):
    """Leads requests by rules: the first that matches decides.

    ::

    RuleRouter([
        (HostMatches("api.example"), api_application),
        (PathMatches("/health"), lambda request: answer(request)),
        (AnyMatches(), site),
    ])
    """

    def __init__(self, rules: Iterable[RuleLine] | None = None) -> None:
        """Raise :class:`RouteError` for an invalid rule."""
        self.rules: Final[list[Rule]] = []
        if rules is not None:
            self.add_rules(rules)

    def add_rules(self, rules: Iterable[RuleLine]) -> None:
        """Add rules after the existing ones."""
        for line in rules:
            self.rules.append(self.process_rule(made_rule(line)))

    def process_rule(self, rule: Rule) -> Rule:
        """Return the rule that is to be added: this one, or another in its place. For subclasses."""
        if is_sequence(rule.target):
            return Rule(rule.matcher, type(self)(rule.target), rule.target_kwargs, rule.name)
        return rule

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Try the rules in order."""
        for rule in self.rules:
            params = rule.matcher.match(request)
            if params is None:
                continue
            if rule.target_kwargs:
                params = {**params, "target_kwargs": rule.target_kwargs}
            delegate = self.get_target_delegate(rule.target, request, **params)
            if delegate is not None:
                return delegate
        return None

    def get_target_delegate(
        self, target: Target, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        """Return the delegate through which a rule's target takes a request; None to continue with the next rule."""
        return delegate_for(target, request, target_params)


class ReversibleRuleRouter(ReversibleRouter, RuleRouter):
    """A :class:`RuleRouter` whose rules can have names."""

    def __init__(self, rules: Iterable[RuleLine] | None = None) -> None:
        self.named_rules: Final[dict[str, Rule]] = {}
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        """Record the rule's name."""
        rule = super().process_rule(rule)
        if rule.name:
            self.named_rules[rule.name] = rule
        return rule

    def reverse_url(self, name: str, *args: object) -> str | None:
        """Return the path of the named rule, of this router or of one beneath it; None if there is none."""
        if name in self.named_rules:
            return self.named_rules[name].reverse(*args)
        targets = (rule.target for rule in self.rules)
        urls = (target.reverse_url(name, *args) for target in targets if isinstance(target, ReversibleRouter))
        return next(filter(None, urls), None)
