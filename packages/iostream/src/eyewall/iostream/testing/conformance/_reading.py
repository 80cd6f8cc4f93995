"""Reads: what each kind gives, one at a time, and what a cancelled one leaves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ...errors import UnsatisfiableReadError
from ._pairs import StreamPairs, call, failure, over, pattern, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future

    from ...protocols import Stream

    Read = Callable[[Stream], Future[bytes]]

_WAITING_READS: list[Read] = [
    lambda stream: stream.read_bytes(6),
    lambda stream: stream.read_bytes(6, partial=True),
    lambda stream: stream.read_until(b"\n"),
    lambda stream: stream.read_until_regex(rb"\r?\n"),
    lambda stream: stream.read_until_close(),
]
each_read = pytest.mark.parametrize(
    "read",
    _WAITING_READS,
    ids=["read_bytes", "read_bytes_partial", "read_until", "read_until_regex", "read_until_close"],
)


class ReadingConformance(StreamPairs):
    """The promises of reading."""

    async def test_read_bytes_gives_exactly_as_many(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"abcdefgh")
            assert [await far.read_bytes(3), await far.read_bytes(5)] == [b"abc", b"defgh"]

    async def test_read_bytes_waits_for_the_last_of_them(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_bytes(4)
            near.write_nowait(b"abc")
            await settle(io_loop)
            assert not read.done()
            near.write_nowait(b"de")
            assert await read == b"abcd"
            assert await far.read_bytes(1) == b"e"

    async def test_reading_no_bytes_gives_none_at_once(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            assert await far.read_bytes(0) == b""

    async def test_a_negative_number_of_bytes_is_refused(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            with pytest.raises(ValueError, match="-1"):
                far.read_bytes(-1)

    async def test_a_partial_read_gives_one_byte_or_more_and_never_more_than_asked(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_bytes(3, partial=True)
            near.write_nowait(b"abcdef")
            got = await read
            while len(got) < 6:
                chunk = await far.read_bytes(3, partial=True)
                assert 1 <= len(chunk) <= 3
                got += chunk
            assert got == b"abcdef"

    async def test_read_until_gives_all_with_the_delimiter(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"one\r\ntwo\r\nrest")
            assert await far.read_until(b"\r\n") == b"one\r\n"
            assert await far.read_until(b"\r\n") == b"two\r\n"
            assert await far.read_bytes(4) == b"rest"

    async def test_a_delimiter_may_come_in_pieces(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until(b"\r\n\r\n")
            for piece in (b"head\r", b"\n\r", b"\r\n", b"\r", b"\nbody"):
                near.write_nowait(piece)
                await settle(io_loop, 5)
            assert await read == b"head\r\n\r\r\n\r\n"
            assert await far.read_bytes(4) == b"body"

    async def test_an_empty_delimiter_is_refused(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            with pytest.raises(ValueError, match="delimiter"):
                far.read_until(b"")

    async def test_max_bytes_counts_the_delimiter_and_nothing_after_it(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"abc\n" + b"x" * 100)
            assert await far.read_until(b"\n", max_bytes=4) == b"abc\n"

    @pytest.mark.parametrize("sent", [b"abcd\n", b"abcdefgh", b"abcd"])
    async def test_no_delimiter_within_max_bytes_closes_the_stream(self, io_loop: EventLoop, sent: bytes) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until(b"\n", max_bytes=4)
            near.write_nowait(sent)
            error = await failure(read)
            assert isinstance(error.real_error, UnsatisfiableReadError)
            assert far.closed()

    async def test_no_delimiter_within_max_bytes_of_what_is_buffered_closes_too(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"abcdefgh")
            far.unread(await far.read_bytes(8))
            error = await failure(call(far.read_until, b"\n", max_bytes=4))
            assert isinstance(error.real_error, UnsatisfiableReadError)
            assert far.closed()

    async def test_read_until_regex_gives_all_with_the_first_match(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"one\r\ntwo\nrest")
            assert await far.read_until_regex(rb"\r?\n") == b"one\r\n"
            assert await far.read_until_regex(re.compile(rb"\r?\n")) == b"two\n"
            assert await far.read_bytes(4) == b"rest"

    async def test_a_match_may_come_in_pieces(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until_regex(rb"[0-9]+;")
            for piece in (b"n=", b"1", b"2", b"3;;"):
                near.write_nowait(piece)
                await settle(io_loop, 5)
            assert await read == b"n=123;"
            assert await far.read_bytes(1) == b";"

    async def test_max_bytes_counts_the_match_and_nothing_after_it(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"abc\n" + b"x" * 100)
            far.unread(await far.read_bytes(104))
            assert await far.read_until_regex(rb"\n", max_bytes=4) == b"abc\n"

    @pytest.mark.parametrize("sent", [b"abcd\n", b"abcdefgh"])
    async def test_no_match_within_max_bytes_closes_the_stream(self, io_loop: EventLoop, sent: bytes) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until_regex(rb"\n", max_bytes=4)
            near.write_nowait(sent)
            assert isinstance((await failure(read)).real_error, UnsatisfiableReadError)
            assert far.closed()

    async def test_an_expression_that_is_none_is_refused(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            with pytest.raises(re.error):
                far.read_until_regex(rb"(")
            assert not far.reading()

    async def test_read_until_close_gives_all(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            read = far.read_until_close()
            near.write_nowait(b"one, ")
            await settle(io_loop)
            await near.write(b"two")
            near.close()
            assert await read == b"one, two"

    @each_read
    async def test_a_read_begins_at_the_call(self, io_loop: EventLoop, read: Read) -> None:
        async with self.pair(io_loop) as (near, far):
            waiting = read(far)
            near.write_nowait(b"hello\n")
            near.shutdown_write()
            done: list[Future[bytes]] = []
            waiting.add_done_callback(done.append)
            while not done:
                await settle(io_loop, 1)
            assert done == [waiting]
            got = waiting.result()
            assert got
            assert b"hello\n".startswith(got)

    @each_read
    async def test_a_second_read_is_refused_while_one_waits(self, io_loop: EventLoop, read: Read) -> None:
        async with self.pair(io_loop) as (near, far):
            first = read(far)
            with pytest.raises(RuntimeError, match="one read at a time"):
                read(far)
            with pytest.raises(RuntimeError, match="one read at a time"):
                far.readable()
            near.write_nowait(b"hello\n")
            near.shutdown_write()
            assert await first

    async def test_a_read_is_refused_while_readable_waits(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            waiting = far.readable()
            with pytest.raises(RuntimeError, match="one read at a time"):
                far.read_bytes(1)
            near.write_nowait(b"x")
            await waiting
            assert await far.read_bytes(1) == b"x"

    async def test_readable_waits_until_read_nowait_has_something(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            assert far.read_nowait() == b""
            waiting = far.readable()
            await settle(io_loop)
            assert not waiting.done()
            near.write_nowait(b"abc")
            await waiting
            got = far.read_nowait()
            while len(got) < 3:
                await far.readable()
                got += far.read_nowait()
            assert (got, far.read_nowait()) == (b"abc", b"")

    async def test_readable_is_done_at_once_where_bytes_are_left(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"line\nrest")
            await far.read_until(b"\n")
            far.unread(b"more ")
            assert far.readable().done()

    async def test_what_comes_is_taken_for_as_long_as_the_taker_likes(self, io_loop: EventLoop) -> None:
        taken: list[bytes] = []

        def take(data: bytes) -> bool:
            taken.append(data)
            return b"".join(taken) != b"abcdef"

        async with self.pair(io_loop) as (near, far):
            waiting = far.readable(take=take)
            near.write_nowait(b"abc")
            await settle(io_loop)
            assert not waiting.done()
            near.write_nowait(b"def")
            await waiting
            assert b"".join(taken) == b"abcdef"
            near.write_nowait(b"more")
            assert await far.read_bytes(4) == b"more"

    async def test_whoever_takes_what_comes_may_begin_to_read(self, io_loop: EventLoop) -> None:
        reads: list[Future[bytes]] = []

        async with self.pair(io_loop) as (near, far):

            def take(data: bytes) -> bool:
                far.unread(data)
                reads.append(far.read_bytes(6))
                return False

            waiting = far.readable(take=take)
            near.write_nowait(b"abc")
            await waiting
            near.write_nowait(b"def")
            assert await reads[0] == b"abcdef"

    async def test_whoever_takes_what_comes_may_close(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):

            def take(_: bytes) -> bool:
                far.close()
                return True

            waiting = far.readable(take=take)
            near.write_nowait(b"abc")
            assert (await failure(waiting)).real_error is None

    async def test_what_is_there_already_is_not_taken(self, io_loop: EventLoop) -> None:
        taken: list[bytes] = []

        def take(data: bytes) -> bool:
            taken.append(data)
            return False

        async with self.pair(io_loop) as (_, far):
            far.unread(b"abc")
            await far.readable(take=take)
            assert (taken, far.read_nowait()) == ([], b"abc")

    async def test_what_is_unread_comes_first(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"GET / HTTP")
            head = await far.read_bytes(5)
            far.unread(head)
            far.unread(b"PROXY ")
            assert await far.read_bytes(16) == b"PROXY GET / HTTP"

    async def test_what_is_unread_can_end_a_read_that_waits(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"c\n")
            await far.readable()
            read = far.read_until(b"\n!")
            await settle(io_loop)
            far.unread(b"ab\n!")
            assert await read == b"ab\n!"
            assert await far.read_bytes(2) == b"c\n"

    async def test_what_is_unread_wakes_readable(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            waiting = far.readable()
            far.unread(b"abc")
            await waiting
            assert far.read_nowait() == b"abc"

    async def test_all_kinds_of_read_take_turns(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"head\n12345rest of it")
            near.shutdown_write()
            assert await far.read_until(b"\n") == b"head\n"
            assert await far.read_bytes(5) == b"12345"
            await far.readable()
            start = far.read_nowait()
            assert start + await far.read_until_close() == b"rest of it"

    async def test_bytes_that_nobody_reads_are_taken_up_to_a_bound(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            far.set_close_callback(lambda: None)
            near.write_nowait(bytes(self.plenty))
            await settle(io_loop)
            assert len(far.read_nowait()) <= self.read_ahead

    async def test_reading_goes_on_after_it_has_paused(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty)
            far.set_close_callback(lambda: None)
            near.write_nowait(sent)
            await settle(io_loop)
            assert await far.read_bytes(1) == sent[:1]
            assert await far.read_bytes(len(sent) - 1) == sent[1:]

    @each_read
    async def test_a_cancelled_read_loses_no_bytes(self, io_loop: EventLoop, read: Read) -> None:
        async with self.pair(io_loop) as (near, far):

            async def wait() -> None:
                await read(far)

            task = io_loop.spawn(wait())
            await settle(io_loop, 2)
            task.cancel()
            await over(io_loop, task)
            near.write_nowait(b"hello\n")
            assert await far.read_until(b"\n") == b"hello\n"

    @each_read
    async def test_a_read_cancelled_as_its_bytes_arrive_loses_none(self, io_loop: EventLoop, read: Read) -> None:
        async with self.pair(io_loop) as (near, far):
            waiting = read(far)
            # Before the task's own callback, so that it is cancelled between the answer and its next step.
            waiting.add_done_callback(lambda _: task.cancel())
            got: list[bytes] = []

            async def wait() -> None:
                got.append(await waiting)

            task = io_loop.spawn(wait())
            await settle(io_loop, 2)
            near.write_nowait(b"hello\n")
            near.shutdown_write()
            await over(io_loop, task)
            assert b"".join(got) + await far.read_until_close() == b"hello\n"

    @each_read
    async def test_a_read_whose_scope_ends_as_its_bytes_arrive_loses_none(self, io_loop: EventLoop, read: Read) -> None:
        async with self.pair(io_loop) as (near, far):
            got = b""
            with io_loop.cancel_scope() as scope:
                waiting = read(far)
                waiting.add_done_callback(lambda _: scope.cancel())
                near.write_nowait(b"hello\n")
                near.shutdown_write()
                got = await waiting
            assert got + await far.read_until_close() == b"hello\n"

    async def test_a_cancelled_wait_for_bytes_leaves_the_stream_fit_for_a_read(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            with io_loop.cancel_scope() as scope:
                scope.cancel()
                await far.readable()
            assert scope.cancelled_caught
            read = far.read_bytes(5)
            near.write_nowait(b"hello")
            assert await read == b"hello"

    async def test_a_cancelled_read_leaves_the_stream_fit_for_a_wait(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            with io_loop.cancel_scope() as scope:
                scope.cancel()
                await far.read_bytes(5)
            assert scope.cancelled_caught
            waiting = far.readable()
            near.write_nowait(b"h")
            await waiting
            assert far.read_nowait() == b"h"
