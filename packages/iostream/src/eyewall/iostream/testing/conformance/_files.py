"""send_file: the bytes, their order among others, and the file's own life."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from ...errors import StreamClosedError
from ._pairs import StreamPairs, failure, pattern, settle

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import EventLoop


class FilesConformance(StreamPairs):
    """The promises of ``send_file``."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "file"
        path.write_bytes(pattern(1000))
        return path

    async def test_a_file_is_sent_whole_and_its_size_given(self, io_loop: EventLoop, path: Path) -> None:
        async with self.pair(io_loop) as (near, far):
            with path.open("rb") as file:
                sending = near.send_file(file)
                assert await far.read_bytes(1000) == pattern(1000)
                assert await sending == 1000
                assert file.tell() == 0

    async def test_a_file_larger_than_all_buffers_is_sent_whole(self, io_loop: EventLoop, path: Path) -> None:
        sent = fill(path, self.plenty)
        async with self.pair(io_loop) as (near, far):
            with path.open("rb") as file:
                sending = near.send_file(file)
                await settle(io_loop)
                assert not sending.done()
                assert near.writing()
                assert await far.read_bytes(len(sent)) == sent
                assert await sending == len(sent)

    @pytest.mark.parametrize(
        ("offset", "count", "expected"),
        [(0, 10, (0, 10)), (990, 10, (990, 1000)), (990, None, (990, 1000)), (990, 99, (990, 1000)), (5, 1, (5, 6))],
    )
    async def test_a_part_of_a_file_is_sent_as_far_as_it_goes(
        self, io_loop: EventLoop, path: Path, offset: int, count: int | None, expected: tuple[int, int]
    ) -> None:
        async with self.pair(io_loop) as (near, far):
            with path.open("rb") as file:
                sending = near.send_file(file, offset, count)
            near.shutdown_write()
            part = pattern(1000)[slice(*expected)]
            assert await far.read_until_close() == part
            assert await sending == len(part)

    @pytest.mark.parametrize(("offset", "count"), [(1000, None), (2000, 5), (0, 0)])
    async def test_where_there_is_nothing_to_send_it_is_done_at_once(
        self, io_loop: EventLoop, path: Path, offset: int, count: int | None
    ) -> None:
        async with self.pair(io_loop) as (near, _):
            with path.open("rb") as file:
                assert near.send_file(file, offset, count).result() == 0
            assert not near.writing()

    async def test_files_and_writes_leave_in_the_order_of_the_calls(self, io_loop: EventLoop, path: Path) -> None:
        async with self.pair(io_loop) as (near, far):
            before = pattern(self.plenty)
            near.write_nowait(before)
            with path.open("rb") as file:
                near.write_nowait(b"head")
                first = near.send_file(file, count=600)
                near.write_nowait(b"between", b"two")
                second = near.send_file(file.fileno(), 600)
            tail = near.write(b"tail")
            near.shutdown_write()
            expected = before + b"head" + pattern(1000)[:600] + b"betweentwo" + pattern(1000)[600:] + b"tail"
            assert await far.read_until_close() == expected
            assert (await first, await second) == (600, 400)
            await tail

    async def test_a_file_may_be_closed_as_soon_as_the_call_has_returned(self, io_loop: EventLoop, path: Path) -> None:
        sent = fill(path, self.plenty)
        async with self.pair(io_loop) as (near, far):
            with path.open("rb") as file:
                sending = near.send_file(file)
            with (path.parent / "other").open("wb+") as other:  # may get the number that has become free
                other.write(bytes(self.plenty))
                assert await far.read_bytes(len(sent)) == sent
                assert await sending == len(sent)

    async def test_a_file_that_is_cut_while_it_is_sent_gives_what_there_was(
        self, io_loop: EventLoop, path: Path
    ) -> None:
        sent = fill(path, 2 * self.plenty)
        async with self.pair(io_loop) as (near, far):
            with path.open("rb+") as file:
                sending = near.send_file(file)
                near.write_nowait(b"tail")
                near.shutdown_write()
                file.truncate(self.plenty)
                got = await far.read_until_close()
            assert got.endswith(b"tail")
            assert got[:-4] == sent[: await sending]
            assert len(got) - 4 <= self.plenty + 128 * 1024

    async def test_what_is_no_regular_file_is_refused(self, io_loop: EventLoop) -> None:
        async with self.pair(io_loop) as (near, _):
            reading, writing = os.pipe()
            with open(reading, "rb") as pipe, pytest.raises(ValueError, match="not a regular file"):  # noqa: ASYNC230
                near.send_file(pipe)
            os.close(writing)
            with pytest.raises(ValueError, match="no descriptor"):
                near.send_file(io.BytesIO(b"abc"))
            assert not near.closed()

    @pytest.mark.parametrize(("offset", "count"), [(-1, None), (0, -1)])
    async def test_negative_sizes_are_refused(
        self, io_loop: EventLoop, path: Path, offset: int, count: int | None
    ) -> None:
        async with self.pair(io_loop) as (near, _):
            with path.open("rb") as file, pytest.raises(ValueError, match="-1"):
                near.send_file(file, offset, count)

    async def test_a_closed_stream_refuses_a_file(self, io_loop: EventLoop, path: Path) -> None:
        async with self.pair(io_loop) as (near, _):
            near.close()
            with path.open("rb") as file, pytest.raises(StreamClosedError):
                near.send_file(file)

    async def test_closing_fails_a_file_on_its_way_and_lets_go_of_it(self, io_loop: EventLoop, path: Path) -> None:
        fill(path, self.plenty)
        async with self.pair(io_loop) as (near, _):
            with path.open("rb") as file:
                sending = near.send_file(file)
                await settle(io_loop)
                near.close(error := ZeroDivisionError())
                assert (await failure(sending)).real_error is error
            while _is_open(path):
                await settle(io_loop, 1)

    async def test_a_peer_that_goes_fails_a_file_on_its_way(self, io_loop: EventLoop, path: Path) -> None:
        fill(path, self.plenty)
        async with self.pair(io_loop) as (near, far):
            with path.open("rb") as file:
                sending = near.send_file(file)
                await settle(io_loop)
                far.close()
                await failure(sending)


def fill(path: Path, size: int) -> bytes:
    """Write so many bytes into the file, and give them."""
    path.write_bytes(data := pattern(size))
    return data


def _is_open(path: Path) -> bool:
    """Tell whether this process has a file open; where that cannot be seen, say no."""
    if not os.path.isdir("/proc/self/fd"):
        return False
    names: list[str] = []
    for number in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return str(path) in names
