"""What a client sent beside the path: arguments of the query and of the form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from ._base import HandlerBase
from ._decode import decode_json
from .errors import HTTPError, MissingArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
D = TypeVar("D")

_REQUIRED: Final = object()
_without_controls = re.compile(r"[\x00-\x08\x0e-\x1f]").sub


class ArgumentsMixin(HandlerBase):
    """The methods of a handler that read arguments.

    Each kind of argument has a ``get_*_argument``, which returns the last value of that name, and a
    ``get_*_arguments``, which returns all of them. If an argument is missing, the default is returned or, without a
    default, :class:`MissingArgumentError` is raised. Values are decoded by :meth:`decode_argument`, control
    characters become spaces, and ``strip`` removes white space at both ends.
    """

    @overload
    def get_argument(self, name: str, *, strip: bool = True) -> str: ...
    @overload
    def get_argument(self, name: str, default: T, strip: bool = True) -> str | T: ...
    def get_argument(self, name: str, default: object = _REQUIRED, strip: bool = True) -> object:
        """Return an argument of the form or, if the form has none of that name, of the query."""
        return _last(self.get_arguments(name, strip), name, default)

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all arguments of that name, those of the query first; empty if there is none."""
        return self._decoded(name, self.request.arguments.get(name, ()), strip)

    @overload
    def get_query_argument(self, name: str, *, strip: bool = True) -> str: ...
    @overload
    def get_query_argument(self, name: str, default: T, strip: bool = True) -> str | T: ...
    def get_query_argument(self, name: str, default: object = _REQUIRED, strip: bool = True) -> object:
        """Return an argument of the query: ``/search?q=…``."""
        return _last(self.get_query_arguments(name, strip), name, default)

    def get_query_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all arguments of that name in the query; empty if there is none."""
        return self._decoded(name, self.request.query_arguments.get(name, ()), strip)

    @overload
    def get_body_argument(self, name: str, *, strip: bool = True) -> str: ...
    @overload
    def get_body_argument(self, name: str, default: T, strip: bool = True) -> str | T: ...
    def get_body_argument(self, name: str, default: object = _REQUIRED, strip: bool = True) -> object:
        """Return an argument of an urlencoded form."""
        return _last(self.get_body_arguments(name, strip), name, default)

    def get_body_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all arguments of that name in an urlencoded form; empty if there is none."""
        return self._decoded(name, self.request.body_arguments.get(name, ()), strip)

    @overload
    def argument(self, name: str, kind: Callable[[str], T]) -> T: ...
    @overload
    def argument(self, name: str, kind: Callable[[str], T], default: D) -> T | D: ...
    def argument(self, name: str, kind: Callable[[str], Any], default: object = _REQUIRED) -> object:
        """Return an argument of the form or the query as a ``kind``: ``self.argument("page", int, default=1)``.

        ``kind`` is a class, or a function that takes the text; ``bool`` accepts ``1``, ``true``, ``yes``, ``on`` and
        their opposites. If ``kind`` raises ``ValueError``, this raises :class:`HTTPError` (400); if the argument is
        missing and has no default, :class:`MissingArgumentError`.
        """
        values = self.get_arguments(name)
        if not values:
            return _last(values, name, default)
        try:
            return _truth(values[-1]) if kind is bool else kind(values[-1])
        except ValueError as error:
            wanted = getattr(kind, "__name__", kind)
            raise HTTPError(400, "argument %s is %r, and no %s", name, values[-1][:40], wanted) from error

    def json(self, kind: type[T]) -> T:
        """Return the JSON body as a ``kind``: a dataclass, a TypedDict, a ``list`` of them, and so on.

        If msgspec is installed, it decodes the body, and its ``Struct`` is accepted as a kind; a pydantic model is
        accepted too. Raises :class:`BodyError`, which tells the client what is wrong and where; with status 415 for a
        body that is declared as something else. Raises ``TypeError`` for a kind that cannot be read from JSON::

            order = self.json(Order)
        """
        content_type = self.request.headers.get("Content-Type")
        if content_type and content_type != "application/json":
            _check_is_json(content_type.partition(";")[0].strip().lower())
        return decode_json(self.request.body, kind)

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Decode one value that has been percent-decoded; also used for the values that a route takes from the path.

        Override it for another encoding than UTF-8. ``name`` is None for a positional argument from the path. Raises
        :class:`HTTPError` (400) if the value cannot be decoded.
        """
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise HTTPError(400, "Invalid unicode in %s: %r", name or "url", value[:40]) from error

    def _decoded(self, name: str, values: Iterable[bytes], strip: bool) -> list[str]:
        texts = list[str]()
        for value in values:
            text = _cleaned(self.decode_argument(value, name=name))
            texts.append(text.strip() if strip else text)
        return texts


def _check_is_json(media_type: str) -> None:
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise HTTPError(415, "the body is %s, not JSON", media_type)


_TRUTHS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text.lower()]


def _cleaned(text: Any) -> Any:  # Any: a decode_argument of Tornado's days may leave bytes as they are
    if not isinstance(text, str) or text.isprintable():
        return text
    return _without_controls(" ", text)


def _last(values: list[str], name: str, default: object) -> object:
    if values:
        return values[-1]
    if default is _REQUIRED:
        raise MissingArgumentError(name)
    return default
