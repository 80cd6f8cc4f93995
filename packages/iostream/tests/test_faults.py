"""Each error of a transport, where it arises: which are waited out, which end the stream, and with what."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import Delay, Faults, memory_streams, random_faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyewall.ioloop import Future, IOLoop
    from eyewall.iostream import Stream

TEMPORARY = [BlockingIOError(errno.EAGAIN, "not now"), InterruptedError(errno.EINTR, "a signal came")]
ids = [type(error).__name__ for error in TEMPORARY]
NO_BUFFERS = OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
FATAL = [
    ConnectionResetError(errno.ECONNRESET, "reset"),
    BrokenPipeError(errno.EPIPE, "broken pipe"),
    TimeoutError(errno.ETIMEDOUT, "no acknowledgement came"),
    OSError(errno.EHOSTUNREACH, "unreachable"),
]
fatal = pytest.mark.parametrize("error", FATAL, ids=lambda error: errno.errorcode[error.errno])


@pytest.mark.parametrize("error", TEMPORARY, ids=ids)
async def test_a_receive_that_fails_for_now_is_tried_again(io_loop: IOLoop, error: OSError) -> None:
    near, far = memory_streams(io_loop, far_faults=Faults(receive=[error, 2, error, error, 1]))
    near.write_nowait(b"hello\n")
    assert await far.read_until(b"\n") == b"hello\n"


@pytest.mark.parametrize("error", TEMPORARY, ids=ids)
async def test_a_send_that_fails_for_now_is_tried_again(io_loop: IOLoop, error: OSError) -> None:
    near, far = memory_streams(io_loop, near_faults=Faults(send=[error, 2, error, error, 1]))
    write = near.write(b"hello\n")
    assert near.writing()
    assert await far.read_until(b"\n") == b"hello\n"
    await write


@pytest.mark.parametrize("sends", [[NO_BUFFERS], [2, NO_BUFFERS, 1, NO_BUFFERS]], ids=["at once", "later"])
def test_a_kernel_without_buffers_is_given_time(sends: list[int | OSError]) -> None:
    with SimulatedLoop() as io_loop:
        near, far = memory_streams(io_loop, near_faults=Faults(send=sends))
        write = near.write(b"hello\n")
        assert not write.done()

        async def read() -> bytes:
            return await far.read_until(b"\n")

        assert io_loop.run(read) == b"hello\n"
        assert write.done()
        # It was not asked again at once: a descriptor without buffers is called writable all the time.
        assert io_loop.time() >= 0.05


async def test_a_stream_can_be_closed_while_it_waits_for_the_kernels_buffers(io_loop: IOLoop) -> None:
    near, _ = memory_streams(io_loop, near_faults=Faults(send=[NO_BUFFERS]))
    write = near.write(b"hello\n")
    near.close()
    with pytest.raises(StreamClosedError):
        await write


@fatal
async def test_an_error_of_receive_fails_the_read_and_closes(io_loop: IOLoop, error: OSError) -> None:
    near, far = memory_streams(io_loop, far_faults=Faults(receive=[3, error]))
    near.write_nowait(b"hello\n")
    with pytest.raises(StreamClosedError) as caught:
        await far.read_until(b"\n")
    assert caught.value.real_error is error
    assert far.error is error
    assert far.read_nowait() == b"hel"


@fatal
async def test_an_error_of_send_fails_all_writers_and_closes(io_loop: IOLoop, error: OSError) -> None:
    near, _ = memory_streams(io_loop, near_faults=Faults(send=[3, error]))
    writes = [near.write(b"hello\n"), near.write(b"more\n"), near.drained()]
    for write in writes[:2]:
        with pytest.raises(StreamClosedError) as caught:
            await write
        assert caught.value.real_error is error
    assert near.closed()


@fatal
async def test_an_error_of_the_very_first_send_fails_the_write(io_loop: IOLoop, error: OSError) -> None:
    near, _ = memory_streams(io_loop, near_faults=Faults(send=[error]))
    with pytest.raises(StreamClosedError) as caught:
        await near.write(b"hello\n")
    assert caught.value.real_error is error


@pytest.mark.parametrize("waiting", [False, True], ids=["read later", "read waits"])
async def test_what_the_peer_said_before_it_went_can_be_read_after_a_failed_write(
    io_loop: IOLoop, waiting: bool
) -> None:
    near, far = memory_streams(io_loop, near_faults=Faults(send=[BrokenPipeError()]))
    reading = near.read_until(b"\n") if waiting else None
    far.write_nowait(b"413 too much\n")
    with pytest.raises(StreamClosedError):
        await near.write(b"a large request")
    assert await (reading or near.read_until(b"\n")) == b"413 too much\n"
    assert isinstance(near.error, BrokenPipeError)


def test_a_delay_passes_on_the_loops_clock() -> None:
    with SimulatedLoop() as io_loop:
        near, far = memory_streams(
            io_loop, near_faults=Faults(send=[Delay(60)]), far_faults=Faults(receive=[1, Delay(3600)])
        )

        async def main() -> bytes:
            near.write_nowait(b"ab")
            return await far.read_bytes(2)

        assert io_loop.run(main) == b"ab"
        assert io_loop.time() == pytest.approx(3660)


async def test_short_sends_keep_the_order_of_many_buffers(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop, near_faults=Faults(send=[1, 2, 1, 3] * 5))
    for number in range(10):
        near.write_nowait(b"%d" % number, b",")
    near.shutdown_write()
    assert await far.read_until_close() == b"0,1,2,3,4,5,6,7,8,9,"


def test_the_same_seed_draws_the_same_faults_and_another_draws_others() -> None:
    def drawn(seed: int) -> str:
        return repr(random_faults(seed))

    assert drawn(1) == drawn(1)
    assert len({drawn(seed) for seed in range(20)}) == 20


OPERATIONS: list[Callable[[Stream], Future[object]]] = [
    lambda stream: stream.read_bytes(5),
    lambda stream: stream.read_bytes(5, partial=True),
    lambda stream: stream.read_until(b"\n"),
    lambda stream: stream.read_until_regex(b"\n"),
    lambda stream: stream.read_into(bytearray(5)),
    lambda stream: stream.readable(),
]


@pytest.mark.parametrize("operation", OPERATIONS)
@fatal
async def test_every_read_is_woken_by_an_error(
    io_loop: IOLoop, operation: Callable[[Stream], Future[object]], error: OSError
) -> None:
    near, far = memory_streams(io_loop, far_faults=Faults(receive=[error]))
    waiting = operation(far)
    near.write_nowait(b"x")
    with pytest.raises(StreamClosedError) as caught:
        await waiting
    assert caught.value.real_error is error


async def test_a_file_that_cannot_be_read_closes_the_stream(
    io_loop: IOLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = OSError(errno.EIO, os.strerror(errno.EIO))

    def fail(fd: int, size: int, offset: int) -> bytes:
        raise broken

    path = tmp_path / "file"
    path.write_bytes(b"abc")
    near, _ = memory_streams(io_loop)
    monkeypatch.setattr(os, "pread", fail)
    with path.open("rb") as file, pytest.raises(StreamClosedError) as caught:
        await near.send_file(file)
    assert caught.value.real_error is broken
    assert near.closed()
