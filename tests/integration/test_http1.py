"""HTTP/1.1 as others speak it: the echo example, met by curl and by raw sockets, over TCP and over TLS."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.iostream.testing import self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ECHO = Path(__file__).parents[2] / "examples" / "echo_http.py"
PATIENCE_SECONDS = 30


class Echo:
    """Where the example listens, and how a client connects to it."""

    def __init__(self, port: int, certificate: str | None) -> None:
        self.port = port
        self.certificate = certificate
        self.url = f"{'http' if certificate is None else 'https'}://localhost:{port}"

    @contextmanager
    def connected(self) -> Generator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as sock:
            if self.certificate is None:
                yield sock
            else:
                context = ssl.create_default_context(cafile=self.certificate)
                with context.wrap_socket(sock, server_hostname="localhost") as wrapped:
                    yield wrapped

    def ask(self, sent: bytes) -> bytes:
        """Send all of it, and give all that comes until the end."""
        with self.connected() as sock:
            sock.sendall(sent)
            return b"".join(iter(lambda: sock.recv(65_536), b""))

    def curl(self, *arguments: str, stdin: bytes = b"") -> bytes:
        trust = [] if self.certificate is None else ["--cacert", self.certificate]
        command = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", str(PATIENCE_SECONDS), *trust]
        return subprocess.run([*command, *arguments], input=stdin, capture_output=True, check=True).stdout


@pytest.fixture(scope="module", params=["tcp", "tls"])
def echo(request: pytest.FixtureRequest) -> Iterator[Echo]:
    certificate = self_signed_certificate()
    files = [certificate.certfile, certificate.keyfile] if request.param == "tls" else []
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    with subprocess.Popen([sys.executable, str(ECHO), str(port), *files]) as process:
        try:
            _wait_until_it_listens(port, process)
            yield Echo(port, files[0] if files else None)
        finally:
            process.terminate()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "the example has ended"
            assert time.monotonic() < deadline, "the example does not listen"
            time.sleep(0.02)
        else:
            return


def seen(answer: bytes) -> dict[str, Any]:
    """What the application says that it has got."""
    found: dict[str, Any] = json.loads(answer)
    found["body"] = base64.b64decode(found["body"])
    return found


@pytest.mark.curl
def test_curl_posts_a_form_and_a_query(echo: Echo) -> None:
    found = seen(echo.curl("--data", "a=1&b=2", f"{echo.url}/path/%20?q=%C3%A9"))
    assert (found["method"], found["path"], found["query"]) == ("POST", "/path/%20", "q=%C3%A9")
    assert found["body"] == b"a=1&b=2"
    assert ["Content-Type", "application/x-www-form-urlencoded"] in found["headers"]


@pytest.mark.curl
def test_curl_uploads_megabytes_with_a_length_and_in_chunks(echo: Echo) -> None:
    body = bytes(range(256)) * 20_000
    assert seen(echo.curl("--data-binary", "@-", echo.url, stdin=body))["body"] == body
    in_chunks = seen(echo.curl("--upload-file", "-", f"{echo.url}/", stdin=body))
    assert ["Transfer-Encoding", "chunked"] in in_chunks["headers"]
    assert in_chunks["body"] == body


@pytest.mark.curl
def test_curl_waits_to_be_told_to_send_and_is_told(echo: Echo) -> None:
    arguments = ["--verbose", "--stderr", "-", "--header", "Expect: 100-continue", "--data", "x" * 2000]
    assert b"< HTTP/1.1 100 Continue" in echo.curl(*arguments, "--expect100-timeout", "30", echo.url)


@pytest.mark.curl
def test_curl_uses_one_connection_for_several_requests(echo: Echo) -> None:
    output = ["--write-out", "%{num_connects} ", "--output", "/dev/null", "--output", "/dev/null"]
    assert echo.curl(*output, f"{echo.url}/a", f"{echo.url}/b") == b"1 0 "


@pytest.mark.curl
def test_curl_reads_a_stream_in_http_1_1_and_in_1_0(echo: Echo) -> None:
    pieces = b"".join(b"piece %d\n" % number for number in range(5))
    assert echo.curl(f"{echo.url}/stream") == pieces
    assert echo.curl("--http1.0", f"{echo.url}/stream") == pieces
    assert echo.curl("--head", f"{echo.url}/stream").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_pipeline_is_answered_in_order(echo: Echo) -> None:
    many = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(500))
    answer = echo.ask(many + b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
    parts = answer.split(b"HTTP/1.1 200 OK\r\n")
    paths = [seen(part.partition(b"\r\n\r\n")[2])["path"] for part in parts[1:-1]]
    assert paths == [f"/{number}" for number in range(500)]
    assert parts[-1].endswith(b"\r\n\r\ngoodbye\n")


@pytest.mark.parametrize("echo", ["tcp"], indirect=True)  # Python's ssl cannot end one side
def test_who_ends_its_side_is_still_answered(echo: Echo) -> None:
    with echo.connected() as sock:
        sock.sendall(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        assert b'"/half"' in b"".join(iter(lambda: sock.recv(65_536), b""))


def test_an_upload_that_is_refused_gets_to_read_why(echo: Echo) -> None:
    with echo.connected() as sock:
        sock.sendall(b"POST /status/403 HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000)
        answer = b"".join(iter(lambda: sock.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"as you wish\n")


def test_two_requests_that_two_servers_might_take_for_others_are_refused(echo: Echo) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = echo.ask(head + b"0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_client_that_goes_away_in_the_middle_harms_nobody(echo: Echo) -> None:
    for sent in (
        b"",
        b"GE",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        with echo.connected() as sock:
            sock.sendall(sent)
    assert echo.ask(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"goodbye\n")
