"""What a client sent beside the path: arguments of the query and of the form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from ._base import HandlerBase
from .errors import HTTPError, MissingArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

_REQUIRED: Final = object()
_without_controls = re.compile(r"[\x00-\x08\x0e-\x1f]").sub


class ArgumentsMixin(HandlerBase):
    """The methods of a handler that read arguments.

    Each kind comes as ``get_*_argument``, which gives the last value of that name, and
    ``get_*_arguments``, which gives all. An argument that is not there is the default, or where none
    is given a :class:`MissingArgumentError`. Values are decoded by :meth:`decode_argument`, control
    characters become spaces, and ``strip`` takes white space from both ends.
    """

    @overload
    def get_argument(self, name: str, *, strip: bool = True) -> str: ...
    @overload
    def get_argument(self, name: str, default: T, strip: bool = True) -> str | T: ...
    def get_argument(self, name: str, default: object = _REQUIRED, strip: bool = True) -> object:
        """Give an argument of the form, or if it has none of that name, of the query."""
        return _last(self.get_arguments(name, strip), name, default)

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Give all arguments of that name, those of the query first; empty if there is none."""
        return self._decoded(name, self.request.arguments.get(name, ()), strip)

    @overload
    def get_query_argument(self, name: str, *, strip: bool = True) -> str: ...
    @overload
    def get_query_argument(self, name: str, default: T, strip: bool = True) -> str | T: ...
    def get_query_argument(self, name: str, default: object = _REQUIRED, strip: bool = True) -> object:
        """Give an argument of the query: ``/search?q=…``."""
        return _last(self.get_query_arguments(name, strip), name, default)

    def get_query_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Give all arguments of that name in the query; empty if there is none."""
        return self._decoded(name, self.request.query_arguments.get(name, ()), strip)

    @overload
    def get_body_argument(self, name: str, *, strip: bool = True) -> str: ...
    @overload
    def get_body_argument(self, name: str, default: T, strip: bool = True) -> str | T: ...
    def get_body_argument(self, name: str, default: object = _REQUIRED, strip: bool = True) -> object:
        """Give an argument of an urlencoded form."""
        return _last(self.get_body_arguments(name, strip), name, default)

    def get_body_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Give all arguments of that name in an urlencoded form; empty if there is none."""
        return self._decoded(name, self.request.body_arguments.get(name, ()), strip)

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Decode one value, percent-decoded already; also for what a route took from the path.

        Override it for another encoding than UTF-8. ``name`` is None for a positional part of the
        path. Raises :class:`HTTPError` (400) where the value cannot be decoded.
        """
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise HTTPError(400, "Invalid unicode in %s: %r", name or "url", value[:40]) from error

    def _decoded(self, name: str, values: Iterable[bytes], strip: bool) -> list[str]:
        texts: list[str] = [_cleaned(self.decode_argument(value, name=name)) for value in values]
        return [text.strip() for text in texts] if strip else texts


def _cleaned(text: Any) -> Any:  # Any: a decode_argument of Tornado's days may leave bytes as they are
    return _without_controls(" ", text) if isinstance(text, str) else text


def _last(values: list[str], name: str, default: object) -> object:
    if values:
        return values[-1]
    if default is _REQUIRED:
        raise MissingArgumentError(name)
    return default
