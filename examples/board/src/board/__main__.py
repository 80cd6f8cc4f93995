"""``python -m board``: serve the board and print its address."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import BindError, bind_sockets, fork_processes

from .app import make_app
from .rendering import Templates
from .secret import VARIABLE, SecretError, find_secret
from .state import Board
from .store import Store, StoreError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

DEFAULT_PORT: Final = 8080
MAX_PROCESSES: Final = 64
# Bytes. The handlers refuse less than this with a page or JSON that says so; above it, the server refuses to read.
MAX_REQUEST_BYTES: Final = 1024 * 1024


class Options(argparse.Namespace):
    """The command line, parsed."""

    port: int | None
    address: str
    database: Path
    processes: int
    title: str
    verbose: bool


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is no port; they go from 0 to 65535")
    return number


def _processes(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_PROCESSES:
        raise argparse.ArgumentTypeError(f"{number} is not a number from 1 to {MAX_PROCESSES}")
    return number


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; ends the program with status 2 where it is wrong."""
    parser = argparse.ArgumentParser(
        prog="board",
        description="A message board for an office.",
        epilog=f"{VARIABLE}, in the environment, signs the cookies; without it, a file beside the database does.",
    )
    add = parser.add_argument
    add("--port", type=_port, help=f"0 for any free one (default: {DEFAULT_PORT}, or any where that is in use)")
    add("--address", default="127.0.0.1", help="0.0.0.0 lets the whole office in (default: %(default)s)")
    add("--database", type=Path, default=Path("board.sqlite3"), help="the file (default: %(default)s)")
    add("--processes", type=_processes, default=1, help="how many serve (default: %(default)s)")
    add("--title", default="Office board", help="the name of the board (default: %(default)s)")
    add("--verbose", action="store_true", help="log every request")
    options = Options()
    parser.parse_args(arguments, options)
    return options


def listen(port: int | None, address: str) -> list[socket.socket]:
    """Open the listening sockets. Without a port: the default one, or any where that cannot be had."""
    if port is not None:
        return bind_sockets(port, address)
    try:
        return bind_sockets(DEFAULT_PORT, address)
    except BindError:
        return bind_sockets(0, address)


def address_of(sockets: Sequence[socket.socket]) -> str:
    """Where a browser on this machine finds the board."""
    host, port = sockets[0].getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)
    return f"http://{here or (f'[{host}]' if ':' in host else host)}:{port}/"


def serve(options: Options, secret: str, sockets: list[socket.socket]) -> None:
    """Answer requests in this process until SIGINT or SIGTERM."""
    io_loop = IOLoop.current()

    async def stop() -> None:
        server.stop()
        await server.close_all_connections()
        await board.close()
        io_loop.stop()

    def on_signal(*_: object) -> None:
        # Ctrl-C reaches a worker twice: from the terminal, and from the parent that passes it on.
        for number in stop_signals:
            signal.signal(number, signal.SIG_IGN)
        io_loop.add_callback_from_signal(stop)  # which waits for the loop, where it does not run yet

    stop_signals = (signal.SIGINT, signal.SIGTERM)
    for number in stop_signals:
        signal.signal(number, on_signal)
    board = Board.at(options.database, Templates(options.title), io_loop=io_loop)
    server = HTTPServer(make_app(board, cookie_secret=secret), max_body_size=MAX_REQUEST_BYTES)
    server.add_sockets(sockets)
    io_loop.start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; gives its exit status."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    try:
        Store(options.database).close()  # a database that cannot be used is told now, not to the first visitor
        secret = find_secret(options.database.with_suffix(".secret"))
        sockets = listen(options.port, options.address)
    except (StoreError, SecretError, BindError) as error:
        print(f"board: {error}", file=sys.stderr)
        return 1
    # The sockets are listening: from here on a connection waits rather than being refused.
    print(f"{options.title} is at {address_of(sockets)}", flush=True)
    try:
        if options.processes > 1:
            fork_processes(options.processes)
        serve(options, secret, sockets)
    except KeyboardInterrupt:
        pass  # it came before serve() was ready for it
    return 0


if __name__ == "__main__":
    sys.exit(main())
