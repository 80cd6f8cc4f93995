"""What is wrong between a route and its handler, found when the application is made."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from .errors import RouteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._handler import RequestHandler

_HOOKS: Final = (
    "initialize",
    "set_default_headers",
    "check_cross_origin",
    "check_trusted_origin",
    "check_xsrf_cookie",
    "check_origin",
    "select_subprotocol",
    "get_compression_options",
    "compute_etag",
    "check_etag_header",
    "write_error",
    "log_exception",
    "on_connection_close",
    "on_finish",
    "on_close",
    "on_ping",
    "on_pong",
)
"""What is called for its result or its effect there and then."""
_ANY_COROUTINE: Final = 0x20 | 0x80 | 0x200
"""A generator, a coroutine, an asynchronous generator: flags of :mod:`inspect`, which is slow to import."""


def check_hooks(handler: type[RequestHandler]) -> None:
    """Refuse a coroutine where nobody awaits one: it would never run, and a check would let everybody through."""
    for name in _HOOKS:
        code = getattr(getattr(handler, name, None), "__code__", None)
        if code is not None and code.co_flags & _ANY_COROUTINE:
            raise ValueError(
                f"{handler.__name__}.{name}() is a coroutine or generator, which nobody would run: make it a plain "
                "method, and wait in prepare() or in the method that answers"
            )


def check_methods(
    title: str, handler: type[RequestHandler], positional: Sequence[type] = (), named: Mapping[str, type] | None = None
) -> None:
    """Refuse a handler one of whose methods cannot take the values, of these types, that a route gives it."""
    from inspect import signature  # slow to import, and needed at the start only

    named = named or {}
    for method in handler._allowed_methods():  # pyright: ignore[reportPrivateUsage] - the one list of them
        function = getattr(handler, method.lower())
        if function is None:
            continue
        where = f"{title}: {handler.__name__}.{method.lower()}()"
        try:
            bound = signature(function).bind(None, *positional, **named)
        except TypeError as error:
            given = ", ".join([*[kind.__name__ for kind in positional], *named])
            raise RouteError(f"{where} does not take what the route gives, {given}: {error}") from error
        # Each parameter is bound to the type of what it will be given.
        _check_types(where, function, {name: kind for name, kind in bound.arguments.items() if isinstance(kind, type)})


def _check_types(where: str, function: Callable[..., object], given: Mapping[str, type]) -> None:
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError):
        return  # names that are there for a type checker only
    for name, kind in given.items():
        if name in hints and not accepts(hints[name], kind):
            wanted = getattr(hints[name], "__name__", hints[name])
            raise RouteError(f"{where} wants {name} as {wanted}, and the route gives {kind.__name__}")


def accepts(hint: Any, given: type) -> bool:  # Any: whatever stands in an annotation
    """True if a value of the type may be given to what is annotated so, as far as that can be told."""
    if get_origin(hint) in {Union, types.UnionType}:
        return any(accepts(option, given) for option in get_args(hint))
    if not isinstance(hint, type) or hint is Any or given is object:
        return True
    return issubclass(given, hint) or (hint in {float, complex} and given is int)
