"""Happy eyeballs, on a loop whose clock a test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eyewall.iostream.testing import memory_streams
from eyewall.tcpserver import ConnectError
from eyewall.tcpserver._race import Race, interleaved

if TYPE_CHECKING:
    from eyewall.ioloop import Future, IOLoop, Promise
    from eyewall.iostream import Address
    from eyewall.iostream.testing import MemoryStream

V6, V4 = 10, 2
FOUR = [(V6, "::1"), (V6, "::2"), (V4, "192.0.2.1"), (V4, "192.0.2.2")]


class Network:
    """Notes who is called, and when; answers as a test says."""

    def __init__(self, io_loop: IOLoop) -> None:
        self.io_loop = io_loop
        self.calls: list[tuple[str, float]] = []
        self.streams: dict[str, MemoryStream] = {}
        self.answers: dict[str, Promise[MemoryStream]] = {}
        self.refused: set[str] = set()
        self.began = io_loop.time()

    def connect(self, family: int, address: Address) -> tuple[MemoryStream, Future[MemoryStream]]:
        host = str(address)
        self.calls.append((host, round(self.io_loop.time() - self.began, 2)))
        if host in self.refused:
            raise OSError("no such family")
        promise: Promise[MemoryStream] = self.io_loop.create_future()
        self.streams[host], _ = memory_streams(self.io_loop)
        self.answers[host] = promise
        return self.streams[host], promise

    def accept(self, host: str) -> None:
        self.answers[host].set_result(self.streams[host])

    def refuse(self, host: str) -> None:
        self.streams[host].close(ConnectionRefusedError("refused"))
        self.answers[host].set_exception(ConnectionRefusedError("refused"))

    def race(self, addresses: list[tuple[int, str]]) -> Race[MemoryStream]:
        return Race("one.test", addresses, self.connect, self.io_loop)


def test_families_take_turns() -> None:
    assert [address for _, address in interleaved(FOUR)] == ["::1", "192.0.2.1", "::2", "192.0.2.2"]
    assert interleaved([]) == []


async def test_the_first_that_answers_wins_and_nobody_else_is_asked(io_loop: IOLoop) -> None:
    network = Network(io_loop)
    running = io_loop.spawn(network.race(FOUR).run())
    await turns(io_loop)
    network.accept("::1")
    assert await running is network.streams["::1"]
    assert network.calls == [("::1", 0.0)]


async def test_who_fails_gives_way_at_once(io_loop: IOLoop) -> None:
    network = Network(io_loop)
    running = io_loop.spawn(network.race(FOUR).run())
    await turns(io_loop)
    network.refuse("::1")
    await turns(io_loop)
    network.accept("192.0.2.1")
    assert await running is network.streams["192.0.2.1"]
    assert [host for host, _ in network.calls] == ["::1", "192.0.2.1"]


async def test_who_cannot_even_be_tried_gives_way_at_once(io_loop: IOLoop) -> None:
    network = Network(io_loop)
    network.refused = {"::1", "192.0.2.1"}
    running = io_loop.spawn(network.race(FOUR).run())
    await turns(io_loop)
    network.accept("::2")
    assert await running is network.streams["::2"]


@pytest.mark.parametrize("late", ["::1", "192.0.2.1", "::2"])
async def test_who_does_not_answer_is_joined_by_the_next(
    io_loop: IOLoop, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyewall.tcpserver._race.ATTEMPT_DELAY", 0.01)
    network = Network(io_loop)
    race = network.race(FOUR[:3])
    running = io_loop.spawn(race.run())
    while len(network.calls) < 3:
        await wait(io_loop, 0.01)
    assert [str(address) for address in race.trying] == ["::1", "192.0.2.1", "::2"]
    network.accept(late)
    winner = await running
    await turns(io_loop)
    assert winner is network.streams[late]
    assert [host for host, stream in network.streams.items() if not stream.closed()] == [late]


async def test_where_all_fail_the_error_has_each_cause(io_loop: IOLoop) -> None:
    network = Network(io_loop)
    network.refused = {"192.0.2.1"}
    running = io_loop.spawn(network.race([FOUR[0], FOUR[2]]).run())
    await turns(io_loop)
    network.refuse("::1")
    with pytest.raises(
        ConnectError, match=r"^cannot connect to one\.test: ::1: refused; 192\.0\.2\.1: no such family$"
    ) as caught:
        await running
    assert str(caught.value.real_error) == "no such family"
    assert len(caught.value.failures) == 2


async def test_a_host_without_an_address_cannot_be_connected_to(io_loop: IOLoop) -> None:
    with pytest.raises(ConnectError, match=r"one\.test: it has no address"):
        await Network(io_loop).race([]).run()


async def test_giving_up_closes_what_was_begun(io_loop: IOLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyewall.tcpserver._race.ATTEMPT_DELAY", 0.01)
    network = Network(io_loop)
    with io_loop.cancel_scope(deadline=io_loop.time() + 0.05):
        await network.race(FOUR).run()
    assert len(network.streams) >= 2
    assert all(stream.closed() for stream in network.streams.values())


async def test_an_answer_that_comes_too_late_is_hung_up(io_loop: IOLoop) -> None:
    network = Network(io_loop)
    running = io_loop.spawn(network.race(FOUR[:1]).run())
    await turns(io_loop)
    network.accept("::1")
    running.cancel()
    await turns(io_loop)
    assert running.done()
    assert network.streams["::1"].closed()


async def turns(io_loop: IOLoop) -> None:
    for _ in range(5):
        turn: Promise[None] = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn


async def wait(io_loop: IOLoop, seconds: float) -> None:
    later: Promise[None] = io_loop.create_future()
    io_loop.call_later(seconds, later.set_result, None)
    await later
