"""JSON as a value of a type: dataclasses, TypedDicts and what they are made of.

With msgspec installed it does this, several times faster, and for its own ``Struct`` too; a model of pydantic
decodes itself. All three say where in the JSON it does not fit.
"""

from __future__ import annotations

import types
from functools import lru_cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin

from .errors import BodyError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_UNIONS: Final = (Union, types.UnionType)


class _Installed(dict[str, Any]):  # Any: modules that may not be installed
    """Modules by name, None in place of one that is not installed: each is looked for when it is first asked for."""

    def __missing__(self, name: str) -> Any:
        from importlib.util import find_spec

        self[name] = import_module(name) if find_spec(name) is not None else None
        return self[name]


installed: Final = _Installed()


def decode_json(body: bytes, kind: type[T]) -> T:
    """Read JSON as a ``kind``. Raises :class:`BodyError`: 400 where it is no JSON, 422 where it does not fit."""
    codec = installed["msgspec"]
    asked: Any = kind  # mypy does not see that type[T] has a hash
    try:
        read = _kept_reader(asked, codec)
    except TypeError:
        # Of what has none, such as Annotated with a list in it, nothing is kept.
        read = _by_library(asked, codec)
    found: T = (_by_ourselves(asked, codec) if read is None else read)(body)
    return found


@lru_cache(maxsize=256)
def _kept_reader(kind: Any, codec: Any) -> Callable[[bytes], Any] | None:
    """Return what reads a type, made once: that saves each body 1.4 µs with msgspec and 3 without.

    None if equal types may be read differently: without a library the order of a union counts.
    """
    read = _by_library(kind, codec)
    return _by_ourselves(kind, codec) if read is None and not _has_union(kind) else read


def _has_union(kind: Any) -> bool:
    return get_origin(kind) in _UNIONS or any(map(_has_union, get_args(kind)))


def _by_library(kind: Any, codec: Any) -> Callable[[bytes], Any] | None:
    """Return what reads a type by a library; None if we read it ourselves.

    We also read what msgspec refuses, such as one of two dataclasses: installing it makes nothing unreadable.
    """
    if hasattr(kind, "model_validate_json"):
        return partial(_by_pydantic, kind)
    if codec is None:
        return None
    try:
        decode = codec.json.Decoder(_with_any(kind), dec_hook=_unread).decode
    except TypeError:
        return None
    return partial(_by_msgspec, codec, decode)


def _by_ourselves(kind: Any, codec: Any) -> Callable[[bytes], Any]:
    # Slow to import, and needed where no library reads.
    from ._convert import converter_of
    from ._unaided import read_json

    return partial(read_json, kind, codec, converter_of(kind))


def _with_any(kind: Any) -> Any:
    """Give a type with Any for ``object``, which msgspec does not know: it would ask us about every such value.

    For ``dict[str, object]`` that spares 0.8 µs for each of its values.
    """
    if kind is object:
        return Any
    if not isinstance(kind, types.GenericAlias):
        return kind
    origin: Any = kind.__origin__
    return origin[tuple(map(_with_any, kind.__args__))]


def _by_pydantic(kind: Any, body: bytes) -> Any:
    try:
        return kind.model_validate_json(body)
    except ValueError as error:
        # pydantic's own error is a ValueError, and lists what is wrong.
        problems: list[dict[str, Any]] = getattr(error, "errors", list)()
        if not problems:
            raise
        first = problems[0]
        status = 400 if first["type"] == "json_invalid" else 422
        raise BodyError(status, first["msg"], _path(first["loc"])) from error


def _by_msgspec(codec: Any, decode: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return decode(body)
    except codec.ValidationError as error:
        from ._convert import UnreadableTypeError

        if isinstance(error.__cause__, UnreadableTypeError):
            raise error.__cause__ from None
        problem, _, where = str(error).partition(" - at `")
        raise BodyError(422, problem, where.rstrip("`") or "$") from error
    except codec.DecodeError as error:
        raise BodyError(400, str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise BodyError(400, str(error)) from error
    except TypeError as error:
        # Of a set's items, such as "unhashable type: 'list'": msgspec wraps those of the program's own functions.
        raise BodyError(422, str(error)) from error


def _unread(kind: Any, value: object) -> object:
    """Take a value of a type that msgspec does not know, which looks then whether it is of that type."""
    if kind is object or any(issubclass(plain, get_origin(kind) or kind) for plain in (dict, list, str, int, float)):
        return value  # what is left is an abstract class such as Mapping
    from ._convert import UnreadableTypeError

    raise UnreadableTypeError(kind)


def _path(location: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
