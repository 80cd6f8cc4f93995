"""Streams in ``async for`` and ``async with``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import StreamClosedError
from ._pairs import StreamPairs, closing, failure, pattern, resets, settle

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop

    from ...protocols import Stream


async def _all(stream: Stream) -> bytes:
    return b"".join([piece async for piece in stream])


class IteratingConformance(StreamPairs):
    """The promises of iteration and of the context manager."""

    async def test_iterating_gives_all_until_the_peer_ends(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            near.write_nowait(sent)
            near.shutdown_write()
            assert await _all(far) == sent

    async def test_no_piece_is_empty(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"one")
            near.shutdown_write()
            assert all([piece async for piece in far])

    async def test_an_end_that_was_before_the_first_step_ends_it_too(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.shutdown_write()
            await closing(io_loop, far)
            assert await _all(far) == b""

    @resets
    async def test_iterating_over_what_breaks_raises(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            iterating = io_loop.spawn(_all(far))
            await settle(io_loop)
            self.reset(near)
            with pytest.raises(StreamClosedError) as caught:
                await iterating
            assert isinstance(caught.value.real_error, ConnectionResetError)

    async def test_leaving_a_with_block_sends_all_and_closes(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            received = io_loop.spawn(_all(far))
            async with near as same:
                assert same is near
                near.write_nowait(sent)
                assert near.writing()
            assert near.closed()
            assert await received == sent

    async def test_an_exception_closes_at_once_and_is_what_others_get(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            error = ZeroDivisionError("why")
            write = near.write(bytes(self.plenty))
            with pytest.raises(ZeroDivisionError):
                async with near:
                    raise error
            assert near.closed()
            assert (await failure(write)).real_error is error

    async def test_a_peer_that_goes_before_all_is_sent_fails_the_with_block(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            with pytest.raises(StreamClosedError):
                async with near:
                    near.write_nowait(bytes(self.plenty))
                    await settle(io_loop)
                    far.close()
            assert near.closed()

    async def test_a_with_block_that_is_cancelled_while_it_sends_closes(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            with io_loop.cancel_scope() as scope:
                async with near:
                    near.write_nowait(bytes(self.plenty))
                    scope.cancel()
            assert scope.cancelled_caught
            assert near.closed()
