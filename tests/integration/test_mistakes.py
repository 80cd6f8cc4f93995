"""Mistakes of who starts a server: each is one sentence that says what is wrong and what to do."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest
from programs import ended

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.iostream.testing import CertificateFiles

PROGRAM = """
import sys
from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.web import Application, RequestHandler

class Main(RequestHandler):
    def get(self):
        self.write("Hello, world!")

routes = [("/", Main)]
options = None
port = 0
{mistake}
server = HTTPServer(Application(routes), ssl_options=options)
server.listen(port, "127.0.0.1")
IOLoop.current().start()
"""


def last_words(folder: Path, mistake: str) -> str:
    """Run a program with a mistake; gives the error that ended it."""
    program = folder / "program.py"
    program.write_text(PROGRAM.format(mistake=mistake))
    status, said = ended(program)
    assert status == 1
    assert said.startswith("Traceback")
    return said.splitlines()[-1]


def test_a_port_in_use_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = last_words(tmp_path, f"port = {port}")
    assert re.fullmatch(
        rf"eyewall\.tcpserver\.errors\.BindError: cannot listen on '127\.0\.0\.1', port {port}: "
        r"Address already in use; another program listens there; stop it .* or choose another port",
        error,
    )


@pytest.mark.parametrize("mistake", ["port = 70000", "port = -1"])
def test_a_port_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path, mistake: str) -> None:
    assert last_words(tmp_path, mistake) == (
        f"ValueError: port {mistake.removeprefix('port = ')} does not exist; choose one from 1 to 65535, "
        "or 0 for any that is free"
    )


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        ('routes = [("/", Main), "/about"]', r"route 2 of the table is '/about': make it a tuple \(pattern, handler\)"),
        ('routes = [("/(", Main)]', r"route '/\(' is not a regular expression: "),
        ('routes = [("/", print)]', r"route '/\S*': the handler .*print"),
        ('routes = [("/", "nowhere.Main")]', r"the handler 'nowhere\.Main' cannot be imported"),
        ('routes = [("/", Main, {"db": 1})]', r"Main takes no arguments: give it an initialize\(self, db\)"),
        ('routes = {"/": Main}', r"the route table is .*: make it a list of \(pattern, handler\)"),
    ],
    ids=["no tuple", "no pattern", "no handler", "no module", "no initialize", "no list"],
)
def test_a_wrong_route_table_is_named_by_the_route_that_is_wrong(tmp_path: Path, mistake: str, expected: str) -> None:
    error = last_words(tmp_path, mistake)
    assert error.startswith("eyewall.web.errors.RouteError: ")
    assert re.search(expected, error)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("certfile='/nowhere/cert.pem'", "cannot read certfile '/nowhere/cert.pem': No such file or directory; give "),
        ("certfile=cert, keyfile='/nowhere'", "cannot read keyfile '/nowhere': No such file or directory; give a "),
        ("certfile=__file__", "cannot load the certificate '.*program.py': .*; it takes a PEM certificate and its "),
        ("certfile=cert, keyfile=other", "cannot load the certificate '.*' with the key '.*': key values mismatch; "),
        ("keyfile=cert", "ssl_options of a server need 'certfile': the path of a PEM file"),
        ("certfile=cert, cert_file=cert", "unknown ssl_options 'cert_file': there are certfile, keyfile, "),
    ],
    ids=["no file", "no key file", "no certificate", "another's key", "no certfile", "no option"],
)
def test_a_certificate_that_cannot_be_used_is_named_with_the_remedy(
    tmp_path: Path, certificate: CertificateFiles, options: str, expected: str
) -> None:
    other = tmp_path / "other.key"
    other.write_text(OTHER_KEY)
    files = f"cert, key, other = {certificate.certfile!r}, {certificate.keyfile!r}, {str(other)!r}"
    error = last_words(tmp_path, f"{files}\noptions = dict({options})")
    assert re.match(rf"eyewall\.iostream\.errors\.SSLConfigurationError: {expected}", error)


# Of no use but to fit no certificate.
OTHER_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvaZFG9ZWzqo/isW9
N1QaxdtlQR4NaVWp5xRj54bvkMShRANCAAR53UJWBy9VbMdiWAZ377jhWt7sZi02
zP2vFHmEYWXFgWB6uuznXEQBdm9Pdbt0YTcRzYe9xlRNYy9eAyOXITBR
-----END PRIVATE KEY-----
"""
