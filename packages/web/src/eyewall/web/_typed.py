"""Routes and handlers that a type checker follows: from the parts of a path into a handler's parameters and state."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar, Final, Generic, Literal, Protocol, TypeGuard, TypeVar, TypeVarTuple, overload

from ._handler import RequestHandler
from ._json import encode_result
from ._parts import Part
from ._patterns import PathPattern
from ._routing import URLSpec
from .errors import RouteError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)

_NEVER_AWAITED: Final = frozenset((dict, list, str, bytes))
# Not a union, which would be made anew at each look.
_TEXTS: Final = (str, bytes)


class Handler(RequestHandler, Generic[S]):
    """A handler that has the state of its application, and whose methods may return the response.

    ::

        class Message(Handler[Database]):
            async def get(self, number: int) -> MessageData:
                return await self.state.message(number)

        Application([(ROOT / "messages" / INT).to(Message)], state=Database())

    What a method returns becomes the response, unless it has written something: text as HTML, bytes unchanged, and
    anything else as JSON, including dataclasses. None gives an empty response.
    """

    needs_state: ClassVar[Literal[True]] = True
    """How a type checker tells it from others, which have no type of this: no Protocol can say what is not there."""

    @property
    def state(self) -> S:
        """The object that the application was given as ``state``."""
        state: S = self.application.state
        return state

    @classmethod
    def check_state(cls, state: S, /) -> None:
        """Check the state of an application that has a route to this handler; raise an exception to refuse it."""

    def _take_result(self, result: object) -> Awaitable[object] | None:
        if _is_awaitable(result):
            return self._respond_later(result)
        self._respond(result)
        return None

    async def _respond_later(self, waits: Awaitable[object]) -> None:
        self._respond(await waits)

    def _respond(self, result: object) -> None:
        if result is not None and not (self._finished or self._headers_written or self._write_buffer):
            self.write_result(result)

    def write_result(self, result: Any) -> None:  # Any: whatever the methods return
        """Write what a method returned; override it for another format than JSON."""
        if isinstance(result, _TEXTS):
            self.write(result)
            return
        own = self._own_headers
        if self._defaults.is_html if own is None else own.get("Content-Type", "text/html").startswith("text/html"):
            self._set_json()
        self.write(encode_result(result))


def _is_awaitable(result: object) -> TypeGuard[Awaitable[object]]:
    """What isinstance says of ``Awaitable``, for a tenth of its price, which each result would pay.

    To find that a type has no such attribute costs 0.3 µs as well, which the usual ones are spared.
    """
    kind = type(result)
    return kind not in _NEVER_AWAITED and hasattr(kind, "__await__")


class Takes(Protocol[*Ts]):
    """What a route asks of a handler: each method that it defines takes the path's values in their order."""

    def get(self, *path: *Ts) -> object:
        """Answer GET."""
        ...

    def head(self, *path: *Ts) -> object:
        """Answer HEAD."""
        ...

    def post(self, *path: *Ts) -> object:
        """Answer POST."""
        ...

    def delete(self, *path: *Ts) -> object:
        """Answer DELETE."""
        ...

    def patch(self, *path: *Ts) -> object:
        """Answer PATCH."""
        ...

    def put(self, *path: *Ts) -> object:
        """Answer PUT."""
        ...

    def options(self, *path: *Ts) -> object:
        """Answer OPTIONS."""
        ...


class TakesNoState(Takes[*Ts], Protocol[*Ts]):
    """The same of a handler for any application."""

    needs_state: ClassVar[Literal[False]]
    """False, and not of another type."""


class TakesState(Takes[*Ts], Protocol[S_contra, *Ts]):
    """The same of a :class:`Handler`, for applications whose state is an ``S``."""

    @classmethod
    def check_state(cls, state: S_contra, /) -> None:
        """Look at the application's state."""
        ...


class TypedRoute(Generic[S_contra]):
    """A route to a handler, for applications whose state is an ``S``; returned by :meth:`TypedPath.to`."""

    def __init__(self, spec: URLSpec) -> None:
        self.spec: Final = spec
        """The same for the table."""

    def __repr__(self) -> str:
        return f"TypedRoute({self.spec!r})"


class TypedPath(Generic[*Ts]):
    """A path made of texts and parts; every path begins with :data:`ROOT`.

    ::

        USER = ROOT / "users" / INT
        POSTS = USER / "posts"
        Application([USER.to(UserHandler), POSTS.to(PostsHandler)], state=database)
        POSTS.url(7)  # "/users/7/posts"

    mypy and pyright reject ``USER.to(UserHandler)``, and so does the program when it runs, unless each method of the
    handler takes an ``int``. A text may contain slashes. ``ROOT`` itself is ``/``, and an empty text at the end adds
    a slash.
    """

    def __init__(self, *parts: str | Part[Any]) -> None:
        for part in parts:
            # Not redundant for those who have no type checker.
            if not isinstance(part, str | Part):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise RouteError(f"{part!r} is not a part of a path: give a text, or a Part such as INT or TEXT")
        self._parts = parts
        texts = [re.escape(part) if isinstance(part, str) else f"({part.pattern})" for part in parts]
        regex = "/" + "/".join(texts)
        self._pattern = PathPattern(regex, [part for part in parts if isinstance(part, Part)])

    @overload
    def __truediv__(self, part: str) -> TypedPath[*Ts]: ...
    @overload
    def __truediv__(self, part: Part[T]) -> TypedPath[*Ts, T]: ...
    def __truediv__(self, part: str | Part[Any]) -> TypedPath[*tuple[Any, ...]]:
        """Give this path with a part behind it."""
        return TypedPath(*self._parts, part)

    @overload
    def to(
        self, handler: type[TakesState[S, *Ts]], kwargs: Mapping[str, Any] | None = None, name: str | None = None
    ) -> TypedRoute[S]: ...
    @overload
    def to(
        self, handler: type[TakesNoState[*Ts]], kwargs: Mapping[str, Any] | None = None, name: str | None = None
    ) -> TypedRoute[object]: ...
    def to(
        self, handler: type[Any], kwargs: Mapping[str, Any] | None = None, name: str | None = None
    ) -> TypedRoute[Any]:
        """Return the route to a handler, whose ``initialize`` receives ``kwargs``. Raises :class:`RouteError`."""
        return TypedRoute(URLSpec(self._pattern, handler, kwargs, name))

    def url(self, *path: *Ts) -> str:
        """Return the path with these values, percent-encoded."""
        return self._pattern.reverse(*path)

    def __repr__(self) -> str:
        return f"TypedPath({self.source!r})"

    @property
    def source(self) -> str:
        """The path as messages show it, with the types of its parts: ``/users/{int}``."""
        texts = [part if isinstance(part, str) else f"{{{part.type.__name__}}}" for part in self._parts]
        return "/" + "/".join(texts)


ROOT: Final[TypedPath[()]] = TypedPath()
"""The path ``/``, to which parts are added."""
