"""Which loop one gets: by name, by the environment, or the one that runs already."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import subprocess
import sys
import threading
import types
import weakref

import pytest

import eyewall.ioloop
from eyewall.ioloop import BackendNotFoundError, IOLoop, asyncio_backend


@pytest.fixture(autouse=True)
def _no_loop_is_current() -> None:
    IOLoop.clear_current()


def test_configure_chooses_the_backend_of_new_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYEWALL_IOLOOP", "asyncio")
    IOLoop.configure("simulated")
    try:
        chosen = IOLoop(make_current=False)
    finally:
        IOLoop.configure(None)
    assert chosen.backend_name == "simulated"
    chosen.close()


def test_the_environment_chooses_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYEWALL_IOLOOP", "simulated")
    chosen = IOLoop.current()
    assert chosen.backend_name == "simulated"
    chosen.close()


def test_an_unknown_backend_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(
        BackendNotFoundError, match=r"'nonesuch'; there are: asyncio, uvloop, trio, selector, simulated"
    ):
        IOLoop(backend="nonesuch")


@pytest.mark.parametrize("library", ["uvloop", "trio"])
def test_a_backend_whose_library_is_absent_names_the_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "eyewall.ioloop.backends._trio", raising=False)
    with pytest.raises(BackendNotFoundError, match=rf'pip install "eyewall-ioloop\[{library}\]"'):
        IOLoop(backend=library)


def test_a_third_party_registers_a_backend_as_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    entry = importlib.metadata.EntryPoint(
        "theirs", "eyewall.ioloop.backends._simulated:simulated_backend", "eyewall.ioloop.backends"
    )

    def entry_points(*, group: str) -> list[importlib.metadata.EntryPoint]:
        return [entry] if group == entry.group else []

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    theirs = IOLoop(backend="theirs", make_current=False)
    assert theirs.run_sync(lambda: asyncio.sleep(3600, "an hour later")) == "an hour later"
    theirs.close()


def test_a_loop_of_asyncios_shape_becomes_a_backend_by_a_name_of_its_own() -> None:
    def theirs(name: str, *lacks: str) -> IOLoop:
        return IOLoop(make_current=False, backend=asyncio_backend(asyncio.new_event_loop(), name=name, lacks=lacks))

    io_loop, other = theirs("theirs"), theirs("other", "fork")
    assert io_loop.backend_name == "theirs"
    assert io_loop.run_sync(lambda: asyncio.sleep(0.001, "slept")) == "slept"
    assert io_loop.capabilities - other.capabilities == {"fork"}
    with pytest.raises(RuntimeError, match="has an IOLoop already"):
        asyncio_backend(io_loop.asyncio_loop, name="again")
    io_loop.close()
    other.close()


def test_a_library_that_makes_its_loops_as_uvloop_does_is_taken_for_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    Loop.__module__ = "winloop"  # which exists on Windows only
    library = types.ModuleType("winloop")
    library.__dict__["new_event_loop"] = Loop
    monkeypatch.setitem(sys.modules, "winloop", library)

    io_loop = IOLoop(make_current=False, asyncio_loop=importlib.import_module("winloop").new_event_loop())
    assert io_loop.backend_name == "asyncio"
    assert type(io_loop.asyncio_loop) is Loop
    assert io_loop.selector_loop is io_loop.asyncio_loop
    assert io_loop.run_sync(lambda: asyncio.sleep(0.001, "slept")) == "slept"
    io_loop.close()
    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(_backend_here()) == "asyncio"


async def _backend_here() -> str:
    return IOLoop.current().backend_name


def test_inside_a_running_asyncio_loop_current_is_around_it_and_always_the_same() -> None:
    async def main() -> None:
        io_loop = IOLoop.current()
        assert io_loop.asyncio_loop is asyncio.get_running_loop()
        gc.collect()
        assert IOLoop.current() is io_loop
        promise = io_loop.create_future()
        io_loop.add_callback(promise.set_result, 5)
        assert await promise == 5

    asyncio.run(main())
    assert IOLoop.current(instance=False) is None


def test_the_ioloop_around_a_foreign_loop_goes_with_it() -> None:
    async def main() -> weakref.ref[IOLoop]:
        return weakref.ref(IOLoop.current())

    seen = asyncio.run(main())
    gc.collect()
    assert seen() is None


def test_a_loop_set_with_asyncio_is_adopted() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        io_loop = IOLoop.current()
        assert io_loop.asyncio_loop is loop
        assert IOLoop.current() is io_loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_the_current_loop_is_the_one_that_asyncio_and_so_tornado_finds() -> None:
    io_loop = IOLoop()
    assert asyncio.get_event_loop() is io_loop.asyncio_loop
    io_loop.close()
    assert IOLoop.current(instance=False) is None


def test_an_asyncio_loop_has_one_ioloop() -> None:
    loop = asyncio.new_event_loop()
    io_loop = IOLoop(make_current=False, asyncio_loop=loop)
    with pytest.raises(RuntimeError, match="has an IOLoop already"):
        IOLoop(make_current=False, asyncio_loop=loop)
    io_loop.close()
    assert loop.is_closed()


def test_each_thread_has_its_own_current_loop() -> None:
    mine = IOLoop.current()
    theirs: list[IOLoop | None] = []
    thread = threading.Thread(target=lambda: theirs.append(IOLoop.current(instance=False)))
    thread.start()
    thread.join()
    assert theirs == [None]
    mine.close()


@pytest.mark.parametrize("backend", ["asyncio", "simulated"])
def test_run_runs_a_program_and_leaves_nothing_behind(backend: str) -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await IOLoop.current().create_future()
        finally:
            ended.append("background")

    async def main() -> str:
        IOLoop.current().spawn(wait())
        await asyncio.sleep(0.001)
        return IOLoop.current().backend_name

    assert eyewall.ioloop.run(main, backend=backend) == backend
    assert ended == ["background"]
    assert IOLoop.current(instance=False) is None


def test_run_is_refused_where_a_loop_runs() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="runs in this thread already"):
            eyewall.ioloop.run(main)

    asyncio.run(main())


def test_importing_the_package_imports_no_event_loop() -> None:
    program = (
        "import sys, eyewall.ioloop; "
        "print([m for m in ('asyncio', 'ssl', 'uvloop', 'trio', 'multiprocessing', 'importlib.metadata') "
        "if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], env=dict(os.environ), check=True, capture_output=True, text=True
    ).stdout
    assert output.strip() == "[]"


def test_a_backend_without_an_asyncio_loop_says_so() -> None:
    def do_nothing(*args: object, **kwargs: object) -> None:
        pass

    class Stranger:
        name = "strange"
        capabilities = frozenset[str]()

        def __getattr__(self, name: str) -> object:
            if name in {"asyncio_loop", "io_loop", "tasks"}:
                raise AttributeError(name)
            return do_nothing

    io_loop = IOLoop(backend=Stranger())  # type: ignore[arg-type] # it answers to every name
    with pytest.raises(RuntimeError, match="'strange' has no asyncio loop"):
        _ = io_loop.asyncio_loop
    assert IOLoop.current() is io_loop
    assert "cannot tell" in io_loop.describe_tasks()
    io_loop.close()


def test_a_coroutine_in_place_of_its_function_is_told_how_to_give_the_function() -> None:
    async def main() -> None:
        """Never run."""

    with pytest.raises(TypeError, match=r"give the function itself, run\(main\) and not run\(main\(\)\)"):
        eyewall.ioloop.run(main())  # type: ignore[arg-type]  # on purpose
