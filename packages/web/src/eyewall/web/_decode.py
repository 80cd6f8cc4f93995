"""JSON as a value of a type: dataclasses, TypedDicts and what they are made of.

With msgspec installed it does this, several times faster, and for its own ``Struct`` too; a model of pydantic
decodes itself. All three say where in the JSON it does not fit.
"""

from __future__ import annotations

import types
from functools import lru_cache, partial
from importlib import import_module
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from .errors import BodyError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Installed(dict[str, Any]):  # Any: modules that may not be installed
    """Modules by name, None in place of one that is not installed: each is looked for when it is first asked for."""

    def __missing__(self, name: str) -> Any:
        from importlib.util import find_spec

        self[name] = import_module(name) if find_spec(name) is not None else None
        return self[name]


installed: Final = _Installed()
_JSON_TYPES: Final = frozenset({str, int, float, bool, None, type(None), list, set, frozenset, tuple, dict})


def decode_json(body: bytes, kind: type[T]) -> T:
    """Read JSON as a ``kind``. Raises :class:`BodyError`: 400 where it is no JSON, 422 where it does not fit."""
    codec = installed["msgspec"]
    asked: Any = kind  # mypy does not see that type[T] has a hash
    try:
        read = _reader(asked, codec)
    except TypeError:
        # Of what has none, such as Annotated with a list in it, nothing is kept.
        read = _reader.__wrapped__(asked, codec)
    found: T = _by_ourselves(body, kind) if read is None else read(body)
    return found


