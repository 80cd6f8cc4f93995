"""A client that is as near to the wire as a test wants to be: it sends what it is given, and reads strictly."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class CutError(Exception):
    """The connection ended within an answer."""


class Answer(NamedTuple):
    """An answer; the names of its fields are in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes


class Wire:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._input = cast("BinaryIO", sock.makefile("rb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._input.close()
        self.sock.close()

    def reset(self) -> None:
        """Hang up without a farewell: the peer gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def ask(self, path: str, *fields: str, method: str = "GET", version: str = "HTTP/1.1") -> Answer:
        """Send a request without a body, and read the answer."""
        self.send(request(path, *fields, method=method, version=version))
        return self.answer(method)

    def answer(self, method: str = "GET") -> Answer:
        """Read one answer to a request of that method."""
        version, status, _ = self._line().split(" ", 2)
        assert version == "HTTP/1.1"
        fields: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(": ")
            assert name.lower() not in fields, f"{name} comes twice"
            fields[name.lower()] = value
        return Answer(int(status), fields, self._body(method, int(status), fields))

    def rest(self) -> bytes:
        """Read all that comes until the peer hangs up."""
        return self._input.read()

    def _body(self, method: str, status: int, fields: dict[str, str]) -> bytes:
        if method == "HEAD" or status in {204, 304} or status < 200:
            return b""
        if fields.get("transfer-encoding") == "chunked":
            return b"".join(iter(self._chunk, b""))
        if "content-length" in fields:
            return self._exactly(int(fields["content-length"]))
        return self.rest()

    def _chunk(self) -> bytes:
        data = self._exactly(int(self._line(), 16))
        assert self._line() == ""
        return data

    def _exactly(self, size: int) -> bytes:
        data = self._input.read(size)
        if len(data) < size:
            raise CutError(f"{len(data)} bytes of {size}")
        return data

    def _line(self) -> str:
        line = self._input.readline()
        if not line.endswith(b"\r\n"):
            raise CutError(f"{line!r} is the last of it")
        return line[:-2].decode("latin-1")


def request(path: str, *fields: str, method: str = "GET", version: str = "HTTP/1.1", body: bytes = b"") -> bytes:
    """Give a request, with a length where it has a body."""
    lines = [f"{method} {path} {version}", "Host: localhost", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
