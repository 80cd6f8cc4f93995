"""Test cases that serve an application on a port, by Tornado's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyewall.httpserver import HTTPServer
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import bind_sockets

from ._cases import AsyncTestCase, get_async_test_timeout
from ._fetch import FetchResponse, fetch

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from eyewall.httpserver import HTTPServerConnectionDelegate
    from eyewall.iostream import SSLOptions


class AsyncHTTPTestCase(AsyncTestCase):
    """A test case that serves the application from :meth:`get_app` on a free port of this machine.

    ::

        class HelloTest(AsyncHTTPTestCase):
            def get_app(self) -> Application:
                return make_app()

            def test_hello(self) -> None:
                response = self.fetch("/")
                self.assertEqual((response.code, response.text), (200, "Hello"))

    Tests ported from Tornado find the names they know. There is no ``get_http_client``: use :meth:`fetch`, or
    :func:`fetch` in a coroutine. For new tests, :class:`AppClient` needs no port.
    """

    http_server: HTTPServer
    _port: int

    def setUp(self) -> None:
        """Start the server."""
        super().setUp()
        sock, self._port = bind_unused_port()
        self.addCleanup(sock.close)
        self._app = self.get_app()
        self.http_server = self.get_http_server()
        self.http_server.add_sockets([sock])

    def tearDown(self) -> None:
        """Close the server and its connections."""
        self.http_server.stop()
        self.io_loop.run_sync(self.http_server.close_all_connections, timeout=get_async_test_timeout())
        super().tearDown()

    def get_app(self) -> HTTPServerConnectionDelegate:
        """Return what is to be served: an Application."""
        raise NotImplementedError(f"{type(self).__name__}.get_app() gives the application to be tested: define it")

    def get_http_server(self) -> HTTPServer:
        """Create the server for the application."""
        return HTTPServer(self._app, io_loop=self.io_loop, **self.get_httpserver_options())

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return the arguments for the server besides its application."""
        return {}

    def get_http_port(self) -> int:
        """Return the port that is served."""
        return self._port

    def get_protocol(self) -> str:
        """Return the scheme of URLs."""
        return "http"

    def get_url(self, path: str) -> str:
        """Return the absolute URL of a path."""
        return f"{self.get_protocol()}://127.0.0.1:{self.get_http_port()}{path}"

    def fetch(
        self,
        path: str,
        raise_error: bool = False,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        follow_redirects: bool = True,
        max_redirects: int = 5,
        request_timeout: float | None = None,
    ) -> FetchResponse:
        """Send a request for a path, or a URL, and return the response; the loop runs in the meantime.

        Raises with ``raise_error`` :class:`~eyewall.web.HTTPClientError` for a status that is an error, and
        ``TimeoutError`` after ``request_timeout`` seconds (default: :func:`get_async_test_timeout`).
        """
        url = path if path.lower().startswith(("http://", "https://")) else self.get_url(path)
        response = self.io_loop.run_sync(
            lambda: fetch(
                url,
                method=method,
                headers=headers,
                body=body,
                follow_redirects=follow_redirects,
                max_redirects=max_redirects,
                ssl_options=self.get_client_ssl_options(),
            ),
            timeout=get_async_test_timeout() if request_timeout is None else request_timeout,
        )
        if raise_error:
            response.rethrow()
        return response

    def get_client_ssl_options(self) -> SSLOptions | None:
        """Return the ``ssl_options`` that :meth:`fetch` uses for TLS; None: trust what the system trusts."""
        return None


class AsyncHTTPSTestCase(AsyncHTTPTestCase):
    """The same over TLS, with a certificate for ``localhost`` that comes with eyewall."""

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return the certificate."""
        return {"ssl_options": self.get_ssl_options()}

    def get_ssl_options(self) -> dict[str, Any]:
        """Return the server's ``ssl_options``."""
        return dict(self_signed_certificate().server_options)

    def get_client_ssl_options(self) -> SSLOptions | None:
        """Trust the certificate."""
        return self_signed_certificate().client_options

    def get_protocol(self) -> str:
        """Return the scheme of URLs."""
        return "https"


def bind_unused_port(address: str = "127.0.0.1") -> tuple[socket.socket, int]:
    """Return a listening socket on a free port, and the number of the port."""
    (sock,) = bind_sockets(0, address)
    port: int = sock.getsockname()[1]
    return sock, port
