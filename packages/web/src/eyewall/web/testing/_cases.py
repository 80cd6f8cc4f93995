"""Test cases of ``unittest`` with a loop of their own, by Tornado's names."""

from __future__ import annotations

import functools
import os
import unittest
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from eyewall.ioloop import IOLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Concatenate, ParamSpec

    P = ParamSpec("P")

C = TypeVar("C", bound="AsyncTestCase")

DEFAULT_TIMEOUT_SECONDS: Final = 5.0


def get_async_test_timeout() -> float:
    """Return how many seconds a test may wait: the environment variable ``ASYNC_TEST_TIMEOUT``, or 5."""
    try:
        return float(os.environ["ASYNC_TEST_TIMEOUT"])
    except (KeyError, ValueError):
        return DEFAULT_TIMEOUT_SECONDS


class AsyncTestCase(unittest.TestCase):
    """A test case that has a loop for each of its tests, as the current loop and as ``self.io_loop``.

    ::

        class MyTest(AsyncTestCase):
            @gen_test
            async def test_it(self) -> None:
                self.assertEqual(await answer(), 42)

    For new tests, pytest's functions need no class: see :mod:`eyewall.ioloop.testing.plugin`.
    """

    io_loop: IOLoop

    _stopped = False
    _running = False
    _stop_value: Any = None

    def setUp(self) -> None:
        """Create the loop."""
        super().setUp()
        self.io_loop = self.get_new_ioloop()
        self.addCleanup(self._close_loop)  # also where the rest of a subclass's setUp fails
        self.io_loop.make_current()

    def tearDown(self) -> None:
        """Cancel what is left on the loop; it is closed after the test's cleanups."""
        self.io_loop.shutdown()
        super().tearDown()

    def _close_loop(self) -> None:
        IOLoop.clear_current()
        self.io_loop.close(all_fds=True)

    def get_new_ioloop(self) -> IOLoop:
        """Return a loop for a test: override it for another backend."""
        return IOLoop(make_current=False)

    def stop(self, _arg: Any = None, **kwargs: Any) -> None:
        """End :meth:`wait`, which returns the argument given here: the older way, for tests of callbacks."""
        self._stop_value = kwargs or _arg
        self._stopped = True
        if self._running:
            self.io_loop.stop()

    def wait(self, condition: Callable[[], bool] | None = None, timeout: float | None = None) -> Any:
        """Run the loop until :meth:`stop` is called and ``condition`` is true; return what ``stop`` was given.

        Raises ``AssertionError`` after ``timeout`` seconds (default: :func:`get_async_test_timeout`).
        """
        seconds = get_async_test_timeout() if timeout is None else timeout
        late: list[bool] = []

        def give_up() -> None:
            late.append(True)
            self.io_loop.stop()

        alarm = self.io_loop.call_later(seconds, give_up)
        self._running = True
        try:
            while not self._stopped or (condition is not None and not condition()):
                self._stopped = False
                self.io_loop.start()
                if late:
                    self.fail(f"Async operation timed out after {seconds} seconds")
        finally:
            self._running = False
            alarm.cancel()
        self._stopped = False
        value, self._stop_value = self._stop_value, None
        return value


@overload
def gen_test(
    func: Callable[Concatenate[C, P], Coroutine[Any, Any, object]], timeout: float | None = None
) -> Callable[Concatenate[C, P], None]: ...
@overload
def gen_test(
    func: None = None, timeout: float | None = None
) -> Callable[[Callable[Concatenate[C, P], Coroutine[Any, Any, object]]], Callable[Concatenate[C, P], None]]: ...
def gen_test(func: Any = None, timeout: float | None = None) -> Any:
    """Decorate a test that is a coroutine: it runs on the loop of its :class:`AsyncTestCase`.

    It fails with ``TimeoutError`` after ``timeout`` seconds (default: :func:`get_async_test_timeout`)::

        @gen_test(timeout=30)
        async def test_a_slow_thing(self) -> None: ...
    """
    if func is None:
        return functools.partial(gen_test, timeout=timeout)

    @functools.wraps(func)
    def wrapper(self: AsyncTestCase, /, *args: Any, **kwargs: Any) -> None:
        seconds = get_async_test_timeout() if timeout is None else timeout
        self.io_loop.run_sync(lambda: func(self, *args, **kwargs), timeout=seconds)

    return wrapper
