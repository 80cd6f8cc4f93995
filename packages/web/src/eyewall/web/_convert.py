"""Values of JSON as values of a type, where no library does it: what reads a class is made once."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import repeat
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Convert: TypeAlias = Callable[[Any], Any]
"""Gives a value of JSON as one of a type; raises :class:`Misfit`."""


class Misfit(Exception):  # noqa: N818 - seen by nobody: it becomes a BodyError
    """A value that is not of the type; on the way up each level says where it was."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(problem)
        self.problem: Final = problem
        """What is wrong."""
        self.where: str = where
        """The place in the value: ``.items[2].price``."""


class UnreadableTypeError(TypeError):
    """What the program asks for can be made of no JSON: no client's mistake."""

    def __init__(self, kind: object) -> None:
        super().__init__(
            f"{kind!r} cannot be read from JSON: give a dataclass, a TypedDict, or lists and dicts of them; "
            "alone also a model of pydantic, and with msgspec its Struct"
        )


def converter_of(kind: Any) -> Convert:
    """Give what reads a type. Of what cannot be read it raises, where a value comes, :class:`UnreadableTypeError`."""
    if kind is Any or kind is object:
        return _as_it_is
    if is_typeddict(kind) or hasattr(kind, "__dataclass_fields__"):
        return _members_of(kind)
    if kind is None:
        kind = type(None)
    origin = get_origin(kind) or kind
    if (made_of := _MADE_OF.get(origin)) is not None:
        return made_of(origin, get_args(kind))
    return partial(_PLAIN.get(kind, _to_other), kind)


def _as_it_is(value: Any) -> Any:
    return value


def _to_plain(kind: type, value: Any) -> Any:
    if type(value) is kind:
        return value
    raise _unlike(kind, value)


