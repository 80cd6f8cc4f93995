"""Deadlines: the operation fails, and the stream goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..._limits import HIGH_WATER_MARK
from ...errors import StreamTimeoutError
from ._files import fill
from ._pairs import StreamPairs, pattern, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyewall.ioloop import EventLoop, Future

    from ...protocols import Stream

    Wait = Callable[[Stream, float], Future[Any]]

_READS: dict[str, Wait] = {
    "read_bytes": lambda stream, when: stream.read_bytes(100, deadline=when),
    "read_until": lambda stream, when: stream.read_until(b"\n", deadline=when),
    "read_until_regex": lambda stream, when: stream.read_until_regex(rb"\r?\n", deadline=when),
    "read_until_close": lambda stream, when: stream.read_until_close(deadline=when),
}
_EMPTY_READS: dict[str, Wait] = {
    **_READS,
    "read_into": lambda stream, when: stream.read_into(bytearray(100), deadline=when),
    "readable": lambda stream, when: stream.readable(deadline=when),
}
_WRITES: dict[str, Wait] = {
    "write": lambda stream, when: stream.write(b"last", deadline=when),
    "drained": lambda stream, when: stream.drained(deadline=when),
}


class DeadlineConformance(StreamPairs):
    """The promises about deadlines."""

    @pytest.mark.parametrize("name", _EMPTY_READS)
    async def test_a_late_read_fails_with_a_timeout_that_names_it(self, io_loop: EventLoop, name: str) -> None:
        async with self.pair(io_loop) as (_, far):
            with pytest.raises(TimeoutError, match=name) as caught:
                await _EMPTY_READS[name](far, io_loop.time())
            assert isinstance(caught.value, StreamTimeoutError)
            assert (far.closed(), far.reading()) == (False, False)

    @pytest.mark.parametrize("name", _READS)
    async def test_a_late_read_leaves_what_came_for_the_next(self, io_loop: EventLoop, name: str) -> None:
        async with self.pair(io_loop) as (near, far):
            near.write_nowait(b"abc")
            far.unread(await far.read_bytes(3))
            with pytest.raises(StreamTimeoutError):
                await _READS[name](far, io_loop.time())
            near.write_nowait(b"def\n")
            assert await far.read_until(b"\n") == b"abcdef\n"

    @pytest.mark.parametrize("name", _EMPTY_READS)
    async def test_a_read_that_is_in_time_is_not_disturbed(self, io_loop: EventLoop, name: str) -> None:
        async with self.pair(io_loop) as (near, far):
            reading = _EMPTY_READS[name](far, io_loop.time() + 3600)
            near.write_nowait(bytes(100) + b"\n")
            near.shutdown_write()
            await reading
            assert not far.reading()

    async def test_a_read_of_what_is_there_needs_no_time(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (_, far):
            far.unread(b"abc")
            assert await far.read_bytes(3, deadline=io_loop.time() - 1) == b"abc"

    @pytest.mark.parametrize("name", _WRITES)
    async def test_a_late_write_fails_and_its_bytes_still_go(self, io_loop: EventLoop, name: str) -> None:
        async with self.pair(io_loop) as (near, far):
            sent = pattern(self.plenty + (HIGH_WATER_MARK if name == "drained" else 0))
            near.write_nowait(sent)
            with pytest.raises(StreamTimeoutError, match=name):
                await _WRITES[name](near, io_loop.time())
            assert near.writing()
            assert await far.read_bytes(len(sent)) == sent
            if name == "write":
                assert await far.read_bytes(4) == b"last"

    async def test_a_late_send_file_fails_and_its_bytes_still_go(self, io_loop: EventLoop, tmp_path: Path) -> None:
        path = tmp_path / "file"
        sent = fill(path, self.plenty)
        async with self.pair(io_loop) as (near, far):
            with path.open("rb") as file, pytest.raises(StreamTimeoutError, match="send_file"):
                await near.send_file(file, deadline=io_loop.time())
            assert await far.read_bytes(len(sent)) == sent

    async def test_the_end_comes_before_a_deadline_that_is_far(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, far):
            reading = far.read_bytes(1, deadline=io_loop.time() + 3600)
            near.close()
            await settle(io_loop)
            while not reading.done():
                await settle(io_loop, 1)
            assert not isinstance(reading.exception(), TimeoutError)
