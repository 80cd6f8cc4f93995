"""PipeIOStream: one pipe, two pipes, and descriptors of other kinds."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import PipeIOStream, StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eyewall.ioloop import IOLoop

pytestmark = pytest.mark.needs("sockets")


@pytest.fixture
def pipe(io_loop: IOLoop) -> Iterator[tuple[PipeIOStream, PipeIOStream]]:
    """The end to read from, and the end to write to."""
    reading, writing = (PipeIOStream(fd, io_loop=io_loop) for fd in os.pipe())
    yield reading, writing
    reading.close()
    writing.close()


async def test_what_is_written_at_one_end_is_read_at_the_other(pipe: tuple[PipeIOStream, PipeIOStream]) -> None:
    reading, writing = pipe
    await writing.write(b"hel")
    await writing.write(b"lo")
    assert await reading.read_until(b"lo") == b"hello"
    writing.close()
    assert await reading.read_until_close() == b""


async def test_more_than_a_pipe_holds_goes_through(pipe: tuple[PipeIOStream, PipeIOStream]) -> None:
    reading, writing = pipe
    write = writing.write(b"1" * 1_000_000, b"2" * 1_000_000)
    assert await reading.read_bytes(2_000_000) == b"1" * 1_000_000 + b"2" * 1_000_000
    await write


async def test_the_descriptor_is_known_until_it_is_closed(io_loop: IOLoop) -> None:
    fd, other = os.pipe()
    stream = PipeIOStream(fd, io_loop=io_loop)
    assert (stream.fd, stream.fileno()) == (fd, fd)
    stream.close()
    assert (stream.fd, stream.fileno()) == (-1, -1)
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(fd)
    os.close(other)


async def test_an_idle_writer_is_told_when_nobody_reads_any_more(
    io_loop: IOLoop, pipe: tuple[PipeIOStream, PipeIOStream]
) -> None:
    reading, writing = pipe
    closed = io_loop.create_future()
    writing.set_close_callback(lambda: closed.set_result(None))
    reading.close()
    await closed
    assert isinstance(writing.error, BrokenPipeError)


async def test_ending_a_pipe_that_is_only_written_closes_it_when_all_has_gone(
    pipe: tuple[PipeIOStream, PipeIOStream],
) -> None:
    reading, writing = pipe
    write = writing.write(bytes(500_000))
    writing.shutdown_write()
    assert not writing.closed()
    assert len(await reading.read_until_close()) == 500_000
    await write
    assert writing.closed()
    assert writing.error is None


async def test_reading_from_the_writing_end_is_an_error(pipe: tuple[PipeIOStream, PipeIOStream]) -> None:
    _, writing = pipe
    with pytest.raises(StreamClosedError) as caught:
        await writing.read_bytes(1)
    assert isinstance(caught.value.real_error, OSError)
    assert caught.value.real_error.errno == errno.EBADF


async def test_writing_to_the_reading_end_is_an_error(pipe: tuple[PipeIOStream, PipeIOStream]) -> None:
    reading, _ = pipe
    with pytest.raises(StreamClosedError) as caught:
        await reading.write(b"x")
    assert isinstance(caught.value.real_error, OSError)
    assert caught.value.real_error.errno == errno.EBADF


async def test_a_process_is_talked_to_over_its_standard_streams(io_loop: IOLoop) -> None:
    program = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)\nprint('bye')"
    process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        stream = PipeIOStream(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()), io_loop=io_loop)
    async with stream:
        await stream.write(b"hello\n")
        assert await stream.read_until(b"\n") == b"HELLO\n"
        stream.set_eof_callback(lambda: None)
        stream.shutdown_write()
        assert await stream.read_until_close() == b"bye\n"
    assert process.wait() == 0


async def test_a_named_pipe_that_goes_both_ways_has_no_half_to_close(io_loop: IOLoop, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    stream = PipeIOStream(os.open(path, os.O_RDWR), io_loop=io_loop)
    await stream.write(b"to myself\n")
    assert await stream.read_until(b"\n") == b"to myself\n"
    stream.shutdown_write()
    assert stream.closed()
    assert "no half to close" in str(stream.error)


async def test_a_descriptor_that_is_closed_already_is_refused(io_loop: IOLoop) -> None:
    fd, other = os.pipe()
    os.close(fd)
    os.close(other)
    with pytest.raises(OSError, match="descriptor"):
        PipeIOStream(fd, io_loop=io_loop)
