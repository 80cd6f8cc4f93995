"""BaseIOStream.set_owner: who is told of a stream's end whatever its user does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.iostream.testing import memory_streams

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop
    from eyewall.iostream import BaseIOStream


class Owner:
    def __init__(self) -> None:
        self.told: list[BaseIOStream | None] = []

    def stream_opened(self, stream: BaseIOStream, /) -> None:
        self.told.append(stream)

    def stream_closed(self) -> None:
        self.told.append(None)


async def test_an_owner_is_told_of_the_end_once_beside_the_close_callback(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    owner = Owner()
    near.set_owner(owner)
    near.set_close_callback(lambda: None)
    assert owner.told == [near]
    near.close()
    near.close()
    assert owner.told == [near, None]
    far.close()


async def test_an_owner_is_told_where_the_peer_ends_it(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    owner = Owner()
    far.set_owner(owner)
    reading = far.read_until_close()
    near.close()
    await reading
    assert owner.told == [far, None]


async def test_the_owner_of_a_closed_stream_is_told_at_once(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    near.close()
    owner = Owner()
    near.set_owner(owner)
    assert owner.told == [near, None]
    far.close()
