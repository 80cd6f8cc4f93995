"""Writes: order, when they are done, and how a peer that does not read stops them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from ..._limits import HIGH_WATER_MARK
from ...errors import StreamClosedError
from ._pairs import StreamPairs, failure, pattern, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop

    from ...protocols import Buffer


def _view_of_bytearray(data: bytes) -> memoryview:
    return memoryview(bytearray(data))


class WritingConformance(StreamPairs):
    """The promises of writing."""

    async def test_several_buffers_leave_in_order(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            await near.write(b"head ", bytearray(b"body "), b"", memoryview(b"xtailx")[1:-1])
            near.write_nowait(b" and", memoryview(bytearray(b" more")))
            assert await far.read_bytes(23) == b"head body tail and more"

    async def test_a_text_is_refused_and_the_stream_goes_on(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            with pytest.raises(TypeError, match="bytes"):
                await near.write("text")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
            await near.write(b"bytes")
            assert await far.read_bytes(5) == b"bytes"

    async def test_an_empty_write_is_legal(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            await near.write(b"")
            await near.write()
            near.write_nowait(b"", memoryview(b""))
            await near.write(b"x")
            assert await far.read_bytes(1) == b"x"

    @pytest.mark.parametrize("other", [(), (b"",), (b"z",)])
    async def test_a_view_of_numbers_is_written_as_its_bytes(
        self, io_loop: EventLoop, other: tuple[bytes, ...]
    ) -> None:
        async with self.pair(io_loop) as (near, far):
            numbers = array("I", range(1000))
            near.write_nowait(memoryview(numbers), *other)
            sent = numbers.tobytes() + b"".join(other)
            assert await far.read_bytes(len(sent)) == sent

    @pytest.mark.parametrize("wrap", [bytearray, _view_of_bytearray])
    @pytest.mark.parametrize("others", [(), (b"end",)])
    async def test_what_changes_after_the_call_does_not_change_what_is_sent(
        self, io_loop: EventLoop, wrap: Callable[[bytes], bytearray | memoryview], others: tuple[bytes, ...]
    ) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            buffer = wrap(sent)
            near.write_nowait(buffer, *others)
            buffer[:] = bytes(len(buffer))
            assert await far.read_bytes(len(sent)) == sent

    async def test_a_bytearray_can_be_emptied_after_the_call(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            buffer = bytearray(sent)
            near.write_nowait(buffer)
            buffer.clear()
            assert await far.read_bytes(len(sent)) == sent

    async def test_a_write_is_done_only_when_all_of_it_was_taken(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            write = near.write(sent)
            await settle(io_loop)
            assert not write.done()
            assert await far.read_bytes(len(sent)) == sent
            await write

    async def test_each_write_is_done_when_its_own_bytes_have_gone(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            writes = [near.write(sent), near.write(b"second", b"part"), near.write(b"third")]
            done: list[int] = []
            for number, write in enumerate(writes):
                write.add_done_callback(lambda _, number=number: done.append(number))  # type: ignore[misc] # mypy infers no lambda with a default
            assert await far.read_bytes(len(sent) + 15) == sent + b"secondpartthird"
            await writes[2]
            await settle(io_loop, 2)
            assert done == [0, 1, 2]

    async def test_many_small_writes_behind_a_large_one_keep_their_order(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            near.write_nowait(sent)
            numbers = [b"%d," % number for number in range(500)]
            for number in numbers:
                near.write_nowait(number)
            assert await far.read_bytes(len(sent)) == sent
            assert await far.read_bytes(len(b"".join(numbers))) == b"".join(numbers)

    async def test_a_writer_is_made_to_wait_by_a_reader_that_does_not_read(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            far.set_close_callback(lambda: None)
            chunk = bytes(self.plenty // 8)
            written = 0

            async def write() -> None:
                nonlocal written
                for _ in range(16):
                    await near.write(chunk)
                    written += len(chunk)

            task = io_loop.spawn(write())
            await settle(io_loop, 100)
            assert written <= self.plenty
            assert len(await far.read_bytes(16 * len(chunk))) == 16 * len(chunk)
            await task

    async def test_drained_waits_until_little_is_unsent(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            assert near.drained().done()
            size = self.plenty + HIGH_WATER_MARK
            near.write_nowait(pattern(size))
            drained = near.drained()
            await settle(io_loop)
            assert not drained.done()
            await far.read_bytes(size)
            await drained
            assert near.drained().done()

    async def test_drained_is_done_at_once_below_the_high_water_mark(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            near.write_nowait(bytes(self.plenty))
            await settle(io_loop)
            above = near.unsent - HIGH_WATER_MARK
            assert near.drained().done() == (above <= 0)

    async def test_unsent_says_how_much_waits(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            assert near.unsent == 0
            near.write_nowait(bytes(self.plenty))
            assert 0 < near.unsent <= self.plenty
            assert near.writing()
            await far.read_bytes(self.plenty)
            await near.write(b"")
            assert (near.unsent, near.writing()) == (0, False)

    async def test_bytes_flow_both_ways_at_once(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            there, back = pattern(self.plenty), pattern(self.plenty)[::-1]
            writes = near.write(there), far.write(back)
            reads = near.read_bytes(len(back)), far.read_bytes(len(there))
            assert await reads[0] == back
            assert await reads[1] == there
            for write in writes:
                await write

    async def test_a_closed_stream_refuses_writes_with_its_error(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            error = ZeroDivisionError()
            near.close(error)
            writes: list[Callable[[Buffer], object]] = [near.write, near.write_nowait]
            for write in writes:
                with pytest.raises(StreamClosedError) as caught:
                    write(b"x")
                assert caught.value.real_error is error
            assert (await failure(near.drained())).real_error is error

    async def test_nothing_is_written_after_shutdown_write(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"last")
            near.shutdown_write()
            with pytest.raises(StreamClosedError):
                near.write_nowait(b"later")
            assert await far.read_until_close() == b"last"
