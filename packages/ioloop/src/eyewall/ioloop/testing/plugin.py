"""The pytest plug-in: runs ``async def`` tests once on each event loop backend.

Loaded by ``-p eyewall.ioloop.testing.plugin`` or ``pytest_plugins``, never by being installed, so
that it takes no test from pytest-asyncio or anyio in a project that has not asked for it. It brings

- the fixture ``io_loop``, an IOLoop that is current during the test. Each test that takes it, and
  each ``async def`` test, runs once for each backend: ``test_x[asyncio]``, ``test_x[simulated]`` …
- the fixture ``simulated_loop``: the same, and always a :class:`~eyewall.ioloop.testing.SimulatedLoop`, for tests that
  move the clock; they run once, on that backend,
- ``@pytest.mark.needs("sockets", …)``: skips the test on backends without these capabilities,
- ``--backends asyncio,simulated`` to choose (default: all that are installed), and ``--async-timeout``,
- a table at the end: what passed, failed and was skipped on each backend.

A test fails as well when the loop has logged an error during it, such as a callback that raised,
unless it takes the fixture ``caplog`` and so looks at the log by itself.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from .._ioloop import IOLoop
from ..backends import backend_names, make_backend
from ..errors import BackendNotFoundError
from ._matrix import BACKEND, LACKS, Matrix
from ._simulated import SimulatedLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

pytest.register_assert_rewrite("eyewall.ioloop.testing._conformance")

_Capabilities = dict[str, frozenset[str]]
_CAPABILITIES = pytest.StashKey[_Capabilities]()  # of each backend that is to be tested


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("eyewall")
    group.addoption("--backends", metavar="NAMES", help="event loop backends to test on, separated by commas")
    group.addoption(
        "--async-timeout",
        metavar="SECONDS",
        type=float,
        default=30.0,
        help="an async test that takes longer on a backend with a real clock fails (default: 30)",
    )
    group.addoption(
        "--simulated-seed", metavar="SEED", type=int, default=0, help="of the simulated loop (default: 0, in order)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the backends, and prepare the table."""
    config.addinivalue_line("markers", "needs(*capabilities): skip on event loop backends without these")
    config.stash[_CAPABILITIES] = _find_backends(config.option.backends)
    config.pluginmanager.register(Matrix(), "eyewall-matrix")


def pytest_report_header(config: pytest.Config) -> str:
    """Say what would run the same again."""
    chosen = config.stash[_CAPABILITIES]
    names = ",".join(chosen)
    return f"eyewall: --backends {names} --simulated-seed {config.option.simulated_seed}"


def _find_backends(names: str | None) -> _Capabilities:
    found: _Capabilities = {}
    for name in backend_names() if names is None else names.split(","):
        try:
            backend = make_backend(name)
        except BackendNotFoundError as error:
            if names is not None:
                raise pytest.UsageError(f"--backends: {error}") from error
        else:
            found[name] = backend.capabilities
            backend.close()
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Let an async test use the fixture ``io_loop`` though it does not take it."""
    if collector.istestfunction(obj, name) and inspect.iscoroutinefunction(obj):
        pytest.mark.usefixtures("io_loop")(obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each backend out of one that uses ``io_loop``."""
    if "io_loop" in metafunc.fixturenames:
        chosen = metafunc.config.stash[_CAPABILITIES]
        backends = ["simulated"] if "simulated_loop" in metafunc.fixturenames else list(chosen)
        metafunc.parametrize("io_loop", backends, indirect=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by capability, and note the backend for the table."""
    name = _backend_of(item)
    if name is None:
        return
    item.user_properties.append((BACKEND, name))
    needed = {capability for mark in item.iter_markers("needs") for capability in mark.args}
    known = item.config.stash[_CAPABILITIES]
    if lacking := sorted(needed - (known.get(name) or make_backend(name).capabilities)):
        item.user_properties.append((LACKS, ", ".join(lacking)))
        pytest.skip(f"the backend {name!r} lacks: {', '.join(lacking)}")


def _backend_of(item: pytest.Item) -> str | None:
    call = getattr(item, "callspec", None)
    return None if call is None else call.params.get("io_loop")


@pytest.fixture
def io_loop(request: pytest.FixtureRequest) -> Iterator[IOLoop]:
    """The loop of the test, current in this thread; on the backend ``simulated`` a :class:`SimulatedLoop`."""
    name: str = request.param
    seed: int = request.config.option.simulated_seed
    watch = _ErrorWatch()
    made = SimulatedLoop(seed) if name == "simulated" else IOLoop(backend=name)
    try:
        yield made
    finally:
        try:
            made.shutdown()
        finally:
            made.close()
            watch.remove()
    if watch.messages and "caplog" not in request.fixturenames:
        pytest.fail("the loop logged an error during the test:\n" + "\n".join(watch.messages), pytrace=False)


@pytest.fixture
def simulated_loop(io_loop: IOLoop) -> SimulatedLoop:
    """The loop of the test, which moves its clock with ``advance``, or runs a coroutine with ``run``."""
    return cast("SimulatedLoop", io_loop)  # see pytest_generate_tests


class _ErrorWatch(logging.Handler):
    """Collects what goes wrong on a loop with nobody to raise it to."""

    _LOGGERS: Final = ("eyewall.ioloop", "asyncio")

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []
        for name in self._LOGGERS:
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))

    def remove(self) -> None:
        for name in self._LOGGERS:
            logging.getLogger(name).removeHandler(self)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test to its end on its loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    # The loop is parametrised, so it is among the arguments even where the test does not take it.
    __tracebackhide__ = True
    loop = cast("IOLoop", pyfuncitem.funcargs["io_loop"])
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    _run(loop, lambda: pyfuncitem.obj(**arguments), pyfuncitem.config.option.async_timeout)
    return True


def _run(loop: IOLoop, test: Callable[[], Coroutine[Any, Any, object]], timeout: float) -> None:
    __tracebackhide__ = True
    if isinstance(loop, SimulatedLoop):  # which knows by itself when nothing can happen
        loop.run(test)
        return
    waiting: list[str] = []
    alarm = loop.call_later(timeout, lambda: waiting.append(loop.describe_tasks()))
    try:
        loop.run_sync(test, timeout=timeout)
    except TimeoutError:
        if not waiting:  # the test's own
            raise
        pytest.fail(f"the test took longer than --async-timeout, {timeout} seconds; there waited:\n{waiting[0]}")
    finally:
        alarm.cancel()
