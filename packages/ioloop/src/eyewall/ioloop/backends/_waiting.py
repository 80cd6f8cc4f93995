"""Says where in the code the tasks of a loop wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType


class Described(Protocol):
    """A task that tells its name and its coroutine, as asyncio's do."""

    def get_name(self) -> str:
        """Return the name."""
        ...

    def get_coro(self) -> object:
        """Return the coroutine."""
        ...


def describe_tasks(tasks: Iterable[Described]) -> str:
    """List tasks, one in a line, each with its way to where it waits."""
    tasks = sorted(tasks, key=lambda task: task.get_name())
    return "\n".join(f"  {task.get_name()}: {_path(task)}" for task in tasks) or "  (there are no tasks)"


def _path(task: Described) -> str:
    steps: list[str] = []
    awaited: object = task.get_coro()
    while (frame := _frame(awaited)) is not None:
        steps.append(f"{frame.f_code.co_qualname} at {frame.f_code.co_filename}:{frame.f_lineno}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return " > ".join(steps) or "has not begun"


def _frame(awaited: object) -> FrameType | None:
    frame: FrameType | None = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
    return frame
