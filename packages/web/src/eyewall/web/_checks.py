"""What is wrong between a route and its handler, found when the application is made."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from ._handler import RequestHandler
from .errors import RouteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def methods_of(handler: type[RequestHandler]) -> dict[str, Callable[..., object]]:
    """The methods that a handler defines, by the names of HTTP."""
    found = {method: getattr(handler, method.lower(), None) for method in handler.SUPPORTED_METHODS}
    plain = {getattr(RequestHandler, method.lower(), None) for method in RequestHandler.SUPPORTED_METHODS}
    return {method: function for method, function in found.items() if function is not None and function not in plain}


def check_methods(title: str, handler: type[RequestHandler], parts: Mapping[str, type]) -> None:
    """Refuse a handler one of whose methods cannot take what a route's template gives it by name."""
    from inspect import signature  # slow to import, and needed at the start only

    for method, function in methods_of(handler).items():
        where = f"{title}: {handler.__name__}.{method.lower()}()"
        try:
            signature(function).bind(None, **dict.fromkeys(parts))
        except TypeError as error:
            given = ", ".join(parts)
            raise RouteError(f"{where} does not take what the route gives, {given}: {error}") from error
        _check_types(where, function, parts)


def _check_types(where: str, function: Callable[..., object], parts: Mapping[str, type]) -> None:
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError):
        return  # names that are there for a type checker only
    for name, given in parts.items():
        if name in hints and not accepts(hints[name], given):
            wanted = getattr(hints[name], "__name__", hints[name])
            raise RouteError(f"{where} wants {name} as {wanted}, and the route gives {given.__name__}")


def accepts(hint: Any, given: type) -> bool:  # Any: whatever stands in an annotation
    """True where a value of the type may be given to what is annotated so, as far as that can be told."""
    if get_origin(hint) in {Union, types.UnionType}:
        return any(accepts(option, given) for option in get_args(hint))
    if not isinstance(hint, type) or hint is Any or given is object:
        return True
    return issubclass(given, hint) or (hint in {float, complex} and given is int)
