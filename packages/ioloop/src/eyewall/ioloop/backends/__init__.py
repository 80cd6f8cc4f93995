"""Finds a backend by its name, or the one that already runs. The only place that names event loops."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final, Protocol, TypeGuard

from ..errors import BackendNotFoundError
from ..protocols import Backend

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from .._ioloop import IOLoop
    from ._waiting import Described

    AsyncioLoop: TypeAlias = asyncio.AbstractEventLoop

ENTRY_POINTS: Final = "eyewall.ioloop.backends"


class HostedBackend(Backend, Protocol):
    """A backend in something that others may run as well, and that refers to it and its IOLoop."""

    io_loop: IOLoop | None


class TellsTasks(Protocol):
    """A backend that can tell its tasks."""

    def tasks(self) -> Iterable[Described]:
        """Return those that have not ended."""
        ...


class OverAsyncio(HostedBackend, Protocol):
    """A backend over an asyncio loop."""

    asyncio_loop: AsyncioLoop


def _asyncio() -> Backend:
    from ._selecting import asyncio_backend

    return asyncio_backend()


def _plain_asyncio() -> Backend:
    from ._asyncio import AsyncioBackend

    return AsyncioBackend(name="asyncio:plain")


def _uvloop() -> Backend:
    from ._uvloop import uvloop_backend

    return uvloop_backend()


def _trio() -> Backend:
    try:
        from ._trio import TrioBackend
    except ImportError as error:
        raise BackendNotFoundError('the backend "trio" needs Trio: pip install "eyewall-ioloop[trio]"') from error
    return TrioBackend()


def _selector(kind: str | None = None) -> Backend:
    from ._selector import SelectorBackend

    return SelectorBackend(kind)


def _simulated() -> Backend:
    from ._simulated import simulated_backend

    return simulated_backend()


# Looked up before the entry points: reading those imports importlib.metadata, which is slow.
_BUILT_IN: Final[dict[str, Callable[[], Backend]]] = {
    "asyncio": _asyncio,
    "uvloop": _uvloop,
    "trio": _trio,
    "selector": _selector,
    "simulated": _simulated,
}
# asyncio's loop just as asyncio makes it, and the selector backend on a way to wait that is not the best; by their
# full names only.
_VARIANTS: Final[dict[str, Callable[[], Backend]]] = {"asyncio:plain": _plain_asyncio} | {
    f"selector:{kind}": functools.partial(_selector, kind) for kind in ("epoll", "kqueue", "poll", "select")
}

# IOLoop.current() is called all the time, and an import each time would cost more.
_find_on_asyncio: Callable[[], HostedBackend | None] | None = None
_find_on_trio: Callable[[], HostedBackend | None] | None = None


def is_hosted(backend: Backend) -> TypeGuard[HostedBackend]:
    """True for a backend that wants to know its IOLoop."""
    return hasattr(backend, "io_loop")


def is_over_asyncio(backend: Backend) -> TypeGuard[OverAsyncio]:
    """True for a backend over an asyncio loop."""
    return hasattr(backend, "asyncio_loop")


def make_backend(name: str) -> Backend:
    """Make the backend of that name.

    Raises :class:`~eyewall.ioloop.BackendNotFoundError` for a name that nobody has registered, and
    for one whose library is not installed.
    """
    if (factory := _BUILT_IN.get(name) or _VARIANTS.get(name)) is not None:
        return factory()
    for entry in _registered():
        if entry.name == name:
            return entry.load()()
    names = ", ".join(backend_names())
    raise BackendNotFoundError(
        f"there is no event loop backend {name!r}; there are: {names}. A distribution adds one "
        f"as an entry point of the group {ENTRY_POINTS!r}"
    )


def backend_names() -> list[str]:
    """List the names of the backends that eyewall and the installed distributions bring."""
    return [*_BUILT_IN, *(entry.name for entry in _registered())]


class _Entry(Protocol):
    @property
    def name(self) -> str: ...
    def load(self) -> Callable[[], Backend]: ...


def _registered() -> list[_Entry]:
    from importlib.metadata import entry_points

    return list(entry_points(group=ENTRY_POINTS))


def running_backend() -> HostedBackend | None:
    """Return the backend of the loop that runs in this thread, be it started by eyewall or not."""
    global _find_on_asyncio, _find_on_trio  # noqa: PLW0603 - see there
    if _find_on_asyncio is None and sys.modules.get("asyncio") is not None:
        from ._asyncio import running

        _find_on_asyncio = running
    if _find_on_asyncio is not None and (found := _find_on_asyncio()) is not None:
        return found
    if _find_on_trio is None and sys.modules.get("trio") is not None:
        from ._trio import running as running_on_trio

        _find_on_trio = running_on_trio
    return None if _find_on_trio is None else _find_on_trio()


def set_backend() -> OverAsyncio | None:
    """Return the backend of the loop that was set in this thread with ``asyncio.set_event_loop``."""
    if "asyncio" not in sys.modules:
        return None
    from ._asyncio import already_set

    return already_set()


def backend_over(asyncio_loop: AsyncioLoop) -> OverAsyncio:
    """Make the backend around a given asyncio loop. Raises ``RuntimeError`` if it has one."""
    from ._asyncio import backend_over as over

    return over(asyncio_loop)


def asyncio_backend(asyncio_loop: AsyncioLoop, *, name: str, lacks: Iterable[str] = ()) -> Backend:
    """Make a backend of a loop shaped like asyncio's, for an entry point that provides such a loop.

    ``lacks`` names what the ``asyncio`` backend can do but this loop cannot, from
    :class:`~eyewall.ioloop.Capability`. Raises ``RuntimeError`` for a loop that already has an IOLoop::

        def backend() -> Backend:
            return asyncio_backend(rloop.new_event_loop(), name="rloop")
    """
    from ._asyncio import ALL
    from ._asyncio import backend_over as over

    return over(asyncio_loop, name=name, capabilities=ALL.difference(lacks))


def _tells_tasks(backend: object) -> TypeGuard[TellsTasks]:
    return hasattr(backend, "tasks")


def describe_tasks(backend: Backend) -> str:
    """List the unfinished tasks of a loop, each with where it waits; for messages to people."""
    if not _tells_tasks(backend):
        return f"  (the backend {backend.name!r} cannot tell its tasks)"
    from ._waiting import describe_tasks as describe

    return describe(backend.tasks())
