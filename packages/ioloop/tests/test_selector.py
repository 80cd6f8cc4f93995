"""The selector backend, where it is more than what every backend promises."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.ioloop import READ, WRITE, BackendNotFoundError, Capability, IOLoop
from eyewall.ioloop.backends import _pollers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = ["epoll", "poll", "select"]


@pytest.fixture
def selector_loop() -> Iterator[IOLoop]:
    made = IOLoop(backend="selector")
    yield made
    made.shutdown()
    made.close()


def test_every_way_to_wait_keeps_the_promises_of_a_backend(tmp_path: Path) -> None:
    suite = "eyewall.ioloop.testing.conformance"
    backends = [
        "--backends",
        "selector:poll,selector:select,asyncio:plain",
        "-k",
        "not 100_000",
    ]  # which takes a while, and waits once
    options = ["-p", "eyewall.ioloop.testing.plugin", "-p", "no:cacheprovider", *backends]
    command = [sys.executable, "-m", "pytest", "-q", *options, "--pyargs", suite]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # what else is installed takes long to import
    done = subprocess.run(command, cwd=tmp_path, env=alone, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" 0 failed      0 skipped") == 2
    assert " 0 failed      1 skipped  (combined_events: 1)" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_to_wait_is_chosen_by_name(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYEWALL_IOLOOP", f"selector:{kind}")
    with closing(IOLoop(make_current=False)) as io_loop:
        assert io_loop.backend_name == f"selector:{kind}"


def test_without_a_name_it_is_the_best_that_the_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pollers, "select", SimpleNamespace(poll=select.poll, select=select.select))
    assert isinstance(_pollers.make_poller(), _pollers.PollPoller)


def test_a_way_to_wait_that_the_system_has_not_is_an_error_that_lists_what_it_has() -> None:
    if hasattr(select, "kqueue"):
        pytest.skip("this system has them all but epoll")
    with pytest.raises(BackendNotFoundError, match="no 'kqueue' on this system; there are: epoll, poll, select"):
        IOLoop(backend="selector:kqueue")


def test_no_event_loop_of_asyncios_is_beneath() -> None:
    program = """
