"""What a route table looks like to a reader: one line for each route, in the order in which they are asked."""

from __future__ import annotations

from typing import NamedTuple


class ListedRoute(NamedTuple):
    """A route as listed by :meth:`Application.list_routes`. Converted to text, it is a readable line."""

    where: str
    """The pattern or template of its path, or the matcher of a rule. Conditions that are checked first, such as a
    host, precede it, separated by ``" → "``.
    """
    target: str
    """What answers: the handler class with its module, or the ``repr`` of another target."""
    methods: tuple[str, ...]
    """The HTTP methods that the handler defines; empty for a target that is not a handler."""
    name: str | None
    """Its name for ``reverse_url``."""

    def __str__(self) -> str:
        name = "" if self.name is None else f"  [{self.name}]"
        return f"{','.join(self.methods) or '-':<12} {self.where:<32} {self.target}{name}"


def target_name(target: object) -> str:
    """Name a target: a class with its module."""
    return f"{target.__module__}.{target.__qualname__}" if isinstance(target, type) else repr(target)
