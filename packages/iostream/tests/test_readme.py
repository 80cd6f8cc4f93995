"""The code in the README runs as it stands, but for the port."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

from eyewall.iostream import SSLOptionsDict

README = Path(__file__).parents[1] / "README.md"
GREET, MAIN, TEST, OPTIONS = (
    textwrap.dedent(block)
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
)


def run(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-W", "error", "-c", program], stdout=subprocess.PIPE, text=True)


def test_the_program_of_the_readme_greets_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = run(GREET + MAIN.replace("2525", str(listener.getsockname()[1])))
        peer, _ = listener.accept()
    with peer, program:
        assert peer.recv(100) == b"HELO example.org\r\n"
        peer.sendall(b"250 at your service\r\n")
        assert peer.recv(100) == b""
        output, _ = program.communicate(timeout=30)
    assert (program.returncode, output) == (0, "250 at your service\n")


def test_the_test_of_the_readme_passes() -> None:
    with run(f"{GREET}{TEST}test_an_answer_may_come_late_and_in_pieces()") as program:
        assert program.wait(timeout=30) == 0


def test_the_options_of_the_readme_are_options() -> None:
    names = re.findall(r'^    "(\w+)":', OPTIONS, re.MULTILINE)
    assert names
    assert set(names) <= SSLOptionsDict.__annotations__.keys()
