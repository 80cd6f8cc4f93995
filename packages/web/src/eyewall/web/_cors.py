"""Cross-origin resource sharing: which pages of other sites may read what is answered (WHATWG Fetch 3.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from ._base import HandlerBase
from ._transforms import OutputTransform, add_vary, transform_for
from .errors import Finish, HTTPError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eyewall.httpserver import HTTPHeaders, HTTPServerRequest

_is_origin: Final = re.compile(r"[a-z][a-z0-9+.\-]*://(?:[a-z0-9.\-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?").fullmatch
_is_token: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch

MAX_AGE_SECONDS: Final = 600


class CORS:
    """Which pages of other origins may read responses; immutable.

    ::

        class Api(RequestHandler):
            cors = CORS(["https://app.example"], credentials=True)

        Application(routes, cors=CORS("*"))  # for all handlers without a policy of their own

    ``origins`` lists the allowed origins as a browser writes them (scheme, host, and the port unless it is the
    default one), or is ``"*"`` for any. Only responses to these origins, error pages included, carry the permission;
    with a list, all responses have ``Vary: Origin``. A preflight request is answered before ``prepare``, with the
    methods that the handler answers, or with ``methods``. ``request_headers`` are the fields that scripts may send in
    addition to those that any page may send; ``response_headers`` those that they may read in addition to the usual
    ones. ``max_age`` is how many seconds a browser may remember a preflight.

    With ``credentials``, requests may carry cookies and their responses may be read; this cannot be combined with
    ``"*"``. A listed origin may also send requests that change something (see ``cross_origin_protection``); an origin
    allowed only by ``"*"`` may not.

    Raises ``ValueError`` for a combination that makes no sense, and ``TypeError`` for a string in place of a list.
    """

    __slots__ = (
        "credentials",
        "max_age",
        "methods",
        "origins",
        "request_headers",
        "response_headers",
    )

    def __init__(
        self,
        origins: Iterable[str] | Literal["*"],
        *,
        methods: Iterable[str] | None = None,
        request_headers: Iterable[str] = ("Content-Type",),
        response_headers: Iterable[str] = (),
        credentials: bool = False,
        max_age: int = MAX_AGE_SECONDS,
    ) -> None:
        self.origins: Final = "*" if origins == "*" else _checked_origins(origins)
        """The origins that may read responses; ``"*"`` for any."""
        self.methods: Final = None if methods is None else _checked_tokens("methods", methods)
        """The methods that a preflight response names; None: those that the handler answers."""
        self.request_headers: Final = _checked_tokens("request_headers", request_headers)
        """The header fields that scripts may send."""
        self.response_headers: Final = _checked_tokens("response_headers", response_headers)
        """The header fields that scripts may read."""
        self.credentials: Final = credentials
        """Whether requests may carry cookies."""
        self.max_age: Final = max_age
        """Seconds for which a preflight may be remembered."""
        if credentials and self.origins == "*":
            raise ValueError("CORS with credentials for '*' would let every site act as its visitor: list the origins")
        if max_age < 0:
            raise ValueError(f"max_age is {max_age}: make it a number of seconds, or 0 for each time anew")

    def allows(self, origin: str) -> bool:
        """Say whether pages of an origin may read responses: override it for rules that a list cannot express."""
        return self.origins == "*" or origin in self.origins

    def names(self, origin: str) -> bool:
        """Say whether an origin is allowed by its name, and not just by ``"*"``."""
        return self.origins != "*" and self.allows(origin)

    def __repr__(self) -> str:
        return f"CORS({self.origins!r}, credentials={self.credentials})"

    def add_fields(self, origin: str | None, headers: HTTPHeaders) -> None:
        """Say in the header fields of an answer that a page of the origin may read it, if it may."""
        if self.origins != "*":
            add_vary(headers, "Origin")
        if origin is None or not self.allows(origin):
            return
        headers["Access-Control-Allow-Origin"] = "*" if self.origins == "*" else origin
        if self.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if self.response_headers:
            headers["Access-Control-Expose-Headers"] = ", ".join(self.response_headers)

    def preflight_fields(self, methods: Sequence[str]) -> Mapping[str, str]:
        """Return the header fields that answer a preflight, to a handler that answers ``methods``."""
        fields = {"Access-Control-Allow-Methods": ", ".join(self.methods or methods)}
        if self.request_headers:
            fields["Access-Control-Allow-Headers"] = ", ".join(self.request_headers)
        fields["Access-Control-Max-Age"] = str(self.max_age)
        return fields


class CORSTransform(OutputTransform):
    """Adds the fields of a policy to each response; made by :func:`transform_of`."""

    policy: ClassVar[CORS]

    def __init__(self, request: HTTPServerRequest) -> None:
        self._origin = request.headers.get("Origin")

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add them."""
        headers = headers.copy()
        self.policy.add_fields(self._origin, headers)
        return status_code, headers, chunk

    def changes_body(self) -> bool:
        """False: it adds to the head."""
        return False


