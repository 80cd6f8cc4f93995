"""Settings: those that are known, and those that are misspelt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eyewall.web
from eyewall.web import Application, JinjaLoader, SettingError
from eyewall.web._settings import KNOWN


def test_every_setting_that_is_asked_for_is_known() -> None:
    asked = re.compile(r'settings(?:\.get\(|\[)"(\w+)"|require_setting\("(\w+)"')
    sources = Path(eyewall.web.__file__).parent.rglob("*.py")
    found = {first or second for path in sources for first, second in asked.findall(path.read_text())}
    assert "xsrf_cookies" in found
    assert found <= set(KNOWN)


def test_a_setting_that_is_nearly_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    Application(xsrf_cookie=True)
    assert "'xsrf_cookie' is unknown to eyewall and has no effect there: is 'xsrf_cookies' meant?" in caplog.text


def test_what_tornado_hands_on_to_its_loader_is_told(caplog: pytest.LogCaptureFixture) -> None:
    Application(autoescape=None, template_whitespace="single")
    assert "'autoescape' has no effect: it is an argument of the loader, template_loader=tornado.tem" in caplog.text
    assert "tornado.template.Loader(path, whitespace='single')" in caplog.text
    caplog.clear()
    Application(autoescape=None, template_loader=JinjaLoader(environment="one of its own"))
    assert not caplog.records


def test_settings_of_the_programs_own_are_its_business(caplog: pytest.LogCaptureFixture) -> None:
    Application(database="shop", static="no", login_url="/login", login_urls=["/login", "/enter"])
    assert not caplog.records


def test_a_secret_that_can_be_none_is_an_error_at_the_start() -> None:
    with pytest.raises(SettingError, match="cookie_secret is 3: make it a long random text"):
        Application(cookie_secret=3)
