"""The resolvers."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.tcpserver import (
    BlockingResolver,
    DefaultExecutorResolver,
    DefaultLoopResolver,
    ExecutorResolver,
    OverrideResolver,
    ResolveError,
    Resolver,
    ThreadedResolver,
    is_valid_ip,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop

# That of a loop need not go through Python's socket module, which the tests change.
KINDS = [BlockingResolver, DefaultExecutorResolver, ThreadedResolver]


class Names:
    """Stands for the system's getaddrinfo, and notes the threads that ask."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.known = {"one.test": ["192.0.2.1", "192.0.2.1", "192.0.2.2"]}

    def __call__(
        self, host: str, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not in digits")
        self.threads.append(threading.current_thread())
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, kind, 6, "", (address, port)) for address in self.known[host]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    return names


@pytest.fixture(autouse=True)
def shared_state() -> Iterator[None]:
    yield
    Resolver.configure(None)
    if ThreadedResolver._threadpool is not None:
        ThreadedResolver._threadpool.shutdown()
        ThreadedResolver._threadpool = None


@pytest.mark.needs("threads")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_gives_each_of_its_addresses_once(io_loop: IOLoop, kind: type[Resolver], names: Names) -> None:
    found = await kind().resolve("one.test", 80)
    assert found == [(socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET, ("192.0.2.2", 80))]


@pytest.mark.needs("threads")
@pytest.mark.parametrize("kind", KINDS)
async def test_an_unknown_name_says_what_to_do(io_loop: IOLoop, kind: type[Resolver], names: Names) -> None:
    with pytest.raises(ResolveError, match=r"cannot resolve 'nowhere\.test': Name or .* known; check the") as caught:
        await kind().resolve("nowhere.test", 80)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == socket.EAI_NONAME
    assert caught.value.host == "nowhere.test"


async def test_a_name_that_no_name_can_be_is_the_same_error(io_loop: IOLoop) -> None:
    with pytest.raises(ResolveError, match="cannot resolve"):
        await BlockingResolver().resolve("a" * 64 + "é.test", 80)


@pytest.mark.needs("threads")
async def test_only_the_blocking_one_asks_in_the_thread_of_the_loop(io_loop: IOLoop, names: Names) -> None:
    for kind in KINDS:
        await kind().resolve("one.test", 80)
    assert [thread is threading.main_thread() for thread in names.threads] == [True, False, False]


async def test_an_address_in_digits_needs_no_thread(io_loop: IOLoop) -> None:
    class Refusing(ThreadPoolExecutor):
        def submit(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("a thread was asked")

    with Refusing() as executor:
        resolver = ExecutorResolver(executor)
        assert await resolver.resolve("::1", 80) == [(socket.AF_INET6, ("::1", 80, 0, 0))]
        assert await resolver.resolve("127.0.0.1", 80) == [(socket.AF_INET, ("127.0.0.1", 80))]


@pytest.mark.needs("threads")
async def test_the_default_resolves_on_every_loop(io_loop: IOLoop) -> None:
    assert (socket.AF_INET, ("127.0.0.1", 80)) in await Resolver().resolve("localhost", 80, socket.AF_INET)


@pytest.mark.needs("threads")
async def test_the_default_names_what_it_cannot_find_on_every_loop(io_loop: IOLoop) -> None:
    with pytest.raises(ResolveError, match="cannot resolve"):
        await Resolver().resolve("x" * 64 + ".invalid", 80)


async def test_a_loop_that_can_resolve_is_asked(io_loop: IOLoop) -> None:
    class Loop:
        async def getaddrinfo(self, host: str, port: int, **options: int) -> list[Any]:
            if host != "one.test":
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return [(options["family"], 1, 6, "", ("192.0.2.1", port))]

    resolver = DefaultLoopResolver(io_loop=Loop())  # type: ignore[arg-type]  # all that the resolver asks of it
    assert await resolver.resolve("one.test", 80, socket.AF_INET) == [(socket.AF_INET, ("192.0.2.1", 80))]
    with pytest.raises(ResolveError, match="no such name"):
        await resolver.resolve("two.test", 80)


async def test_an_executor_is_shut_down_unless_it_is_somebody_elses(io_loop: IOLoop) -> None:
    mine, other = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    ExecutorResolver(mine).close()
    ExecutorResolver(other, close_executor=False).close()
    with pytest.raises(RuntimeError):
        mine.submit(int)
    assert other.submit(int).result() == 0
    other.shutdown()


def test_all_threaded_resolvers_share_a_pool() -> None:
    first, second = ThreadedResolver(num_threads=3), ThreadedResolver()
    assert first.executor is second.executor
    assert first.executor is not None
    assert first.executor._max_workers == 3  # type: ignore[attr-defined]  # concurrent.futures has no other way
    first.close()
    assert second.executor is not None
    assert second.executor.submit(int).result() == 0


@pytest.mark.parametrize(
    ("host", "port", "family", "asked"),
    [
        ("one.test", 1, socket.AF_INET, ("127.0.0.1", 1)),
        ("two.test", 2, socket.AF_INET, ("127.0.0.2", 22)),
        ("two.test", 3, socket.AF_INET, ("two.test", 3)),
        ("three.test", 3, socket.AF_INET6, ("::3", 33)),
        ("three.test", 3, socket.AF_INET, ("three.test", 3)),
    ],
)
async def test_overrides_by_name_port_and_family(
    io_loop: IOLoop, host: str, port: int, family: int, asked: tuple[str, int]
) -> None:
    class Mirror(Resolver):
        async def resolve(self, host: str, port: int, family: int = 0) -> list[Any]:
            return [(family, (host, port))]

    mapping: dict[str | tuple[str, int] | tuple[str, int, int], str | tuple[str, int]] = {
        "one.test": "127.0.0.1",
        ("two.test", 2): ("127.0.0.2", 22),
        ("three.test", 3, socket.AF_INET6): ("::3", 33),
    }
    resolver = OverrideResolver(Mirror(), mapping)
    assert await resolver.resolve(host, port, family) == [(family, asked)]
    resolver.close()


def test_what_resolver_makes_can_be_chosen() -> None:
    assert type(Resolver()) is DefaultLoopResolver
    Resolver.configure("tornado.netutil.ThreadedResolver", num_threads=2)
    threaded = Resolver()
    assert isinstance(threaded, ThreadedResolver)
    assert threaded.executor is not None
    Resolver.configure(BlockingResolver)
    assert type(Resolver()) is BlockingResolver
    with pytest.raises(ValueError, match=r"no resolver 'CaresResolver'; choose one of DefaultLoop"):
        Resolver.configure("CaresResolver")


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "2620:0:1cfe:face:b00c::3"])
def test_a_valid_address(ip: str) -> None:
    assert is_valid_ip(ip)


@pytest.mark.parametrize("ip", ["", " ", "\x00", "::1\x00", "localhost", "4.4.4.4<", " 127.0.0.1", "a" * 100, "é" * 64])
def test_what_is_no_address(ip: str) -> None:
    assert not is_valid_ip(ip)
