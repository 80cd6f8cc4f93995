"""The gate, whatever the order in which connections come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from eyewall.ioloop.testing import SimulatedLoop
from eyewall.tcpserver import ConnectionLimits
from eyewall.tcpserver._connections import Connections
from eyewall.tcpserver._gate import Gate

if TYPE_CHECKING:
    from eyewall.tcpserver._connections import Connection

HOSTS = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
COME_OR_GO = st.lists(st.tuples(st.sampled_from(HOSTS), st.booleans(), st.integers(0, 9)), max_size=60)


@given(COME_OR_GO, st.integers(1, 5), st.integers(1, 3))
def test_no_order_of_coming_and_going_breaks_a_limit_or_keeps_the_gate_shut(
    moves: list[tuple[str, bool, int]], most: int, most_of_one: int
) -> None:
    io_loop = SimulatedLoop()
    shut: list[bool] = [False]
    served: list[Connection] = []

    def on_end(connection: Connection) -> None:
        gate.on_end(connection)

    connections = Connections(on_end)
    gate = Gate(ConnectionLimits(most, max_per_address=most_of_one), connections, shut.append, io_loop)

    def come(host: str) -> None:
        connection = connections.add((host, 1))
        gate.on_accept()
        if gate.admits(connection):
            served.append(connection)
        else:
            connections.discard(connection)

    for host, comes, which in moves:
        if comes and not shut[-1]:
            come(host)
        elif served and not comes:
            served.pop(which % len(served)).stream_closed()
        clients = [connection.client for connection in served]
        assert len(connections) == len(served) <= most
        assert all(clients.count(client) <= most_of_one for client in clients)
        assert shut[-1] is gate.full
        assert gate.full or len(served) < most
    for connection in served:
        connection.stream_closed()
    assert not shut[-1]
    assert len(connections) == 0
    assert gate._by_client == {}
    io_loop.close()