@lru_cache(maxsize=256)
def _reader(kind: Any, codec: Any) -> Callable[[bytes], Any] | None:
    """Give what reads a type, where that is another library; msgspec's is made once, which spares each body 1.4 µs.

    None where it is ourselves: types that are equal may differ in their order, which counts here.
    """
    if hasattr(kind, "model_validate_json"):
        return partial(_by_pydantic, kind)
    if codec is None:
        return None
    return partial(_by_msgspec, codec, codec.json.Decoder(_with_any(kind), dec_hook=_unread).decode)


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
        if isinstance(error.__cause__, _UnreadableTypeError):
            raise error.__cause__ from None
        problem, _, where = str(error).partition(" - at `")
        raise BodyError(422, problem, where.rstrip("`") or "$") from error
    except codec.DecodeError as error:
        raise BodyError(400, str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise BodyError(400, str(error)) from error


def _by_ourselves(body: bytes, kind: Any) -> Any:
    from json import loads

    try:
        value = loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyError(400, str(error)) from error
    return convert(value, kind, "$")


def convert(value: Any, kind: Any, where: str) -> Any:
    """Give a value of JSON as a ``kind``; raises :class:`BodyError` that says ``where`` it does not fit."""
    if kind is Any or kind is object:
        return value
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _convert_to_one(value, get_args(kind), where)
    if origin is Literal:
        if value in get_args(kind) and type(value) in {type(option) for option in get_args(kind)}:
            return value
        raise BodyError(422, f"Expected one of {', '.join(map(repr, get_args(kind)))}", where)
    if is_typeddict(kind):
        return _convert_members(value, kind, where, required=_required_keys(kind), make=dict)
    if hasattr(kind, "__dataclass_fields__"):
        return _convert_members(value, kind, where, required=_required_fields(kind), make=kind)
    return _convert_plain(value, kind, origin or kind, where)


def _convert_plain(value: Any, kind: Any, origin: Any, where: str) -> Any:
    arguments = get_args(kind)
    if kind is None or kind is type(None):
        if value is None:
            return None
    elif origin in {list, set, frozenset, tuple} and isinstance(value, list):
        return _convert_items(value, origin, arguments, where)  # pyright: ignore[reportUnknownArgumentType] - JSON
    elif origin is dict and isinstance(value, dict):
        item = arguments[1] if arguments else Any
        return {name: convert(found, item, f"{where}[...]") for name, found in value.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
    elif kind is float and type(value) is int:
        return float(value)
    elif kind in {str, int, float, bool} and type(value) is kind:
        return value
    elif isinstance(kind, type) and kind not in {str, int, float, bool} and isinstance(value, str | int):
        return _parse(value, kind, where)
    _check_readable(kind, origin)
    raise BodyError(422, f"Expected `{_name(kind)}`, got `{_json_name(value)}`", where)


def _convert_items(values: list[Any], origin: Any, arguments: tuple[Any, ...], where: str) -> Any:
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        if len(values) != len(arguments):
            raise BodyError(422, f"Expected `array` of length {len(arguments)}, got {len(values)}", where)
        kinds = arguments
    else:
        kinds = (arguments[0] if arguments else Any,) * len(values)
    pairs = enumerate(zip(values, kinds, strict=True))
    return origin(convert(value, kind, f"{where}[{number}]") for number, (value, kind) in pairs)  # pyright: ignore[reportUnknownVariableType] - JSON


def _convert_to_one(value: Any, options: tuple[Any, ...], where: str) -> Any:
    problems: list[BodyError] = []
    for option in options:
        try:
            return convert(value, option, where)
        except BodyError as error:
            problems.append(error)
    # The one that came furthest says most.
    raise max(problems, key=lambda error: len(error.where))


def _convert_members(value: Any, kind: Any, where: str, required: frozenset[str], make: Any) -> Any:
    if not isinstance(value, dict):
        raise BodyError(422, f"Expected `object`, got `{_json_name(value)}`", where)
    for name in sorted(required):
        if name not in value:
            raise BodyError(422, f"Object missing required field `{name}`", where)
    hints = get_type_hints(kind)
    # What nobody asked for is left out, as a newer client may send more.
    return make(
        **{name: convert(value[name], hint, f"{where}.{name}") for name, hint in hints.items() if name in value}
    )


def _required_keys(kind: Any) -> frozenset[str]:
    # Where annotations are texts, __required_keys__ knows nothing of what is written in them.
    hints = get_type_hints(kind, include_extras=True)
    wrapped = {name: get_origin(hint) for name, hint in hints.items()}
    left_out = {name for name, wrapper in wrapped.items() if wrapper is NotRequired}
    required: frozenset[str] = kind.__required_keys__
    return (required | {name for name, wrapper in wrapped.items() if wrapper is Required}) - left_out


def _required_fields(kind: Any) -> frozenset[str]:
    from dataclasses import MISSING, fields

    return frozenset(
        field.name for field in fields(kind) if field.init and field.default is MISSING is field.default_factory
    )


def _parse(value: str | int, kind: type, where: str) -> Any:
    """Make what JSON has no type for, such as a date, a UUID or a member of an Enum."""
    from_iso = getattr(kind, "fromisoformat", None)
    try:
        return kind(value) if from_iso is None else from_iso(value)
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:  # the last two: a UUID, a Decimal
        _check_readable(kind, kind)
        raise BodyError(422, f"Invalid value {value!r} for `{_name(kind)}`", where) from error


class _UnreadableTypeError(TypeError):
    """What the program asks for can be made of no JSON: no client's mistake."""

    def __init__(self, kind: object) -> None:
        super().__init__(
            f"{kind!r} cannot be read from JSON: give a dataclass, a TypedDict, or lists and dicts of them; "
            "alone also a model of pydantic, and with msgspec its Struct"
        )


def _check_readable(kind: Any, origin: Any) -> None:
    """Tell the program's mistake, a type that nothing can be read as, from a value that does not fit."""
    if origin in _JSON_TYPES or hasattr(kind, "fromisoformat"):
        return
    if isinstance(kind, type):
        from inspect import signature  # slow to import, and needed where something is wrong only

        try:
            signature(kind).bind("")
        except ValueError:
            return  # one made in C, which says nothing of what it takes
        except TypeError:
            pass
        else:
            return
    raise _UnreadableTypeError(kind)


def _unread(kind: Any, value: object) -> object:
    """Take a value of a type that msgspec does not know, which looks then whether it is of that type."""
    if kind is object or any(issubclass(plain, get_origin(kind) or kind) for plain in (dict, list, str, int, float)):
        return value  # what is left is an abstract class such as Mapping
    raise _UnreadableTypeError(kind)


def _name(kind: Any) -> str:
    return {None: "null", type(None): "null", list: "array", dict: "object"}.get(
        get_origin(kind) or kind, getattr(kind, "__name__", str(kind))
    )


def _json_name(value: Any) -> str:
    return {dict: "object", list: "array", type(None): "null"}.get(type(value), type(value).__name__)  # pyright: ignore[reportUnknownArgumentType] - JSON


def _path(location: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
