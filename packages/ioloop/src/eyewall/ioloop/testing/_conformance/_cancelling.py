"""Cancel scopes: whom they reach, when, and whom not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ._turns import next_turn, pause, until

if TYPE_CHECKING:
    from ..._ioloop import IOLoop
    from ...protocols import CancelScope, Promise


class TestCancelScopes:
    """``cancel_scope``."""

    async def test_a_deadline_cuts_a_wait_short(self, io_loop: IOLoop) -> None:
        begun = io_loop.time()
        with io_loop.cancel_scope(deadline=begun + 0.01) as scope:
            await io_loop.create_future()
        assert scope.cancelled_caught
        assert io_loop.time() >= begun + 0.009
        await next_turn(io_loop)  # nothing is left over

    async def test_a_deadline_that_has_passed_cuts_the_first_wait(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope(deadline=io_loop.time() - 1) as scope:
            await io_loop.create_future()
        assert scope.cancelled_caught

    async def test_a_block_that_ends_in_time_is_left_alone(self, io_loop: IOLoop) -> None:
        async def turn_within(seconds: float) -> CancelScope:
            with io_loop.cancel_scope(deadline=io_loop.time() + seconds) as scope:
                await next_turn(io_loop)
            return scope

        seconds = 0.01
        while (scope := await turn_within(seconds)).cancelled_caught and seconds < 1:
            seconds *= 4  # the machine was busy
        assert not scope.cancelled_caught
        await pause(io_loop, 2 * seconds)  # its deadline passes without effect
        assert not scope.cancelled_caught

    async def test_a_callback_cancels(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as scope:
            io_loop.add_callback(scope.cancel)
            await io_loop.create_future()
        assert scope.cancelled_caught

    async def test_another_task_cancels(self, io_loop: IOLoop) -> None:
        async def cancel(scope: CancelScope) -> None:
            scope.cancel()
            scope.cancel()

        with io_loop.cancel_scope() as scope:
            io_loop.spawn(cancel(scope))
            await io_loop.create_future()
        assert scope.cancelled_caught

    async def test_the_task_itself_cancels_its_next_wait(self, io_loop: IOLoop) -> None:
        passed: list[str] = []
        with io_loop.cancel_scope() as scope:
            scope.cancel()
            passed.append("cancel() does not raise")
            await io_loop.create_future()
        assert passed == ["cancel() does not raise"]
        assert scope.cancelled_caught

    async def test_a_scope_cancelled_before_it_is_entered_cuts_the_first_wait(self, io_loop: IOLoop) -> None:
        scope = io_loop.cancel_scope()
        scope.cancel()
        with scope:
            await io_loop.create_future()
        assert scope.cancelled_caught

    async def test_a_block_that_does_not_wait_any_more_ends_normally(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as scope:
            scope.cancel()
        assert not scope.cancelled_caught
        await next_turn(io_loop)
        await pause(io_loop, 0.001)  # and no later wait is cut

    async def test_cancelling_a_scope_that_was_left_does_nothing(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as scope:
            pass
        scope.cancel()
        await next_turn(io_loop)
        assert not scope.cancelled_caught

    async def test_other_exceptions_run_through(self, io_loop: IOLoop) -> None:
        with pytest.raises(KeyError), io_loop.cancel_scope() as scope:
            await next_turn(io_loop)
            raise KeyError("lost")
        assert not scope.cancelled_caught

    async def test_an_exception_raised_while_cleaning_up_runs_through(self, io_loop: IOLoop) -> None:
        with pytest.raises(KeyError), io_loop.cancel_scope() as scope:
            scope.cancel()
            try:
                await io_loop.create_future()
            finally:
                raise KeyError("lost")
        assert not scope.cancelled_caught
        await next_turn(io_loop)

    async def test_what_has_arrived_is_not_lost(self, io_loop: IOLoop) -> None:
        promise: Promise[str] = io_loop.create_future()
        seen: list[str] = []
        with io_loop.cancel_scope() as scope:

            def answer_and_cancel() -> None:
                promise.set_result("there")
                scope.cancel()

            io_loop.add_callback(answer_and_cancel)
            seen.append(await promise)
            await io_loop.create_future()
        assert seen == ["there"]
        assert scope.cancelled_caught

    async def test_a_promise_whose_waiter_was_cancelled_is_done(self, io_loop: IOLoop) -> None:
        promise: Promise[str] = io_loop.create_future()
        with io_loop.cancel_scope() as scope:
            scope.cancel()
            await promise
        assert promise.done()

    async def test_an_inner_scope_cancels_only_itself(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as outer:
            with io_loop.cancel_scope() as inner:
                inner.cancel()
                await io_loop.create_future()
            await next_turn(io_loop)
        assert (inner.cancelled_caught, outer.cancelled_caught) == (True, False)

    async def test_an_outer_scope_reaches_into_inner_ones(self, io_loop: IOLoop) -> None:
        after: list[str] = []
        with io_loop.cancel_scope() as outer:
            with io_loop.cancel_scope() as inner:
                outer.cancel()
                await io_loop.create_future()
            after.append("the inner block")
        assert (inner.cancelled_caught, outer.cancelled_caught) == (False, True)
        assert after == []

    async def test_where_both_are_cancelled_the_outer_one_has_it(self, io_loop: IOLoop) -> None:
        after: list[str] = []
        with io_loop.cancel_scope() as outer:
            with io_loop.cancel_scope() as inner:
                inner.cancel()
                outer.cancel()
                await io_loop.create_future()
            after.append("the inner block")
            await io_loop.create_future()
        assert outer.cancelled_caught
        await next_turn(io_loop)

    async def test_a_scope_entered_after_the_outer_one_was_cancelled_is_cut_too(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as outer:
            outer.cancel()
            with io_loop.cancel_scope(deadline=io_loop.time() + 20):
                await io_loop.create_future()
        assert outer.cancelled_caught

    async def test_a_shield_keeps_the_outer_scope_out_until_it_ends(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        with io_loop.cancel_scope() as outer:
            with io_loop.cancel_scope(shield=True) as shield:
                outer.cancel()
                await pause(io_loop, 0.005)
                seen.append("shielded")
            await io_loop.create_future()
            seen.append("not reached")
        assert seen == ["shielded"]
        assert (shield.cancelled_caught, outer.cancelled_caught) == (False, True)

    async def test_a_deadline_that_passes_within_a_shield_is_delivered_after_it(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope(deadline=io_loop.time() + 0.005) as outer:
            with io_loop.cancel_scope(shield=True), io_loop.cancel_scope():
                await pause(io_loop, 0.01)
            await io_loop.create_future()
        assert outer.cancelled_caught

    async def test_nested_shields_keep_it_out_until_the_last_has_ended(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        with io_loop.cancel_scope() as outer:
            with io_loop.cancel_scope(shield=True):
                with io_loop.cancel_scope(shield=True):
                    outer.cancel()
                    await next_turn(io_loop)
                await pause(io_loop, 0.005)
                seen.append("both")
            await io_loop.create_future()
        assert seen == ["both"]
        assert outer.cancelled_caught

    async def test_a_shielded_scope_can_be_cancelled_itself(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as outer, io_loop.cancel_scope(shield=True) as shield:
            shield.cancel()
            await io_loop.create_future()
        assert (shield.cancelled_caught, outer.cancelled_caught) == (True, False)

    async def test_cleaning_up_may_wait_in_a_shield(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        with io_loop.cancel_scope() as scope:
            scope.cancel()
            try:
                await io_loop.create_future()
            finally:
                with io_loop.cancel_scope(shield=True):
                    await pause(io_loop, 0.005)
                    seen.append("cleaned up")
        assert seen == ["cleaned up"]
        assert scope.cancelled_caught

    async def test_a_foreign_cancel_runs_through_untouched(self, io_loop: IOLoop) -> None:
        scopes: list[CancelScope] = []
        seen: list[str] = []

        async def wait() -> None:
            with io_loop.cancel_scope() as outer, io_loop.cancel_scope(deadline=io_loop.time() + 20) as inner:
                scopes.extend((outer, inner))
                await io_loop.create_future()
            seen.append("not reached")

        task = io_loop.spawn(wait())
        await next_turn(io_loop)
        task.cancel()
        assert await until(io_loop, task.done)
        assert seen == []
        assert [scope.cancelled_caught for scope in scopes] == [False, False]

    async def test_a_foreign_cancel_wins_over_that_of_a_scope(self, io_loop: IOLoop) -> None:
        scopes: list[CancelScope] = []
        seen: list[str] = []

        async def wait() -> None:
            with io_loop.cancel_scope() as scope:
                scopes.append(scope)
                await io_loop.create_future()
            await next_turn(io_loop)
            seen.append("not reached")

        task = io_loop.spawn(wait())
        await next_turn(io_loop)
        scopes[0].cancel()
        task.cancel()
        assert await until(io_loop, task.done)
        assert seen == []

    async def test_scopes_of_other_tasks_are_not_touched(self, io_loop: IOLoop) -> None:
        async def wait() -> str:
            with io_loop.cancel_scope() as scope:
                await pause(io_loop, 0.01)
            return "cancelled" if scope.cancelled_caught else "finished"

        with io_loop.cancel_scope() as mine:
            beside = io_loop.spawn(wait())
            await next_turn(io_loop)
            mine.cancel()
            await io_loop.create_future()
        assert mine.cancelled_caught
        assert await beside == "finished"

    async def test_a_scope_is_entered_once(self, io_loop: IOLoop) -> None:
        with io_loop.cancel_scope() as scope:
            pass
        with pytest.raises(RuntimeError), scope:
            pass

    async def test_a_scope_needs_a_task(self, io_loop: IOLoop) -> None:
        seen: list[BaseException] = []

        def callback() -> None:
            try:
                with io_loop.cancel_scope():
                    pass
            except RuntimeError as error:
                seen.append(error)

        io_loop.add_callback(callback)
        await next_turn(io_loop)
        assert len(seen) == 1

    async def test_a_task_knows_whether_it_is_asked_to_end(self, io_loop: IOLoop) -> None:
        seen: list[bool] = []

        async def wait(until: Promise[None]) -> None:
            try:
                await until
            except BaseException:
                seen.append(io_loop.cancelling())
                raise

        seen.append(io_loop.cancelling())
        with io_loop.cancel_scope() as scope:
            io_loop.add_callback(scope.cancel)
            await wait(io_loop.create_future())
        seen.append(io_loop.cancelling())
        task = io_loop.spawn(wait(io_loop.create_future()))
        await next_turn(io_loop)
        task.cancel()
        assert await until(io_loop, task.done)
        assert seen == [False, True, False, True]

    async def test_who_awaits_a_task_that_was_cancelled_is_not_asked_to_end(self, io_loop: IOLoop) -> None:
        async def wait() -> None:
            await io_loop.create_future()

        task = io_loop.spawn(wait())
        await next_turn(io_loop)
        task.cancel()
        with pytest.raises(BaseException):  # noqa: B017 - each backend has its own
            await task
        assert not io_loop.cancelling()
