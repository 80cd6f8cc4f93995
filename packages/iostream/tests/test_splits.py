"""However the input is cut into pieces, each kind of read gives the same."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import StreamClosedError
from eyewall.iostream.testing import memory_streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.iostream import Stream

    Step = tuple[str, int]

# A small alphabet, so that delimiters and their beginnings are frequent.
data = st.text("ab\n\r", max_size=60).map(str.encode)
pieces = st.lists(data, max_size=8)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(["bytes", "until", "until2", "unread", "close"]), st.integers(0, 12)), max_size=8
)


def expected(whole: bytes, plan: list[Step]) -> list[bytes | None]:
    """What the reads of a plan give, worked out on the whole input; None is a read that the end cuts short."""
    results: list[bytes | None] = []
    for kind, number in plan:
        if kind == "bytes":
            size = number if number <= len(whole) else -1
        elif kind == "close":
            size = len(whole)
        elif kind == "unread":
            whole = bytes(number) + whole
            continue
        else:
            delimiter = b"\n" if kind == "until" else b"\r\n\r\n"
            found = whole.find(delimiter)
            size = found + len(delimiter) if found >= 0 else -1
        results.append(whole[:size] if size >= 0 else None)
        whole = whole[max(size, 0) :]
    return results


async def carry_out(stream: Stream, plan: list[Step]) -> list[bytes | None]:
    reads: dict[str, Callable[[int], Awaitable[bytes]]] = {
        "bytes": stream.read_bytes,
        "until": lambda _: stream.read_until(b"\n"),
        "until2": lambda _: stream.read_until(b"\r\n\r\n"),
        "close": lambda _: stream.read_until_close(),
    }
    results: list[bytes | None] = []
    for kind, number in plan:
        if kind == "unread":
            stream.unread(bytes(number))
            continue
        try:
            results.append(await reads[kind](number))
        except StreamClosedError:
            results.append(None)
    return results


@settings(deadline=None)
@given(pieces=pieces, plan=steps, chunk_size=st.integers(1, 8), capacity=st.integers(1, 20), seed=st.integers(0, 99))
def test_any_split_gives_the_same_reads(
    pieces: list[bytes], plan: list[Step], chunk_size: int, capacity: int, seed: int
) -> None:
    with SimulatedLoop(seed) as io_loop:
        near, far = memory_streams(io_loop, chunk_size=chunk_size, capacity=capacity)

        async def send() -> None:
            for piece in pieces:
                await near.write(piece)
            near.shutdown_write()

        async def run() -> list[bytes | None]:
            sending = io_loop.spawn(send())
            results = await carry_out(far, plan)
            near.close()
            with suppress(StreamClosedError):  # a plan may end before all is sent
                await sending
            return results

        assert io_loop.run(run) == expected(b"".join(pieces), plan)


@given(whole=st.binary(max_size=200), chunk_size=st.integers(1, 9), size=st.integers(1, 40))
@settings(deadline=None)
def test_partial_reads_and_read_nowait_together_give_all_of_any_split(whole: bytes, chunk_size: int, size: int) -> None:
    with SimulatedLoop() as io_loop:
        near, far = memory_streams(io_loop, chunk_size=chunk_size)

        async def run() -> bytes:
            near.write_nowait(whole)
            near.close()
            got: list[bytes] = []
            try:
                while True:
                    got.append(await far.read_bytes(size, partial=True))
                    got.append(far.read_nowait())
            except StreamClosedError:
                return b"".join(got)

        assert io_loop.run(run) == whole
