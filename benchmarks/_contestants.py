"""Who is measured, and at what."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

_PIPELINED: Final = Path(__file__).parent / "pipelined.lua"
_POST: Final = Path(__file__).parent / "post.lua"
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
    """True for a floor, which parses nothing and has to be told what to send."""
    more: str | None = None
    """The module that serves all kinds of work, where it is another; empty where there is none."""
    imports: str = ""
    """What the smallest program imports, as an import statement names it."""

    def serves(self, work: Work) -> bool:
        """Whether it takes part in a kind of work."""
        if work.drive == "import":
            return self.imports != ""
        if work.own:
            return self.canned or self.more == _EYEWALL
        if work.floor:
            return self is FLOOR or not (self.canned or self.more == "")
        return work.is_hello or self.canned or self.more != ""

    def command(self, work: Work) -> list[str]:
        """Give the module to run, and what it is told behind the port."""
        if self.canned and work.floor:
            return [work.floor]
        if self.canned:
            return [self.module, str(work.at_a_time), str(work.size), *(["close"] if work.closes else [])]
        return [self.module if work.is_hello or self.more is None else self.more]

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
    path: str = "/"
    """What is asked for."""
    expects: bytes = b"Hello, world!"
    """What the answer's body begins with, to a request without any of wrk's options."""
    size: int = 13
    """How many bytes of body a floor answers with."""
    tls: bool = False
    """Over TLS."""
    closes: bool = False
    """A new connection for each request."""
    drive: str = "wrk"
    """Who asks: wrk, or a driver of ``_drivers``."""
    unit: str = "µs/request"
    """Of what is measured. Microseconds are the server's processor time."""
    floor: str = ""
    """The module that is the floor of this kind of work, where the usual one cannot be."""
    places: int = 10
    """How many routes the application has behind all others."""
    idle: int = 0
    """How many idle connections there are beside, each of which has been answered once."""
    own: bool = False
    """Whether it is asked of eyewall.web alone, as there is no one way of the others to do it."""

    @property
    def is_hello(self) -> bool:
        """Whether it takes no more than the smallest program."""
        return self.path == "/" and not self.tls

    @property
    def is_processor_time(self) -> bool:
        """Whether the figure is the server's processor time, and not another quantity."""
        return self.unit.startswith("µs")

    @property
    def by_hello(self) -> bool:
        """Whether it is compared with the floor's plain request; what cannot be, is with the floor's own figure."""
        return self.unit in {"µs/request", "µs/message"}


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

_EYEWALL: Final = "benchmarks.servers.eyewall_web"
_WEB: Final = "eyewall.ioloop, eyewall.httpserver, eyewall.web"
FLOOR: Final = Contestant("floor", "benchmarks.servers.floor", canned=True, imports="select, socket, sys")
CONTESTANTS: Final = (
    FLOOR,
    Contestant("floor-asyncio", "benchmarks.servers.floor_asyncio", canned=True, imports="asyncio"),
    Contestant("eyewall.httpserver", "benchmarks.servers.eyewall_callback", more="", imports="eyewall.httpserver"),
    Contestant("eyewall.web", "examples.hello", more=_EYEWALL, imports=_WEB),
    Contestant("eyewall.web-selector", "examples.hello", (), loop="selector", more=_EYEWALL),
    Contestant("eyewall.web-uvloop", "examples.hello", ("uvloop",), loop="uvloop", more=_EYEWALL),
    Contestant("eyewall.web-trio", "examples.hello", ("trio",), loop="trio", more=_EYEWALL),
    Contestant("tornado", "benchmarks.servers.tornado_web", ("tornado",), imports="tornado.ioloop, tornado.web"),
    Contestant(
        "aiohttp-uvloop", "benchmarks.servers.aiohttp_uvloop", ("aiohttp", "uvloop"), imports="aiohttp.web, uvloop"
    ),
    Contestant(
        "starlette-uvicorn",
        "benchmarks.servers.starlette_uvicorn",
        ("starlette", "uvicorn", "uvloop", "httptools"),
        imports="starlette.applications, uvicorn, uvloop, httptools",
    ),
    Contestant(
        "starlette-granian",
        "benchmarks.servers.starlette_granian",
        ("starlette", "granian", "uvloop"),
        imports="starlette.applications, granian, uvloop",
    ),
    Contestant(
        "blacksheep-uvicorn",
        "benchmarks.servers.blacksheep_uvicorn",
        ("blacksheep", "uvicorn", "uvloop", "httptools"),
        imports="blacksheep, uvicorn, uvloop, httptools",
    ),
    Contestant(
        "blacksheep-granian",
        "benchmarks.servers.blacksheep_granian",
        ("blacksheep", "granian", "uvloop"),
        imports="blacksheep, granian, uvloop",
    ),
)

