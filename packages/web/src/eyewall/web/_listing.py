"""What a route table looks like to a reader: one line for each route, in the order in which they are asked."""

from __future__ import annotations

from typing import NamedTuple


class ListedRoute(NamedTuple):
    """A route, as :meth:`Application.list_routes` tells of it. As text it is a line for the eye."""

    where: str
    """The pattern or template of its path; of a rule its matcher. What is asked before it, such as a host, stands
    before it, with ``" → "`` between."""
    target: str
    """Who answers: the handler's class with its module, or another target as ``repr`` has it."""
    methods: tuple[str, ...]
    """The methods of HTTP that the handler names; empty for a target that is no handler."""
    name: str | None
    """Its name for ``reverse_url``."""

    def __str__(self) -> str:
        name = "" if self.name is None else f"  [{self.name}]"
        return f"{','.join(self.methods) or '-':<12} {self.where:<32} {self.target}{name}"


def target_name(target: object) -> str:
    """Name a target: a class with its module."""
    return f"{target.__module__}.{target.__qualname__}" if isinstance(target, type) else repr(target)