def transform_of(cors: CORS) -> type[OutputTransform]:
    """Return what responses go through, by that policy."""

    class Transform(CORSTransform):
        policy = cors

    return Transform


class CORSMixin(HandlerBase):
    """The methods of a handler around pages of other origins that read its answers."""

    cors: ClassVar[CORS | None] = None
    """Which pages of other origins may read the responses; None: as the setting ``cors`` says, by default none."""

    obeys_cors: ClassVar[bool] = False
    """True once the class looks at its own :attr:`cors`; set by the Application."""

    @property
    def _cors_policy(self) -> CORS | None:
        policy: CORS | None = self.cors or self.settings.get("cors")
        return policy

    def _answer_preflight(self, methods: Sequence[str]) -> None:
        """Answer a browser that asks whether a page of another origin may send a request, and end it there."""
        policy, headers = self._cors_policy, self.request.headers
        origin = headers.get("Origin")
        if policy is None or origin is None or "Access-Control-Request-Method" not in headers or not methods:
            return
        if not policy.allows(origin):
            raise HTTPError(403, "the origin %r is not among those of %r", origin, policy)
        self.set_status(204)
        for name, value in policy.preflight_fields(methods).items():
            self.set_header(name, value)
        add_vary(self._headers, "Access-Control-Request-Method", "Access-Control-Request-Headers")
        raise Finish

    def _apply_own_cors(self, cors: CORS) -> None:
        """Let the response go through the handler's own policy, in place of the application's."""
        others = [one for one in self.application.transforms if not issubclass(one, CORSTransform)]
        self._transform = transform_for(self.request, [*others, transform_of(cors)])


def read_cors(settings: Mapping[str, Any]) -> list[type[OutputTransform]]:
    """What the setting ``cors`` puts between handlers and connections. Raises :class:`SettingError`."""
    cors = settings.get("cors")
    if cors is None:
        return []
    if not isinstance(cors, CORS):
        raise SettingError(f"the setting cors is {cors!r}: make it CORS(['https://app.example']), from eyewall.web")
    return [transform_of(cors)]


def _checked_origins(origins: Iterable[str]) -> frozenset[str]:
    if isinstance(origins, str):
        raise TypeError(f"the origins are {origins!r}: make them a list, such as ['https://app.example'], or '*'")
    checked = frozenset(origins)
    for origin in checked:
        if not _is_origin(origin):
            remedy = "write it as a browser does, such as 'https://app.example' or 'http://localhost:3000'"
            raise ValueError(f"{origin!r} is not an origin: {remedy}")
    return checked


def _checked_tokens(name: str, tokens: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tokens, str):
        raise TypeError(f"{name} is {tokens!r}: make it a list")
    checked = tuple(tokens)
    for token in checked:
        # To a request without credentials a star means any; to one with them, a field of that name.
        if not _is_token(token) or token == "*":
            raise ValueError(f"{name} has {token!r}: write out each")
    return checked
