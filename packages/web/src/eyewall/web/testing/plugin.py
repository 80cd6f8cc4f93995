"""The pytest plug-in: fixtures for tests of an application in memory, on each event loop.

Loaded by ``pytest_plugins = ["eyewall.web.testing.plugin"]`` in the ``conftest.py`` at the top; it brings the plug-in
:mod:`eyewall.ioloop.testing.plugin` with it, which runs tests that are coroutines. Define the fixture ``app``::

    @pytest.fixture
    def app() -> Application:
        return make_app()

    async def test_hello(app_client: AppClient) -> None:
        assert (await app_client.get("/")).text == "Hello, world!"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ._client import AppClient

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPServerConnectionDelegate
    from eyewall.ioloop import IOLoop

pytest_plugins: list[str] = ["eyewall.ioloop.testing.plugin"]


class MakeAppClient(Protocol):
    """What the fixture ``make_app_client`` is."""

    def __call__(self, app: HTTPServerConnectionDelegate, **options: Any) -> AppClient:
        """Make a client of an application, with the options of :class:`AppClient`."""
        ...


@pytest.fixture
def app() -> HTTPServerConnectionDelegate:
    """The application that is tested: define a fixture of this name."""
    raise pytest.UsageError("app_client needs the application: define a fixture app() that gives it")


@pytest.fixture
def app_client(io_loop: IOLoop, app: HTTPServerConnectionDelegate) -> AppClient:
    """A client of the fixture ``app``, with cookies of its own, on the loop of the test."""
    return AppClient(app, io_loop=io_loop)


@pytest.fixture
def make_app_client(io_loop: IOLoop) -> MakeAppClient:
    """A function that makes clients: of several applications, or several of one."""

    def make(app: HTTPServerConnectionDelegate, **options: Any) -> AppClient:
        return AppClient(app, io_loop=io_loop, **options)

    return make
