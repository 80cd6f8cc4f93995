"""The end: half-closed, closed, broken; who is told, and what can still be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._info import StreamInfo
from ..._limits import HIGH_WATER_MARK
from ._pairs import StreamPairs, call, closing, failure, pattern, resets, settle
from ._reading import each_read

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop, Promise

    from ._reading import Read


class EndingConformance(StreamPairs):
    """The promises about the end of a stream."""

    async def test_after_shutdown_write_the_peer_reads_an_end_and_may_answer(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            far.set_eof_callback(lambda: None)
            near.write_nowait(b"question")
            near.shutdown_write()
            near.shutdown_write()
            assert await far.read_until_close() == b"question"
            assert not far.closed()
            await far.write(b"answer")
            far.close()
            assert await near.read_until_close() == b"answer"

    async def test_bytes_on_their_way_in_survive_shutdown_write(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            far.set_eof_callback(lambda: None)
            far.write_nowait(pattern(5000))
            near.shutdown_write()
            assert await near.read_bytes(5000) == pattern(5000)

    async def test_shutdown_write_lets_all_go_that_was_written(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            write = near.write(sent)
            near.shutdown_write()
            await settle(io_loop)
            assert not write.done()
            assert await far.read_bytes(len(sent)) == sent
            await write
            assert await far.read_until_close() == b""

    async def test_both_sides_can_shut_down(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            ended: Promise[None] = io_loop.create_future()
            far.set_eof_callback(lambda: ended.set_result(None))
            near.shutdown_write()
            await ended
            closed = closing(io_loop, near)
            far.shutdown_write()
            await closed
            assert (near.closed(), far.closed()) == (True, False)

    async def test_the_peers_end_closes_a_stream_without_eof_callback(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            closed = closing(io_loop, far)
            near.shutdown_write()
            await closed
            assert far.closed()

    async def test_the_eof_callback_is_called_once_and_leaves_the_stream_open(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            calls: list[bool] = []
            far.set_eof_callback(lambda: calls.append(far.closed()))
            near.shutdown_write()
            assert (await failure(far.read_bytes(1))).real_error is None
            await settle(io_loop)
            assert calls == [False]
            await far.write(b"still here")
            assert await near.read_bytes(10) == b"still here"

    async def test_an_eof_callback_set_after_the_end_is_called_soon(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            far.set_eof_callback(lambda: None)
            near.shutdown_write()
            await far.read_until_close()
            called: Promise[None] = io_loop.create_future()
            far.set_eof_callback(lambda: called.set_result(None))
            await called
            assert not far.closed()

    async def test_an_eof_callback_that_was_taken_back_is_not_called(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            calls: list[None] = []
            far.set_eof_callback(lambda: calls.append(None))
            far.set_eof_callback(None)
            near.shutdown_write()
            await closing(io_loop, far)
            assert calls == []

    async def test_what_came_before_the_end_can_still_be_read(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            await near.write(b"line\nrest")
            near.close()
            await closing(io_loop, far)
            assert await far.read_until(b"\n") == b"line\n"
            assert await far.read_bytes(2) == b"re"
            far.unread(b"!")
            assert await far.read_until_close() == b"!st"
            assert await far.read_until_close() == b""

    async def test_a_read_that_the_end_cuts_short_fails_and_leaves_what_came(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_bytes(10)
            await near.write(b"abcd")
            near.close()
            assert (await failure(read)).real_error is None
            assert far.read_nowait() == b"abcd"

    async def test_a_read_until_that_the_end_cuts_short_fails(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until(b"\n")
            await near.write(b"abcd")
            near.close()
            assert (await failure(read)).real_error is None
            assert (await failure(call(far.read_until, b"\n"))).real_error is None

    async def test_readable_fails_at_the_end(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            waiting = far.readable()
            near.close()
            assert (await failure(waiting)).real_error is None
            assert (await failure(far.readable())).real_error is None
            assert far.read_nowait() == b""

    @each_read
    async def test_closing_with_an_error_fails_a_read_with_it(self, io_loop: EventLoop, read: Read) -> None:
        async with self.pair(io_loop) as (_, far):
            waiting = read(far)
            error = ZeroDivisionError("why")
            far.close(error)
            assert (await failure(waiting)).real_error is error
            assert (await failure(call(read, far))).real_error is error

    async def test_closing_wakes_all_who_wait_with_the_error(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            error = ZeroDivisionError("why")
            waiting = [
                near.readable(),
                near.write(bytes(self.plenty + HIGH_WATER_MARK)),
                near.write(b"x"),
                near.drained(),
            ]
            await settle(io_loop)
            near.close(error)
            for future in waiting:
                assert (await failure(future)).real_error is error

    async def test_a_close_of_ones_own_gives_read_until_close_what_came(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            read = far.read_until_close()
            far.unread(b"abc")
            far.close()
            assert await read == b"abc"

    async def test_close_is_idempotent_and_the_first_error_stays(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            assert not near.closed()
            first = ZeroDivisionError()
            near.close(first)
            near.close(KeyError())
            near.close()
            near.shutdown_write()
            near.set_nodelay(True)
            assert near.closed()
            assert (await failure(near.readable())).real_error is first

    async def test_the_close_callback_is_called_once_in_a_later_turn(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            calls: list[None] = []
            near.set_close_callback(lambda: calls.append(None))
            near.close()
            near.close()
            assert calls == []
            await settle(io_loop)
            assert calls == [None]

    async def test_a_close_callback_set_late_is_called_soon(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            near.close()
            calls: list[None] = []
            near.set_close_callback(lambda: calls.append(None))
            assert calls == []
            await settle(io_loop)
            assert calls == [None]

    async def test_the_last_close_callback_counts_and_none_takes_it_back(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            calls: list[str] = []
            near.set_close_callback(lambda: calls.append("first"))
            near.set_close_callback(lambda: calls.append("second"))
            far.set_close_callback(lambda: calls.append("taken back"))
            far.set_close_callback(None)
            near.close()
            far.close()
            await settle(io_loop)
            assert calls == ["second"]

    async def test_a_close_callback_notices_an_idle_peer_that_goes(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            closed = closing(io_loop, far)
            near.close()
            await closed
            assert (await failure(far.readable())).real_error is None

    @resets
    async def test_a_reset_is_the_real_error_of_a_read(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_bytes(1)
            await settle(io_loop)
            self.reset(near)
            assert isinstance((await failure(read)).real_error, ConnectionResetError)
            assert far.closed()

    @resets
    async def test_a_reset_is_no_end_to_read_until(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until_close()
            await settle(io_loop)
            self.reset(near)
            assert isinstance((await failure(read)).real_error, ConnectionResetError)

    @resets
    async def test_a_reset_fails_a_writer_that_waits(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            write = far.write(bytes(self.plenty))
            await settle(io_loop)
            self.reset(near)
            assert isinstance((await failure(write)).real_error, ConnectionError)

    async def test_a_peer_that_closes_fails_a_writer_that_waits(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            write = far.write(bytes(self.plenty))
            far.set_eof_callback(lambda: None)
            await settle(io_loop)
            near.close()
            assert isinstance((await failure(write)).real_error, ConnectionError)

    async def test_a_stream_says_who_is_at_the_other_end(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.set_nodelay(True)
            assert isinstance(near.info, StreamInfo)
            assert isinstance(far.info, StreamInfo)
