"""Cancel scopes beside asyncio's own ways to cancel, whose accounts they share."""

from __future__ import annotations

import asyncio

import pytest

from eyewall.ioloop import IOLoop

pytestmark = pytest.mark.needs("asyncio")


async def test_a_timeout_of_asyncio_within_a_scope_raises_its_own_error(io_loop: IOLoop) -> None:
    with io_loop.cancel_scope(deadline=io_loop.time() + 5) as scope:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await io_loop.create_future()
        await asyncio.sleep(0)
    assert not scope.cancelled_caught


async def test_a_scope_within_a_timeout_of_asyncio_cancels_itself_only(io_loop: IOLoop) -> None:
    async with asyncio.timeout(5):
        with io_loop.cancel_scope(deadline=io_loop.time() + 0.001) as scope:
            await io_loop.create_future()
        await asyncio.sleep(0)
    assert scope.cancelled_caught


async def test_a_scope_around_a_timeout_of_asyncio_reaches_into_it(io_loop: IOLoop) -> None:
    with io_loop.cancel_scope(deadline=io_loop.time() + 0.001) as scope:
        async with asyncio.timeout(5):
            await io_loop.create_future()
    assert scope.cancelled_caught


async def test_a_timeout_of_asyncio_around_a_scope_reaches_into_it(io_loop: IOLoop) -> None:
    async def wait() -> None:
        async with asyncio.timeout(0.001):
            with io_loop.cancel_scope(deadline=io_loop.time() + 5):
                await io_loop.create_future()

    with pytest.raises(TimeoutError):
        await wait()


async def test_a_scope_ends_a_task_group_and_its_tasks(io_loop: IOLoop) -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await io_loop.create_future()
        finally:
            ended.append("child")

    with io_loop.cancel_scope(deadline=io_loop.time() + 0.001) as scope:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            await io_loop.create_future()
    assert scope.cancelled_caught
    assert ended == ["child"]


async def test_a_failing_task_of_a_group_runs_through_a_scope(io_loop: IOLoop) -> None:
    async def fails() -> None:
        raise KeyError("lost")

    async def group_of_failures() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            await io_loop.create_future()

    with pytest.raises(ExceptionGroup), io_loop.cancel_scope() as scope:
        await group_of_failures()
    assert not scope.cancelled_caught


async def test_no_request_to_cancel_is_left_on_the_task(io_loop: IOLoop) -> None:
    task = asyncio.current_task()
    assert task is not None
    for _ in range(3):
        with io_loop.cancel_scope() as outer, io_loop.cancel_scope() as inner:
            outer.cancel()
            inner.cancel()
            await io_loop.create_future()
        assert task.cancelling() == 0


async def test_a_task_that_yields_without_waiting_is_cancelled_too(io_loop: IOLoop) -> None:
    with io_loop.cancel_scope() as scope:
        scope.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
    assert scope.cancelled_caught


async def test_a_task_that_cancels_itself_within_a_scope_ends(io_loop: IOLoop) -> None:
    async def wait() -> None:
        with io_loop.cancel_scope():
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await io_loop.create_future()

    with pytest.raises(asyncio.CancelledError):
        await io_loop.spawn(wait())
