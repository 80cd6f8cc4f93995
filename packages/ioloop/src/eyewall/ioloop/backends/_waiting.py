"""Says where in the code the tasks of an asyncio loop wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


def describe_tasks(loop: asyncio.AbstractEventLoop) -> str:
    """List the unfinished tasks of a loop, one in a line, each with its way to where it waits."""
    tasks = sorted(asyncio.all_tasks(loop), key=asyncio.Task[Any].get_name)
    return "\n".join(f"  {task.get_name()}: {_path(task)}" for task in tasks) or "  (there are no tasks)"


def _path(task: asyncio.Task[Any]) -> str:
    steps: list[str] = []
    awaited: object = task.get_coro()
    while (frame := _frame(awaited)) is not None:
        steps.append(f"{frame.f_code.co_qualname} at {frame.f_code.co_filename}:{frame.f_lineno}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return " > ".join(steps) or "has not begun"


def _frame(awaited: object) -> FrameType | None:
    frame: FrameType | None = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
    return frame
