"""How much a stream asks for at a time, and what a stream that has nothing holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop import WRITE
from eyewall.iostream import BaseIOStream, StreamClosedError
from eyewall.iostream.testing import Faults, memory_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyewall.ioloop import EventLoop, IOLoop
    from eyewall.iostream import Buffer


class Fountain:
    """A transport that always has as many bytes at hand as it is asked for; it notes the sizes."""

    buffered = True
    unsent = False

    def __init__(self) -> None:
        self.asked: list[int] = []

    def receive(self, num_bytes: int, /) -> bytes:
        self.asked.append(num_bytes)
        return bytes(num_bytes)

    def send(self, data: Buffer, /) -> int:
        return len(data)

    def send_many(self, buffers: Sequence[Buffer], /) -> int:
        return sum(map(len, buffers))

    def flush(self) -> None:
        pass

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        pass

    def shutdown_write(self) -> None:
        pass

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        pass


async def test_four_chunks_are_asked_for_where_one_came_in_full_and_somebody_waits(io_loop: IOLoop) -> None:
    fountain = Fountain()
    stream = BaseIOStream(fountain, io_loop=io_loop, read_chunk_size=1000, max_buffer_size=100_000)
    assert len(await stream.read_bytes(20_000)) == 20_000
    assert fountain.asked[:2] == [1000, 4000]
    assert max(fountain.asked) == 4000
    stream.close()


async def test_no_more_than_half_of_max_buffer_size_is_asked_for(io_loop: IOLoop) -> None:
    fountain = Fountain()
    stream = BaseIOStream(fountain, io_loop=io_loop, read_chunk_size=1000, max_buffer_size=4000)
    for _ in range(5):
        assert len(await stream.read_bytes(3000)) == 3000
    assert max(fountain.asked) == 2000
    stream.close()


class Drain(Fountain):
    """A transport that takes all it is given, and notes what it was given in each turn of the loop."""

    def __init__(self, io_loop: EventLoop) -> None:
        super().__init__()
        self.io_loop = io_loop
        self.turns = [0]
        self.busy = False

    @property
    def buffered(self) -> bool:  # type: ignore[override] # this one has nothing to read
        return False

    def send(self, data: Buffer, /) -> int:
        taken = min(len(data), 100_000)
        self.turns[-1] += taken
        return taken

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        self.busy = bool(events & WRITE)
        if self.busy:
            io_loop.add_callback(self.fire, handler)

    def fire(self, handler: Callable[[object, int], None]) -> None:
        if self.busy:
            self.turns.append(0)
            handler(None, WRITE)
            self.io_loop.add_callback(self.fire, handler)


async def test_a_peer_that_takes_all_at_once_gets_a_bounded_part_in_each_turn(io_loop: IOLoop) -> None:
    drain = Drain(io_loop)
    stream = BaseIOStream(drain, io_loop=io_loop)
    await stream.write(bytes(10_000_000))
    assert sum(drain.turns) == 10_000_000
    assert max(drain.turns) <= 1024 * 1024 + 100_000
    stream.close()


async def test_a_stream_that_was_read_to_its_last_byte_holds_no_buffer(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, far_faults=Faults(receive=[5, 5, 5]))
    near.write_nowait(b"one\ntwo\nthree\n")
    for line in (b"one\n", b"two\n", b"three\n"):
        assert await far.read_until(b"\n") == line
    assert far._buffer is b""  # noqa: F632 - not another, empty one that is as large as what it has held
    near.close()


async def test_a_stream_that_has_sent_all_holds_no_queue(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, capacity=10)
    write = near.write(bytes(1000))
    assert near.unsent == 990
    await far.read_bytes(1000)
    await write
    assert near.unsent == 0
    assert near._unsent is None
    near.close()


async def test_what_was_read_ahead_outlives_the_stream(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    near.write_nowait(b"one\ntwo\n")
    assert await far.read_until(b"\n") == b"one\n"
    far.close(ZeroDivisionError())
    assert await far.read_until(b"\n") == b"two\n"
    with pytest.raises(StreamClosedError) as caught:
        await far.read_bytes(1)
    assert isinstance(caught.value.real_error, ZeroDivisionError)