def _to_float(kind: type, value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is not int:
        raise _unlike(kind, value)
    try:
        return float(value)
    except OverflowError as error:
        raise Misfit("Number out of range") from error


def _to_bytes(kind: type, value: Any) -> Any:
    from base64 import b64decode

    if not isinstance(value, str):
        raise _unlike(kind, value)
    try:
        return kind(b64decode(value, validate=True))
    except ValueError as error:
        raise Misfit("Invalid base64 encoded string") from error


def _literal_of(_origin: Any, options: tuple[Any, ...]) -> Convert:
    return partial(_to_literal, options)


def _to_literal(options: tuple[Any, ...], value: Any) -> Any:
    # True is equal to 1.
    if any(type(value) is type(option) and value == option for option in options):
        return value
    raise Misfit(f"Expected one of {', '.join(map(repr, options))}")


def _union_of(_origin: Any, options: tuple[Any, ...]) -> Convert:
    return partial(_to_one, [converter_of(option) for option in options])


def _to_one(converters: Iterable[Convert], value: Any) -> Any:
    problems: list[Misfit] = []
    for convert in converters:
        try:
            return convert(value)
        except Misfit as misfit:
            problems.append(misfit)
    # The one that came furthest says most.
    raise max(problems, key=lambda misfit: len(misfit.where))


def _dict_of(_origin: Any, arguments: tuple[Any, ...]) -> Convert:
    return partial(_to_dict, converter_of(arguments[1]) if arguments else _as_it_is)


def _to_dict(convert: Convert, value: Any) -> dict[str, Any]:
    members: dict[str, Any] = _to_plain(dict, value)
    if convert is _as_it_is:
        return members
    try:
        return {name: convert(item) for name, item in members.items()}
    except Misfit as misfit:
        misfit.where = f"[...]{misfit.where}"
        raise


def _sequence_of(make: Any, arguments: tuple[Any, ...]) -> Convert:
    if make is tuple and arguments and arguments[-1] is not Ellipsis:
        return partial(_to_tuple, [converter_of(argument) for argument in arguments])
    return partial(_to_sequence, make, converter_of(arguments[0]) if arguments else _as_it_is)


def _to_tuple(converters: Sequence[Convert], value: Any) -> tuple[Any, ...]:
    items: list[Any] = _to_plain(list, value)
    if len(items) != len(converters):
        raise Misfit(f"Expected `array` of length {len(converters)}, got {len(items)}")
    return tuple(_converted(zip(converters, items, strict=True)))


def _to_sequence(make: Any, convert: Convert, value: Any) -> Any:
    items: list[Any] = _to_plain(list, value)
    if convert is not _as_it_is:
        items = _converted(zip(repeat(convert), items, strict=False))
    try:
        return items if make is list else make(items)
    except TypeError as error:
        raise Misfit(f"Expected `array` of what a {make.__name__} can hold") from error


def _converted(items: Iterable[tuple[Convert, Any]]) -> list[Any]:
    converted: list[Any] = []
    try:
        for convert, item in items:
            converted.append(convert(item))
    except Misfit as misfit:
        misfit.where = f"[{len(converted)}]{misfit.where}"
        raise
    return converted


@lru_cache(maxsize=256)
def _members_of(kind: Any) -> Convert:
    return _Members(kind)


class _Members:
    """Reads a class whose members are known, a dataclass or a TypedDict."""

    __slots__ = ("_kind", "_members", "_required")

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._required: tuple[str, ...] = ()
        # Not before there is a value: a class may be a member of its own.
        self._members: Mapping[str, Convert] | None = None

    def __call__(self, value: Any) -> Any:
        given: dict[str, Any] = _to_plain(dict, value)
        members = self._settled() if self._members is None else self._members
        for name in self._required:
            if name not in given:
                raise Misfit(f"Object missing required field `{name}`")
        found: dict[str, Any] = {}
        name = ""
        try:
            # What nobody asked for is left out, as a newer client may send more.
            for name, convert in members.items():
                if name in given:
                    found[name] = convert(given[name])
        except Misfit as misfit:
            misfit.where = f".{name}{misfit.where}"
            raise
        try:
            return found if is_typeddict(self._kind) else self._kind(**found)
        except ValueError as error:
            # Of its __post_init__, as with msgspec.
            raise Misfit(str(error)) from error

    def _settled(self) -> Mapping[str, Convert]:
        names, required = (_keys if is_typeddict(self._kind) else _fields)(self._kind)
        hints = get_type_hints(self._kind)
        self._required = tuple(sorted(required))
        self._members = {name: converter_of(hints[name]) for name in names}
        return self._members


def _keys(kind: Any) -> tuple[list[str], set[str]]:
    # Where annotations are texts, __required_keys__ knows nothing of what is written in them.
    hints = get_type_hints(kind, include_extras=True)
    wrapped = {name: get_origin(hint) for name, hint in hints.items()}
    left_out = {name for name, wrapper in wrapped.items() if wrapper is NotRequired}
    required: frozenset[str] = kind.__required_keys__
    return [*hints], {*required, *(name for name, wrapper in wrapped.items() if wrapper is Required)} - left_out


def _fields(kind: Any) -> tuple[list[str], set[str]]:
    from dataclasses import MISSING, fields

    taken = [field for field in fields(kind) if field.init]
    required = {field.name for field in taken if field.default is MISSING is field.default_factory}
    return [field.name for field in taken], required


def _to_other(kind: Any, value: Any) -> Any:
    """Make what JSON has no type for, such as a date, a UUID or a member of an Enum."""
    if hasattr(kind, "__struct_fields__"):
        raise UnreadableTypeError(kind)  # a Struct takes a text for its first field
    if not (isinstance(kind, type) and isinstance(value, str | int)):
        _check_readable(kind)
        raise _unlike(kind, value)
    make: Any = getattr(kind, "fromisoformat", kind)
    try:
        return make(value)
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:  # the last two: a UUID, a Decimal
        _check_readable(kind)
        raise Misfit(f"Invalid value {value!r} for `{_name(kind)}`") from error


def _check_readable(kind: Any) -> None:
    """Tell the program's mistake, a type that nothing can be read as, from a value that does not fit."""
    if kind in _PLAIN or kind in _MADE_OF or hasattr(kind, "fromisoformat"):
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
    raise UnreadableTypeError(kind)


def _unlike(kind: Any, value: Any) -> Misfit:
    return Misfit(f"Expected `{_name(kind)}`, got `{_name(type(value))}`")


def _name(kind: Any) -> str:
    name: str = getattr(kind, "__name__", str(kind))
    return {"NoneType": "null", "list": "array", "dict": "object"}.get(name, name)


_MADE_OF: Final[dict[Any, Callable[[Any, tuple[Any, ...]], Convert]]] = {
    Union: _union_of,
    types.UnionType: _union_of,
    Literal: _literal_of,
    dict: _dict_of,
    **dict.fromkeys((list, set, frozenset, tuple), _sequence_of),
}
"""What reads a type that is made of others, given those."""

_PLAIN: Final[dict[Any, Callable[[Any, Any], Any]]] = {
    **dict.fromkeys((str, int, bool, type(None)), _to_plain),
    float: _to_float,
    # As with msgspec; bytes() of a number would take as much memory as a client says.
    **dict.fromkeys((bytes, bytearray), _to_bytes),
}
"""What reads a type that is not."""
