"""Who is measured, and at what."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

_PIPELINED: Final = Path(__file__).parent / "pipelined.lua"
_STRANGERS: Final = Path(__file__).parent / "strangers.lua"


class Contestant(NamedTuple):
    """A module that is run with a port, and says ``Hello, world!`` there."""

    name: str
    module: str
    needs: tuple[str, ...] = ()
    """The modules without which it is left out."""
    loop: str = "asyncio"
    """The backend that eyewall is told to use."""
    canned: bool = False
    """True for a floor, which parses nothing and has to be told how many requests come at a time."""

    def missing(self) -> list[str]:
        """Give what it needs and is not installed."""
        return [module for module in self.needs if find_spec(module) is None]


class Work(NamedTuple):
    """What is asked of a contestant."""

    name: str
    title: str
    wrk: tuple[str, ...] = ()
    """What wrk is told beside the address."""
    at_a_time: int = 1
    """How many requests come in one write."""


# What Chromium sends for a page, and wrk's own Host: twelve fields.
BROWSER: Final = {
    "Connection": "keep-alive",
    "sec-ch-ua": '"Chromium";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9",
}

FLOOR: Final = Contestant("floor", "benchmarks.servers.floor", canned=True)
CONTESTANTS: Final = (
    FLOOR,
    Contestant("floor-asyncio", "benchmarks.servers.floor_asyncio", canned=True),
    Contestant("eyewall.httpserver", "benchmarks.servers.eyewall_callback"),
    Contestant("eyewall.web", "examples.hello"),
    Contestant("eyewall.web-selector", "examples.hello", (), loop="selector"),
    Contestant("eyewall.web-uvloop", "examples.hello", ("uvloop",), loop="uvloop"),
    Contestant("eyewall.web-trio", "examples.hello", ("trio",), loop="trio"),
    Contestant("tornado", "benchmarks.servers.tornado_web", ("tornado",)),
    Contestant("aiohttp-uvloop", "benchmarks.servers.aiohttp_uvloop", ("aiohttp", "uvloop")),
    Contestant(
        "starlette-uvicorn", "benchmarks.servers.starlette_uvicorn", ("starlette", "uvicorn", "uvloop", "httptools")
    ),
)

_BROWSER_OPTIONS: Final = tuple(part for name, value in BROWSER.items() for part in ("-H", f"{name}: {value}"))

HELLO: Final = Work("hello", "a plain GET: two lines")
WORKS: Final = (
    HELLO,
    Work("browser", "the same with a browser's twelve fields", _BROWSER_OPTIONS),
    Work(
        "strangers", "and a thirteenth, a cookie that is another each time", ("-s", str(_STRANGERS), *_BROWSER_OPTIONS)
    ),
    Work("pipelined", "the plain GET, sixteen in one write; figures for each", ("-s", str(_PIPELINED)), 16),
)
