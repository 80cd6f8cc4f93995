"""Tornado's test cases, and the fixtures: as those who come with either use them."""

from __future__ import annotations

import unittest

import pytest

from eyewall.web import Application, HTTPClientError, RequestHandler
from eyewall.web.testing import (
    AsyncHTTPSTestCase,
    AsyncHTTPTestCase,
    AsyncTestCase,
    fetch,
    gen_test,
    get_async_test_timeout,
)

pytest_plugins = ["pytester"]


class Echo(RequestHandler):
    def get(self) -> None:
        self.write(f"{self.request.protocol} {self.get_argument('q', '')} {self.request.headers.get('X-A', '')}")

    def post(self) -> None:
        self.write(self.get_body_argument("name"))

    put = post


class Moved(RequestHandler):
    def get(self, status: str) -> None:
        self.redirect("/?q=moved", status=int(status))

    post = put = get


class Again(RequestHandler):
    def get(self) -> None:
        self.redirect("/again")


class Cut(RequestHandler):
    async def get(self) -> None:
        self.write("begun")
        await self.flush()
        raise ZeroDivisionError


def make_app() -> Application:
    return Application([("/", Echo), (r"/moved/(\d+)", Moved), ("/again", Again), ("/cut", Cut)])


class HTTPCase(AsyncHTTPTestCase):
    def get_app(self) -> Application:
        return make_app()

    def test_fetch(self) -> None:
        response = self.fetch("/?q=1", headers={"X-A": "b"})
        assert (response.code, response.reason, response.text) == (200, "OK", "http 1 b")
        assert response.effective_url == self.get_url("/?q=1") == f"http://127.0.0.1:{self.get_http_port()}/?q=1"
        assert self.fetch("/", method="POST", body="name=ada").text == "ada"
        assert self.fetch(self.get_url("/"), method="PUT", body=b"name=ada").text == "ada"
        assert self.fetch("/", method="HEAD").code == 405
        assert response.error is None

    def test_errors_are_raised_where_that_is_asked_for(self) -> None:
        assert self.fetch("/none").code == 404
        with pytest.raises(HTTPClientError, match="HTTP 404: Not Found"):
            self.fetch("/none", raise_error=True)

    def test_redirects(self) -> None:
        assert self.fetch("/moved/302").text == "http moved "
        assert self.fetch("/moved/303", method="POST", body="").text == "http moved "
        assert self.fetch("/moved/307", method="POST", body="name=x").text == "x"
        assert self.fetch("/moved/301", follow_redirects=False).code == 301
        assert self.fetch("/again", max_redirects=2).code == 302

    def test_an_answer_that_breaks_off_is_none(self) -> None:
        with pytest.raises(OSError, match="the stream is closed"):
            self.fetch("/cut")

    @gen_test
    async def test_in_a_coroutine(self) -> None:
        assert (await fetch(self.get_url("/?q=2"))).text == "http 2 "


class HTTPSCase(AsyncHTTPSTestCase):
    def get_app(self) -> Application:
        return make_app()

    def test_it_is_tls(self) -> None:
        assert self.fetch("/").text == "https  "


class LoopCase(AsyncTestCase):
    def test_stop_gives_what_wait_gives(self) -> None:
        self.io_loop.add_callback(self.stop, 42)
        assert self.wait() == 42
        self.stop(a=1)
        assert self.wait() == {"a": 1}
        seen: list[int] = []

        def see() -> None:
            seen.append(len(seen))
            self.stop()

        for _ in range(3):
            self.io_loop.call_later(0, see)
        self.wait(condition=lambda: len(seen) == 3)
        with pytest.raises(AssertionError, match=r"timed out after 0.01 seconds"):
            self.wait(timeout=0.01)

    @gen_test
    async def test_a_coroutine(self) -> None:
        promise = self.io_loop.create_future()
        self.io_loop.add_callback(promise.set_result, None)
        await promise

    def test_one_that_takes_too_long_fails(self) -> None:
        @gen_test(timeout=0.01)
        async def forever(self: LoopCase) -> None:
            await self.io_loop.create_future()

        with pytest.raises(TimeoutError):
            forever(self)


def test_a_case_without_an_application_says_so() -> None:
    class NoApp(AsyncHTTPTestCase):
        def runTest(self) -> None:  # noqa: N802 - unittest's name
            pytest.fail("never reached")

    result = unittest.TestResult()
    NoApp().run(result)
    ((_, trace),) = result.errors
    assert "NoApp.get_app() gives the application to be tested: define it" in trace


@pytest.mark.parametrize(("variable", "seconds"), [("30", 30.0), ("long", 5.0), (None, 5.0)])
def test_the_environment_says_how_long_to_wait(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, seconds: float
) -> None:
    if variable is None:
        monkeypatch.delenv("ASYNC_TEST_TIMEOUT", raising=False)
    else:
        monkeypatch.setenv("ASYNC_TEST_TIMEOUT", variable)
    assert get_async_test_timeout() == seconds


def test_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["eyewall.web.testing.plugin"]')
    pytester.makepyfile("""
        import pytest
        from eyewall.web import Application, RequestHandler

        class Main(RequestHandler):
            def get(self):
                self.write(self.get_cookie("a") or "nobody")
                self.set_cookie("a", "ada")

        @pytest.fixture
        def app():
            return Application([("/", Main)])

        async def test_one(app_client):
            assert (await app_client.get("/")).text == "nobody"
            assert (await app_client.get("/")).text == "ada"

        async def test_several(make_app_client, app):
            one, other = make_app_client(app), make_app_client(app, host="other")
            await one.get("/")
            assert (await other.get("/")).text == "nobody"
    """)
    result = pytester.runpytest_subprocess("--backends", "asyncio,simulated", "-q")
    result.assert_outcomes(passed=4)


def test_without_an_application_the_fixture_says_so(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["eyewall.web.testing.plugin"]')
    pytester.makepyfile("async def test_it(app_client): pass")
    result = pytester.runpytest_subprocess("--backends", "asyncio")
    result.stdout.fnmatch_lines(["*app_client needs the application: define a fixture app()*"])