import asyncio
def refuse(*args): raise AssertionError("a loop of asyncio's was made")
asyncio.BaseEventLoop.__init__ = refuse
import eyewall.ioloop
print(eyewall.ioloop.run(lambda: asyncio.sleep(0.001, "slept"), backend="selector"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "slept\n"


async def _uses_asyncio() -> list[object]:
    queue: asyncio.Queue[int] = asyncio.Queue(1)
    seen: list[object] = []

    async def produce() -> None:
        for number in range(3):
            await queue.put(number)

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        seen.extend([await queue.get() for _ in range(3)])
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        seen.append("timed out")
    seen.append(await asyncio.to_thread(lambda: "from a thread"))
    seen.append(await asyncio.wait_for(asyncio.gather(asyncio.sleep(0, "a"), asyncio.sleep(0, "b")), 5))
    return seen


def test_asyncios_queues_groups_timeouts_and_threads_run_on_it(selector_loop: IOLoop) -> None:
    expected = [0, 1, 2, "timed out", "from a thread", ["a", "b"]]
    assert selector_loop.run_sync(_uses_asyncio) == expected


@pytest.mark.parametrize("name", ["create_connection", "create_server", "subprocess_exec", "sock_recv", "start_tls"])
def test_what_it_has_not_names_the_backend_that_has(selector_loop: IOLoop, name: str) -> None:
    assert Capability.ASYNCIO_TRANSPORTS not in selector_loop.capabilities
    with pytest.raises(NotImplementedError, match=f'has no {name}: .* run on the backend "asyncio"'):
        getattr(selector_loop.asyncio_loop, name)()


def test_readers_and_writers_of_asyncio_share_a_descriptor(
    selector_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = selector_loop.asyncio_loop
    seen: list[object] = []

    def read(word: str) -> None:
        seen.append((word, near.recv(10)))
        loop.remove_reader(near)
        loop.stop()

    def write() -> None:
        seen.append("writable")
        assert loop.remove_writer(near.fileno())

    far.send(b"abc")
    loop.add_reader(near, seen.append, "replaced")
    loop.add_reader(near, read, "read")
    loop.add_writer(near, write)
    loop.run_forever()
    loop.stop()
    loop.run_forever()
    assert sorted(seen, key=str) == [("read", b"abc"), "writable"]
    assert not loop.remove_reader(near)
    assert not loop.remove_writer(near)


def test_a_reader_may_remove_the_writer_that_is_ready_as_well(
    selector_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = selector_loop.asyncio_loop
    seen: list[str] = []

    def read() -> None:
        loop.remove_writer(near)
        loop.remove_reader(near)
        loop.stop()

    far.send(b"x")
    loop.add_reader(near, read)
    loop.add_writer(near, seen.append, "writable")
    loop.run_forever()
    assert seen == []


def test_a_descriptor_has_a_handler_or_readers_not_both(
    selector_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, _ = pair
    selector_loop.asyncio_loop.add_reader(near, print)
    with pytest.raises(ValueError, match=f"descriptor {near.fileno()} is watched already"):
        selector_loop.add_handler(near, lambda _fd, _events: None, READ)
    selector_loop.asyncio_loop.remove_reader(near)
    selector_loop.add_handler(near, lambda _fd, _events: None, READ)
    selector_loop.remove_handler(near)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_watched_is_refused_at_once(kind: str, pair: tuple[socket.socket, socket.socket]) -> None:
    near, _ = pair
    with closing(IOLoop(make_current=False, backend=f"selector:{kind}")) as io_loop:
        number = near.detach()
        os.close(number)
        with pytest.raises(OSError, match="Bad file descriptor"):
            io_loop.add_handler(number, lambda _fd, _events: None, READ)
        with pytest.raises(ValueError, match="no handler"):
            io_loop.update_handler(number, WRITE)


@pytest.mark.parametrize("kind", ["poll", "select"])
def test_a_descriptor_that_was_closed_without_being_removed_is_told_to_its_handler(
    kind: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, _ = pair
    number = near.fileno()
    seen: list[int] = []
    with closing(IOLoop(make_current=False, backend=f"selector:{kind}")) as io_loop:

        def handler(fd: int, events: int) -> None:
            seen.append(events)
            io_loop.remove_handler(fd)
            io_loop.stop()

        io_loop.add_handler(number, handler, READ)
        near.close()
        io_loop.start()
    assert seen == [READ]


def test_a_closed_loop_watches_nothing_more(pair: tuple[socket.socket, socket.socket]) -> None:
    io_loop = IOLoop(make_current=False, backend="selector")
    io_loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        io_loop.add_handler(pair[0], lambda _fd, _events: None, READ)
    io_loop.remove_handler(pair[0])


def test_callbacks_of_other_threads_wake_a_loop_that_sleeps_again_and_again(selector_loop: IOLoop) -> None:
    rounds = 500
    seen: list[int] = []
    go_on = threading.Event()

    def note(number: int) -> None:
        seen.append(number)
        go_on.set()

    def add() -> None:
        for number in range(rounds):
            selector_loop.add_callback(note, number)
            if not go_on.wait(10):  # so that the loop sleeps, or is about to, when the next one comes
                break
            go_on.clear()
        selector_loop.add_callback(selector_loop.stop)

    thread = threading.Thread(target=add)
    thread.start()
    selector_loop.start()
    thread.join()
    assert seen == list(range(rounds))


class FakeKqueue:
    """What the tests need of ``select.kqueue``."""

    def __init__(self) -> None:
        self.changes: list[tuple[int, int, int]] = []
        self.found: list[SimpleNamespace] = []
        self.closed = False

    def control(self, changes: list[SimpleNamespace] | None, _number: int, _timeout: float | None) -> list[Any]:
        for change in changes or ():
            self.changes.append((change.ident, change.filter, change.flags))
            if change.flags == 2 and change.ident == 99:
                raise FileNotFoundError
        return self.found

    def fileno(self) -> int:
        return 3

    def close(self) -> None:
        self.closed = True


def test_kqueue_is_told_of_each_direction_by_itself_and_its_answers_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    def kevent(ident: int, event_filter: int, flags: int = 0) -> SimpleNamespace:
        return SimpleNamespace(ident=ident, filter=event_filter, flags=flags)

    fake = FakeKqueue()
    names: dict[str, Any] = {"KQ_FILTER_READ": -1, "KQ_FILTER_WRITE": -2, "KQ_EV_ADD": 1, "KQ_EV_DELETE": 2}
    system = SimpleNamespace(kqueue=lambda: fake, kevent=kevent, **names)
    monkeypatch.setattr(_pollers, "_system", system)
    poller = _pollers.KqueuePoller()
    poller.watch(7, 0, READ)
    poller.watch(7, READ, READ | WRITE)
    poller.watch(7, READ | WRITE, WRITE)
    poller.watch(99, READ, 0)  # closed before
    assert fake.changes == [(7, -1, 1), (7, -2, 1), (7, -1, 2), (99, -1, 2)]
    fake.found = [kevent(7, -1), kevent(8, -2), kevent(7, -2)]
    assert dict(poller.poll(None)) == {7: READ | WRITE, 8: WRITE}
    poller.close()
    assert fake.closed


def test_names_are_looked_up_in_a_thread(selector_loop: IOLoop) -> None:
    loop = selector_loop.asyncio_loop

    async def look_up() -> tuple[Any, tuple[str, str]]:
        found = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        return found, await loop.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)

    found, name = selector_loop.run_sync(look_up)
    assert found[0][4] == ("127.0.0.1", 80)
    assert name == ("127.0.0.1", "80")


def test_asyncios_signal_handlers_work_and_are_taken_back(selector_loop: IOLoop) -> None:
    loop = selector_loop.asyncio_loop
    before = signal.getsignal(signal.SIGUSR1)
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "came")
    loop.add_signal_handler(signal.SIGUSR2, loop.stop)
    signal.raise_signal(signal.SIGUSR1)
    signal.raise_signal(signal.SIGUSR2)
    loop.run_forever()
    assert seen == ["came"]
    assert loop.remove_signal_handler(signal.SIGUSR1)
    assert loop.remove_signal_handler(signal.SIGUSR2)
    assert not loop.remove_signal_handler(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) is before


def test_the_wakeup_descriptor_is_the_loops_while_it_runs_and_given_back(selector_loop: IOLoop) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(signal.set_wakeup_fd(-1))
        signal.set_wakeup_fd(seen[0], warn_on_full_buffer=False)
        selector_loop.stop()

    selector_loop.add_callback(look)
    selector_loop.start()
    after = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(after)
    assert seen[0] >= 0
    assert after == -1


def test_shutting_down_waits_for_jobs_in_threads_and_takes_no_more() -> None:
    io_loop = IOLoop(backend="selector")
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        go_on.wait(10)
        ended.set()

    async def begin() -> None:
        io_loop.run_in_executor(None, job)
        begun.wait(10)

    io_loop.run_sync(begin)
    go_on.set()
    io_loop.shutdown()
    assert ended.is_set()
    with pytest.raises(RuntimeError, match="has been shut down"):
        io_loop.run_in_executor(None, job)
    io_loop.close()


def test_a_subclass_that_overrides_add_callback_is_asked(selector_loop: IOLoop) -> None:
    seen: list[object] = []

    class Mine(IOLoop):
        def add_callback(self, callback: Any, /, *args: Any, **kwargs: Any) -> None:
            seen.append(callback)
            super().add_callback(callback, *args, **kwargs)

    with closing(Mine(make_current=False, backend="selector")) as mine:
        mine.add_callback(mine.stop)
        mine.start()
    assert seen == [mine.stop]
    assert selector_loop.backend_name == "selector"
