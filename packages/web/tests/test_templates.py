"""Pages made of templates, by Jinja2 and by engines of another make."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.web import Application, JinjaLoader, RequestHandler, SettingError, TemplateLoader, UIModule
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytest.importorskip("jinja2")


class Page(RequestHandler):
    def get_current_user(self) -> str:
        return "Ada"

    def get(self, name: str) -> None:
        self.render(name, text="<b>bold</b>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("body {}")
    return tmp_path


def client(folder: Path, **settings: Any) -> AppClient:
    settings.setdefault("template_path", folder)
    app = Application([(r"/(.*)", Page, None, "page")], static_path=str(folder / "static"), **settings)
    return AppClient(app)


async def rendered(folder: Path, text: str, **settings: Any) -> str:
    (folder / "page.html").write_text(text)
    response = await client(folder, **settings).get("/page.html")
    assert response.code == 200, response.text
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    return response.text


async def test_what_a_template_is_given_is_escaped(folder: Path) -> None:
    assert await rendered(folder, "{{ text }}") == "&lt;b&gt;bold&lt;/b&gt;"


async def test_a_template_knows_handler_request_and_user(folder: Path) -> None:
    text = await rendered(folder, "{{ handler.get_status() }} {{ request.method }} {{ current_user }}")
    assert text == "200 GET Ada"


async def test_a_template_makes_urls(folder: Path) -> None:
    text = await rendered(folder, "{{ reverse_url('page', 'a b') }} {{ static_url('style.css') }}")
    reversed_url, static_url = text.split()
    assert reversed_url == "/a%20b"
    path, _, version = static_url.partition("?v=")
    assert (path, len(version)) == ("/static/style.css", 128)


async def test_the_field_against_forged_forms_is_not_escaped(folder: Path) -> None:
    text = await rendered(folder, "{{ xsrf_form_html() }}")
    assert text.startswith('<input type="hidden" name="_xsrf" value="2|')


async def test_messages_are_translated_by_the_locale_that_was_found(folder: Path) -> None:
    class German:
        def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
            return {"Hello": "Hallo"}[message]

        def pgettext(self, context: str, message: str, *rest: object) -> str:
            return f"{context}:{message}"

    asked: list[tuple[str, ...]] = []

    def find(*codes: str) -> German:
        asked.append(codes)
        return German()

    page = "{{ _('Hello') }} {{ translate('Hello') }} {{ pgettext('menu', 'Open') }}"
    assert await rendered(folder, page, find_locale=find) == "Hallo Hallo menu:Open"
    assert asked == [("en_US",)]
    (folder / "page.html").write_text("{{ _('one thing', 'things', 2) }}")
    assert (await client(folder).get("/page.html")).text == "things"
    await client(folder, find_locale=find).get("/page.html", headers={"Accept-Language": "fr;q=0.2, de-AT, x;q=0"})
    assert asked[-1] == ("de-at", "fr")


async def test_functions_of_ones_own_are_given_the_handler(folder: Path) -> None:
    methods = {"shout": lambda handler, word: f"{handler.current_user}: {word.upper()}"}
    assert await rendered(folder, "{{ shout('hey') }}", ui_methods=methods) == "Ada: HEY"


async def test_a_name_that_is_not_there_is_an_error_and_not_an_empty_place(folder: Path) -> None:
    (folder / "page.html").write_text("{{ nothing }}")
    assert (await client(folder).get("/page.html")).code == 500
    assert (await client(folder).get("/other.html")).code == 500


async def test_a_template_is_read_once_unless_told_otherwise(folder: Path) -> None:
    for cached, text in ((True, "before"), (False, "after")):
        (folder / "page.html").write_text("before")
        app = client(folder, compiled_template_cache=cached)
        assert (await app.get("/page.html")).text == "before"
        (folder / "page.html").write_text("after, and of another length")
        assert (await app.get("/page.html")).text.startswith(text)


async def test_loaders_of_tornados_shape_serve_as_well(folder: Path) -> None:
    class Shout:
        def generate(self, **namespace: Any) -> bytes:
            return f"{namespace['current_user']} {namespace['text']}".encode()

    class Loader:
        def load(self, name: str, /) -> Shout:
            assert name == "any"
            return Shout()

    loader: TemplateLoader = Loader()
    assert (await client(folder, template_loader=loader).get("/any")).text == "Ada <b>bold</b>"


async def test_without_a_folder_or_a_loader_the_error_says_what_to_set(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await client(folder, template_path=None).get("/page.html")).code == 500
    assert "render needs the setting template_path" in caplog.text
    with pytest.raises(ValueError, match="JinjaLoader needs a path"):
        JinjaLoader()


async def test_a_static_url_may_have_the_host(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Link(RequestHandler):
        def get(self) -> None:
            self.write(self.static_url("style.css", include_host=True))

    with_files = AppClient(Application([("/", Link)], static_path=str(folder / "static")))
    url = (await with_files.get("/")).text
    assert url.startswith("http://testserver/static/style.css?v=")
    kept = await with_files.get(url.removeprefix("http://testserver"))
    assert kept.headers["Cache-Control"] == "max-age=315360000, immutable"
    assert "Cache-Control" not in (await with_files.get("/static/style.css")).headers
    assert (await AppClient(Application([("/", Link)])).get("/")).code == 500
    assert "static_url needs the setting static_path" in caplog.text


async def test_a_version_changes_with_the_file_and_a_missing_file_has_none(folder: Path) -> None:
    app = Application(static_path=str(folder / "static"))
    before = app.static_url("style.css")
    assert app.static_url("style.css") == before
    (folder / "static" / "style.css").write_text("body { color: red }")
    assert app.static_url("style.css") != before
    assert app.static_url("no such.css") == "/static/no%20such.css"
    with pytest.raises(SettingError):
        Application().static_url("style.css")


class Entry(UIModule):
    def render(self, text: str) -> str:
        return f"<p>{text} for {self.current_user}</p>"

    def embedded_javascript(self) -> str:
        return "go()"

    def javascript_files(self) -> list[str]:
        return ["style.css", "https://cdn.example/a.js?x=1&y"]

    def embedded_css(self) -> str:
        return "p {}"

    def css_files(self) -> str:
        return "/own.css"

    def html_head(self) -> str:
        return "<meta/>"

    def html_body(self) -> str:
        return "<i/>"


async def test_a_module_brings_what_it_needs_once(folder: Path) -> None:
    page = "<html><head></head><body>{{ modules.Entry('a') }}{{ modules['Entry']('b') }}</body></html>"
    text = await rendered(folder, page, ui_modules={"Entry": Entry, "no module": 7})
    assert "<p>a for Ada</p><p>b for Ada</p>" in text
    head, body = text.split("</head>")
    assert head.endswith(
        '<link href="/own.css" type="text/css" rel="stylesheet"/>\n<style type="text/css">\np {}\n</style>\n<meta/>\n'
    )
    assert body.count("<script src=") == 2
    assert '<script src="https://cdn.example/a.js?x=1&amp;y" type="text/javascript">' in body
    assert body.endswith("go()\n//]]>\n</script>\n<i/>\n</body></html>")


async def test_a_module_that_is_not_there_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "page.html").write_text("{{ modules.Nothing() }}")
    assert (await client(folder, ui_modules=[{"Entry": Entry}]).get("/page.html")).code == 500
    assert "Nothing" in caplog.text
    with pytest.raises(SettingError, match="ui_modules is 7: make it a dict"):
        Application(ui_modules=7)


async def test_every_application_has_the_modules_of_tornado(folder: Path) -> None:
    (folder / "item.html").write_text(
        "<i>{{ name }} for {{ current_user }}</i>{{ set_resources(javascript_files='style.css', css_files=['/a', '/b'],"
        " embedded_css='i {}', embedded_javascript='go()', html_head='<meta/>', html_body='<hr/>') }}"
    )
    page = (
        "<head></head><body>{% for name in 'AB' %}{{ modules.Template('item.html', name=name) }}{% endfor %}"
        "{{ modules.xsrf_form_html() }}</body>"
    )
    head, body = (await rendered(folder, page, xsrf_cookies=True, cookie_secret="secret")).split("</head>")
    assert "<i>A for Ada</i><i>B for Ada</i>" in body
    assert '<input type="hidden" name="_xsrf" value=' in body
    assert head.count('href="/a"') == head.count('href="/b"') == head.count("i {}") == head.count("<meta/>") == 1
    assert body.count('<script src="/static/style.css') == body.count("go()") == body.count("<hr/>") == 1


async def test_a_module_of_ones_own_goes_before_that_of_the_same_name(folder: Path) -> None:
    assert "<p>a for Ada</p>" in await rendered(folder, "{{ modules.linkify('a') }}", ui_modules={"linkify": Entry})


async def test_links_are_made_by_tornado_or_the_error_says_what_to_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    escape = ModuleType("tornado.escape")
    monkeypatch.setattr(escape, "linkify", "<a>{}</a>".format, raising=False)
    monkeypatch.setitem(sys.modules, "tornado", ModuleType("tornado"))
    monkeypatch.setitem(sys.modules, "tornado.escape", escape)
    assert await rendered(folder, "{{ modules.linkify('x') }}") == "<a>x</a>"
    monkeypatch.setitem(sys.modules, "tornado.escape", None)
    assert (await client(folder).get("/page.html")).code == 500
    assert "pip install tornado, or write {{ text|urlize }}" in caplog.text


async def test_a_template_that_asks_for_other_resources_each_time_is_an_error(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "item.html").write_text("{{ set_resources(html_head=name) }}")
    (folder / "page.html").write_text(
        "{{ modules.Template('item.html', name=1) }}{{ modules.Template('item.html', name=2) }}"
    )
    assert (await client(folder).get("/page.html")).code == 500
    assert "item.html asks for other resources than before" in caplog.text


async def test_a_template_of_tornados_that_jinja_gets_is_told_its_loader(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "page.html").write_text("{% if True %}yes{% end %}")
    page = await client(folder, debug=True, autoreload=False).get("/page.html")
    assert page.code == 500
    assert "template_loader=tornado.template.Loader(path)" in caplog.text
    assert "template_loader=tornado.template.Loader(path)" in page.text


async def test_a_locale_that_knows_no_dates_says_who_does(caplog: pytest.LogCaptureFixture) -> None:
    class Today(RequestHandler):
        def get(self) -> None:
            self.write(self.locale.format_date(0))

    assert (await AppClient(Application([("/", Today)])).get("/")).code == 500
    assert "give Application find_locale=, such as tornado.locale.get" in caplog.text


async def test_a_handler_says_how_scripts_and_styles_are_put_into_a_page(folder: Path) -> None:
    class Own(RequestHandler):
        def get(self) -> None:
            self.render("page.html")

        def render_linked_css(self, css_files: Iterable[str]) -> str:
            return f"<css {' '.join(css_files)}>"

        def render_embed_css(self, css_embed: Iterable[bytes]) -> bytes:
            return b"<style %s>" % b" ".join(css_embed)

        def render_linked_js(self, js_files: Iterable[str]) -> str:
            return f"<js {' '.join(js_files)}>"

        def render_embed_js(self, js_embed: Iterable[bytes]) -> bytes:
            return b"<script %s>" % b" ".join(js_embed)

    (folder / "page.html").write_text("<head></head><body>{{ modules.Entry('x') }}</body>")
    app = Application([("/", Own)], template_path=str(folder), ui_modules={"Entry": Entry})
    page = (await AppClient(app).get("/")).text
    assert page == (
        "<head><css /own.css>\n<style p {}>\n<meta/>\n</head><body><p>x for None</p>"
        "<js style.css https://cdn.example/a.js?x=1&y>\n<script go()>\n<i/>\n</body>"
    )


async def test_a_page_may_have_the_modules_and_functions_alone_and_then_asks_for_no_user(folder: Path) -> None:
    class Own(Page):
        def get_template_namespace(self) -> dict[str, Any]:
            return self.ui

        def get_current_user(self) -> str:
            raise ZeroDivisionError

    (folder / "page.html").write_text("{{ modules.Plain() }} {{ shout('hey') }}")

    class Plain(UIModule):
        def render(self) -> str:
            return "plain"

    methods = {"shout": lambda handler, text: text.upper()}
    app = Application([(r"/(.*)", Own)], template_path=str(folder), ui_modules={"Plain": Plain}, ui_methods=methods)
    response = await AppClient(app).get("/page.html")
    assert (response.code, response.text) == (200, "plain HEY")
