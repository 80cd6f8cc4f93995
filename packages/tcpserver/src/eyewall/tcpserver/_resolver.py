"""Host names to addresses: Tornado's resolvers, which differ in the thread that waits for the answer."""

from __future__ import annotations

import concurrent.futures
import os
import socket
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from eyewall.ioloop import Capability, IOLoop

from .errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping
    from concurrent.futures import Executor

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address

    Resolved = list[tuple[int, Address]]
    _HostPort = tuple[str, int]
    _HostPortFamily = tuple[str, int, int]
    _Key = str | _HostPort | _HostPortFamily
    Overrides = (
        Mapping[str, str]
        | Mapping[_HostPort, _HostPort]
        | Mapping[_HostPortFamily, _HostPort]
        | Mapping[_Key, str | _HostPort]
    )

R = TypeVar("R")


def is_valid_ip(ip: str) -> bool:
    """True for a numeric IPv4 or IPv6 address and nothing else: no name, no port, no space."""
    if not ip or "\x00" in ip:
        return False
    try:
        socket.getaddrinfo(ip, 0, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return False
    return True


def _lookup(host: str, port: int, family: int) -> Resolved:
    """Ask the system, and wait for it."""
    try:
        return _addresses(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise _resolve_error(host, error) from error


def _resolve_error(host: str, error: Exception) -> ResolveError:
    number, why = (error.errno, error.strerror) if isinstance(error, OSError) else (socket.EAI_NONAME, str(error))
    message = f"cannot resolve {host!r}: {why}; check the spelling, or give an IP address"
    return ResolveError(number or 0, message, host=host)


def _addresses(found: Iterable[tuple[Any, ...]]) -> Resolved:
    # A machine may list one address under several names.
    return list(dict.fromkeys((entry[0], entry[4]) for entry in found))


class _Choice:
    """What ``Resolver()`` makes, and with which options."""

    def __init__(self) -> None:
        self.kind: type[Resolver] | None = None
        self.options: dict[str, Any] = {}


_choice = _Choice()


class _Configured(type):
    """Lets ``Resolver()`` make what :meth:`Resolver.configure` was given, with those options."""

    def __call__(cls: type[R], *args: Any, **kwargs: Any) -> R:
        made: Any = cls
        if made is Resolver:
            made, kwargs = _choice.kind or DefaultLoopResolver, _choice.options | kwargs
        result: R = type.__call__(made, *args, **kwargs)
        return result


class Resolver(metaclass=_Configured):
    """Finds the addresses of a host name. ``Resolver()`` returns a :class:`DefaultLoopResolver`, unless configured.

    A subclass overrides :meth:`resolve`.
    """

    @staticmethod
    def configure(impl: str | type[Resolver] | None, **options: Any) -> None:
        """Choose what ``Resolver()`` creates from now on: a class of this module, or its name; None: the default.

        ``options`` are the arguments of its constructor: ``Resolver.configure("ThreadedResolver", num_threads=4)``.
        Tornado's dotted names work too. Raises ``ValueError`` for an unknown name.
        """
        _choice.kind = _named(impl) if isinstance(impl, str) else impl
        _choice.options = options

    def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> Awaitable[list[tuple[int, Address]]]:
        """Return the addresses of a host, best first, as pairs of a family and an argument for ``connect``.

        ``host`` may be an IP address. Fails with :class:`ResolveError`, an ``OSError``.
        """
        raise NotImplementedError(f"override resolve in {type(self).__qualname__}: it finds the addresses of a name")

    def close(self) -> None:
        """Free the resources of the resolver."""


class ExecutorResolver(Resolver):
    """Asks the system in a thread of ``executor``, which :meth:`close` shuts down unless ``close_executor`` is false.

    None means the loop's own executor. A numeric address is returned immediately, without a thread.
    """

    def __init__(
        self, executor: Executor | None = None, close_executor: bool = True, *, io_loop: EventLoop | None = None
    ) -> None:
        self.executor: Executor | None = executor
        """The executor in which it waits; None: the loop's own."""
        self.close_executor: bool = close_executor
        """Whether :meth:`close` shuts :attr:`executor` down."""
        # Nothing of a loop is kept between two calls, so that each may come from another one.
        self._io_loop = io_loop

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[tuple[int, Address]]:
        """Return the addresses of a host; see :meth:`Resolver.resolve`."""
        if is_valid_ip(host):
            return _lookup(host, port, family)
        io_loop = self._io_loop or IOLoop.current()
        return await io_loop.run_in_executor(self.executor, _lookup, host, port, family)

    def close(self) -> None:
        """Shut the executor down, if it is this resolver's."""
        if self.close_executor and self.executor is not None:
            self.executor.shutdown()
        self.executor = None


class DefaultExecutorResolver(ExecutorResolver):
    """Asks the system in a thread of the loop's own executor."""

    def __init__(self, *, io_loop: EventLoop | None = None) -> None:
        super().__init__(None, close_executor=False, io_loop=io_loop)


class DefaultLoopResolver(DefaultExecutorResolver):
    """The default: asks the loop, if it has a ``getaddrinfo`` as asyncio's and uvloop's have.

    On other loops, asks the system in a thread of the loop's own executor.
    """

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[tuple[int, Address]]:
        """Return the addresses of a host; see :meth:`Resolver.resolve`."""
        getaddrinfo = _own_getaddrinfo(self._io_loop or IOLoop.current())
        if getaddrinfo is None or is_valid_ip(host):
            return await super().resolve(host, port, family)
        try:
            return _addresses(await getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            raise _resolve_error(host, error) from error


def _own_getaddrinfo(io_loop: EventLoop) -> Any:
    if isinstance(io_loop, IOLoop) and Capability.SOCKETS in io_loop.capabilities:
        try:
            return io_loop.asyncio_loop.getaddrinfo
        except RuntimeError:  # the backend has no such loop
            return None
    return getattr(io_loop, "getaddrinfo", None)


class BlockingResolver(Resolver):
    """Asks the system directly. This blocks the loop, for seconds if a name server is slow."""

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[tuple[int, Address]]:
        """Return the addresses of a host; see :meth:`Resolver.resolve`."""
        return _lookup(host, port, family)


class ThreadedResolver(ExecutorResolver):
    """Asks the system in a pool of threads that all instances share; the first one created determines its size."""

    _threadpool: ClassVar[concurrent.futures.ThreadPoolExecutor | None] = None
    _threadpool_pid: ClassVar[int | None] = None

    def __init__(self, num_threads: int = 10, *, io_loop: EventLoop | None = None) -> None:
        super().__init__(self._pool(num_threads), close_executor=False, io_loop=io_loop)

    @staticmethod
    def _pool(num_threads: int) -> Executor:
        # Threads do not survive a fork.
        if ThreadedResolver._threadpool is None or ThreadedResolver._threadpool_pid != os.getpid():
            ThreadedResolver._threadpool = concurrent.futures.ThreadPoolExecutor(num_threads, "eyewall-resolver")
            ThreadedResolver._threadpool_pid = os.getpid()
        return ThreadedResolver._threadpool


class OverrideResolver(Resolver):
    """Looks into ``mapping`` before it asks ``resolver``: for tests, and for names that should mean something else.

    A key is a host name (its value is a name or an address), a pair of host and port (its value is such a pair), or a
    triple that also has the family::

        {
            "example.com": "127.0.0.1",
            ("login.example.com", 443): ("localhost", 1443),
            ("login.example.com", 443, socket.AF_INET6): ("::1", 1443),
        }
    """

    def __init__(self, resolver: Resolver, mapping: Overrides) -> None:
        self.resolver: Resolver = resolver
        """The resolver that looks up the result."""
        self.mapping: Mapping[Any, Any] = mapping  # Any: a union of mappings has no common key
        """The mapping, which is looked at anew for each call."""

    def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> Awaitable[list[tuple[int, Address]]]:
        """Return the addresses of a host; see :meth:`Resolver.resolve`."""
        for key in ((host, port, family), (host, port)):
            if key in self.mapping:
                host, port = self.mapping[key]
                break
        else:
            host = self.mapping.get(host, host)
        return self.resolver.resolve(host, port, family)

    def close(self) -> None:
        """Close the resolver beneath."""
        self.resolver.close()


def _named(name: str) -> type[Resolver]:
    kinds = (
        DefaultLoopResolver,
        DefaultExecutorResolver,
        ExecutorResolver,
        BlockingResolver,
        ThreadedResolver,
        OverrideResolver,
    )
    found: dict[str, type[Resolver]] = {kind.__name__: kind for kind in kinds}
    last = name.rpartition(".")[2]
    if last not in found:
        raise ValueError(f"there is no resolver {name!r}; choose one of {', '.join(found)}, or give a class")
    return found[last]
