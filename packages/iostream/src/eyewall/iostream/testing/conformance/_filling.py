"""read_into: what the reader's own buffer holds, and what becomes of it when the read does not end well."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from ...errors import StreamTimeoutError
from ._pairs import StreamPairs, failure, over, pattern, settle

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop


class FillingConformance(StreamPairs):
    """The promises of ``read_into``."""

    async def test_read_into_fills_the_buffer_and_leaves_the_rest(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(4)
            near.write_nowait(b"abcdef")
            assert await far.read_into(buf) == 4
            assert buf == b"abcd"
            assert await far.read_bytes(2) == b"ef"

    async def test_read_into_waits_for_the_last_byte(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(6)
            read = far.read_into(buf)
            near.write_nowait(b"abc")
            await settle(io_loop)
            assert far.reading()
            assert not read.done()
            near.write_nowait(b"defg")
            assert await read == 6
            assert buf == b"abcdef"
            assert not far.reading()
            assert await far.read_bytes(1) == b"g"

    async def test_read_into_takes_what_is_buffered_first(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(4)
            far.unread(b"ab")
            read = far.read_into(buf)
            near.write_nowait(b"cd")
            await read
            assert buf == b"abcd"

    async def test_a_partial_read_into_gives_how_many_bytes_came(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(10)
            near.write_nowait(b"abc")
            count = await far.read_into(buf, partial=True)
            assert 1 <= count <= 3
            assert buf == b"abc"[:count] + bytes(10 - count)

    async def test_a_buffer_larger_than_the_read_ahead_is_filled(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            near.write_nowait(sent)
            buf = bytearray(len(sent))
            assert await far.read_into(buf) == len(sent)
            assert buf == sent

    async def test_read_into_fills_a_view_of_numbers_by_its_bytes(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            numbers = array("I", [0, 0, 0, 0])
            near.write_nowait(array("I", [1, 2]).tobytes())
            view = memoryview(numbers)[1:3]
            assert await far.read_into(view) == view.nbytes
            assert numbers == array("I", [0, 1, 2, 0])

    async def test_reading_into_an_empty_buffer_is_done_at_once(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            assert far.read_into(bytearray()).result() == 0

    async def test_a_buffer_that_cannot_be_written_to_is_refused(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            with pytest.raises(TypeError, match="cannot read into"):
                far.read_into(memoryview(b"abc"))
            assert not far.reading()

    async def test_the_buffer_is_free_again_when_the_read_is_done(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(3)
            read = far.read_into(buf)
            near.write_nowait(b"abc")
            await read
            buf.clear()
            assert buf == b""

    async def test_the_end_fails_a_read_into_and_leaves_what_came(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(10)
            read = far.read_into(buf)
            near.write_nowait(b"abcd")
            await settle(io_loop)
            near.shutdown_write()
            assert (await failure(read)).real_error is None
            buf.clear()
            assert far.read_nowait() == b"abcd"

    async def test_a_cancelled_read_into_leaves_what_came_for_the_next(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(10)

            async def wait() -> None:
                await far.read_into(buf)

            task = io_loop.spawn(wait())
            near.write_nowait(b"abcd")
            await settle(io_loop)
            task.cancel()
            await over(io_loop, task)
            buf.clear()
            near.write_nowait(b"efgh\n")
            assert await far.read_until(b"\n") == b"abcdefgh\n"

    async def test_a_read_into_cancelled_as_it_is_filled_loses_nothing(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            got = 0
            buf = bytearray(4)
            with io_loop.cancel_scope() as scope:
                waiting = far.read_into(buf)
                waiting.add_done_callback(lambda _: scope.cancel())
                near.write_nowait(b"abcdef")
                near.shutdown_write()
                got = await waiting
            assert bytes(buf[:got]) + await far.read_until_close() == b"abcdef"

    async def test_a_read_into_that_is_late_leaves_what_came_for_the_next(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            far.unread(b"ab")
            buf = bytearray(5)
            with pytest.raises(StreamTimeoutError, match="read_into"):
                await far.read_into(buf, deadline=io_loop.time())
            buf.clear()
            near.write_nowait(b"c")
            assert await far.read_bytes(3) == b"abc"

    async def test_what_is_unread_comes_before_what_a_read_into_has(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            buf = bytearray(6)
            far.unread(b"cd")
            read = far.read_into(buf)
            far.unread(b"ab")
            near.write_nowait(b"ef")
            await read
            assert buf == b"abcdef"
