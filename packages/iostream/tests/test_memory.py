"""What a test can choose about memory streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import StreamBufferFullError, StreamClosedError, StreamInfo, TLSInfo
from eyewall.iostream.testing import MemoryStream, memory_streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream


async def chunks(stream: MemoryStream) -> list[bytes]:
    """Give what each turn of the loop brings."""
    found: list[bytes] = []
    try:
        while True:
            await stream.readable()
            found.append(stream.read_nowait())
    except StreamClosedError:
        return found


async def test_chunk_size_bounds_what_arrives_at_a_time(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, chunk_size=4)
    near.write_nowait(b"abcdefghij")
    near.close()
    assert b"".join(found := await chunks(far)) == b"abcdefghij"
    assert max(map(len, found)) <= 4


async def test_capacity_bounds_what_a_write_takes(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, capacity=4)
    write = near.write(b"abcdefghij")
    assert not write.done()
    assert await far.read_bytes(10) == b"abcdefghij"
    await write
    near.close()


@pytest.mark.parametrize(("chunk_size", "capacity"), [(0, 1), (1, 0), (-1, 1)])
async def test_sizes_below_one_are_refused(io_loop: IOLoop, chunk_size: int, capacity: int) -> None:
    with pytest.raises(ValueError, match=f"chunk_size {chunk_size} and capacity {capacity} must be 1 or more"):
        memory_streams(io_loop, chunk_size=chunk_size, capacity=capacity)


async def test_the_far_end_is_told_who_its_peer_is(io_loop: IOLoop) -> None:
    tls = TLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", None, None)
    near, far = memory_streams(io_loop, address=("198.51.100.7", 80), tls=tls)
    assert far.info == StreamInfo(("198.51.100.7", 80), tls)
    assert near.info == StreamInfo()


async def test_a_reset_reaches_whoever_reads_and_whoever_writes(io_loop: IOLoop) -> None:
    acts: list[Callable[[Stream], Awaitable[object]]] = [
        lambda stream: stream.read_bytes(1),
        lambda stream: stream.write(b"x"),
    ]
    for act in acts:
        near, far = memory_streams(io_loop)
        near.write_nowait(b"lost")
        near.reset()
        assert near.closed()
        with pytest.raises(StreamClosedError) as caught:
            await act(far)
        assert isinstance(caught.value.real_error, ConnectionResetError)
        assert far.closed()


async def test_the_limits_of_a_stream_can_be_chosen(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, max_buffer_size=100, read_chunk_size=10, max_write_buffer_size=300)
    with pytest.raises(StreamBufferFullError):
        near.write_nowait(bytes(301))
    near.write_nowait(bytes(300))
    with pytest.raises(StreamClosedError) as caught:
        await far.read_until(b"\n")
    assert isinstance(caught.value.real_error, StreamBufferFullError)
    near.close()