_BROWSER_OPTIONS: Final = tuple(part for name, value in BROWSER.items() for part in ("-H", f"{name}: {value}"))

# Forty of a hundred bytes, as a site collects them.
COOKIES: Final = "; ".join(f"name{number:02}={'v' * 93}" for number in range(40))

HELLO: Final = Work("hello", "a plain GET: two lines")
WORKS: Final = (
    HELLO,
    Work("browser", "the same with a browser's twelve fields", _BROWSER_OPTIONS),
    Work(
        "strangers", "and a thirteenth, a cookie that is another each time", ("-s", str(_STRANGERS), *_BROWSER_OPTIONS)
    ),
    Work("pipelined", "the plain GET, sixteen in one write; figures for each", ("-s", str(_PIPELINED)), 16),
    Work("connect", "the plain GET, a new connection for each", ("-H", "Connection: close"), closes=True),
    Work("tls", "the plain GET over TLS", tls=True, floor="benchmarks.servers.floor_tls"),
    Work(
        "typed",
        "a route with two values and a browser's twelve fields, answered with JSON",
        _BROWSER_OPTIONS,
        path="/users/42/alice",
        expects=b'{"id":',
        size=27,
    ),
    Work("post", "1 KiB of JSON read and written", ("-s", str(_POST)), path="/echo", expects=b"", size=1000),
    Work(
        "post-codec",
        "the same by self.json and a returned value, with msgspec",
        ("-s", str(_POST)),
        path="/typed-echo",
        expects=b"",
        size=1000,
        own=True,
    ),
    Work("static-4k", "a file of 4 KiB", path="/static/4k.txt", expects=b"xxxx", size=4096),
    Work("static-64k", "a file of 64 KiB", path="/static/64k.txt", expects=b"xxxx", size=65536),
    Work("routes-10", "the last of 10 further routes", path="/place-9/7", places=10),
    Work("routes-1000", "the last of 1 000 further routes", path="/place-999/7", places=1000),
    Work("beside", "the plain GET, with 10 000 idle connections beside", idle=10_000),
    Work("headers", "an answer with 50 header fields of its own", path="/headers", size=1500),
    Work("cookie", "the plain GET with 4 KiB of cookies, which nobody reads", ("-H", f"Cookie: {COOKIES}")),
    Work(
        "upload",
        "256 MiB into a handler that takes them in pieces",
        path="/upload",
        expects=b"",
        drive="upload",
        unit="µs/MiB",
        floor="benchmarks.servers.floor_transfer",
    ),
    Work(
        "download",
        "256 MiB from a handler, 64 KiB at a time",
        path="/download/1",
        expects=bytes(4),
        drive="download",
        unit="µs/MiB",
        floor="benchmarks.servers.floor_transfer",
    ),
    Work(
        "websocket",
        "64 bytes of text sent back over WebSocket",
        path="/socket",
        expects=b"",
        drive="websocket",
        unit="µs/message",
        floor="benchmarks.servers.floor_websocket",
    ),
    Work("memory", "for each of 10 000 idle connections, answered once", drive="memory", unit="KiB", idle=10_000),
    Work("start", "from the start of the process to its first answer", drive="start", unit="ms"),
    Work("import", "what the smallest program imports", drive="import", unit="ms"),
)
