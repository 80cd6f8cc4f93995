"""For tests: a client that drives an application in memory; and Tornado's test cases.

The pytest plug-in, with fixtures for the client, is :mod:`eyewall.web.testing.plugin`.
"""

from ._cases import AsyncTestCase, gen_test, get_async_test_timeout
from ._client import AppClient, AppResponse, RequestOptions
from ._fetch import FetchResponse, fetch
from ._http_cases import AsyncHTTPSTestCase, AsyncHTTPTestCase, bind_unused_port

__all__ = [
    "AppClient",
    "AppResponse",
    "AsyncHTTPSTestCase",
    "AsyncHTTPTestCase",
    "AsyncTestCase",
    "FetchResponse",
    "RequestOptions",
    "bind_unused_port",
    "fetch",
    "gen_test",
    "get_async_test_timeout",
]
