"""UI modules: pieces of a page with what they need of scripts and styles, as Tornado's templates call them."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from eyewall.httpserver import HTTPServerRequest

    from ._templates import TemplatesMixin


class UIModule:
    """A reusable piece of pages: subclass it, define :meth:`render`, and list it in the setting ``ui_modules``.

    A template calls it as ``{{ modules.Entry(entry) }}``, or in ``tornado.template`` as ``{% module Entry(entry)
    %}``. :meth:`RequestHandler.render` puts what the other methods return into the page once, however often the
    module occurs in it.
    """

    def __init__(self, handler: TemplatesMixin) -> None:
        self.handler: TemplatesMixin = handler
        """The handler that renders the page."""
        self.request: HTTPServerRequest = handler.request
        """Its request."""

    @property
    def locale(self) -> Any:  # Any: the program's own
        """The locale of the request."""
        return self.handler.locale

    @property
    def current_user(self) -> Any:  # Any: the program's own
        """The user."""
        return self.handler.current_user

    def render(self, *args: Any, **kwargs: Any) -> str | bytes:
        """Return the HTML of the piece."""
        raise NotImplementedError(f"{type(self).__name__} has no render()")

    def embedded_javascript(self) -> str | None:
        """Return a script for the end of the page."""
        return None

    def javascript_files(self) -> str | Iterable[str] | None:
        """Return the URLs of scripts, or their paths below ``static_path``."""
        return None

    def embedded_css(self) -> str | None:
        """Return styles for the head of the page."""
        return None

    def css_files(self) -> str | Iterable[str] | None:
        """Return the URLs of style sheets, or their paths below ``static_path``."""
        return None

    def html_head(self) -> str | None:
        """Return HTML for the end of the head."""
        return None

    def html_body(self) -> str | None:
        """Return HTML for the end of the body."""
        return None

    def render_string(self, path: str, **kwargs: Any) -> bytes:
        """Render a template, with the names that the page's has."""
        return self.handler.render_string(path, **kwargs)


class TemplateModule(UIModule):
    """The UI module ``Template``, which every application has: renders a template, with names of its own.

    ::

        {% module Template("entry.html", entry=entry) %}

    A template so rendered may call ``set_resources``, with what the methods of a :class:`UIModule` would give::

        {{ set_resources(javascript_files="entry.js", embedded_css="b {color: red}") }}

    They are put into the page once for each template, and may not change: ``ValueError``.
    """

    def __init__(self, handler: TemplatesMixin) -> None:
        super().__init__(handler)
        self._resources: dict[str, dict[str, Any]] = {}

    def render(self, path: str, **kwargs: Any) -> bytes:
        """Return the template, rendered."""
        return self.render_string(path, set_resources=partial(self._set_resources, path), **kwargs)

    def _set_resources(self, path: str, **resources: Any) -> str:
        if self._resources.setdefault(path, resources) != resources:
            raise ValueError(
                f"{path} asks for other resources than before: a page has them once, so let them be the same"
            )
        return ""

    def embedded_javascript(self) -> str:
        """Return the scripts of all templates."""
        return "\n".join(self._all("embedded_javascript"))

    def javascript_files(self) -> list[str]:
        """Return the URLs of their scripts."""
        return self._all("javascript_files")

    def embedded_css(self) -> str:
        """Return their styles."""
        return "\n".join(self._all("embedded_css"))

    def css_files(self) -> list[str]:
        """Return the URLs of their style sheets."""
        return self._all("css_files")

    def html_head(self) -> str:
        """Return their HTML for the head."""
        return "".join(self._all("html_head"))

    def html_body(self) -> str:
        """Return their HTML for the body."""
        return "".join(self._all("html_body"))

    def _all(self, name: str) -> list[str]:
        given = [resources[name] for resources in self._resources.values() if name in resources]
        return [text for one in given for text in ([one] if isinstance(one, str) else one)]


class _TokenField(UIModule):
    def render(self) -> str:
        return self.handler.xsrf_form_html()


class _Links(UIModule):
    def render(self, text: str, **kwargs: Any) -> str:
        from importlib import import_module

        try:
            linkify: Callable[..., str] = import_module("tornado.escape").linkify
        except ImportError as error:
            raise SettingError(
                "the UI module linkify is Tornado's: pip install tornado, or write {{ text|urlize }} with Jinja2"
            ) from error
        return linkify(text, **kwargs)


_OWN: Final[dict[str, type[UIModule]]] = {"Template": TemplateModule, "linkify": _Links, "xsrf_form_html": _TokenField}
"""The modules that every application has, by Tornado's names."""


class UIModules:
    """The modules of one page by their names, as templates see them; notes which were used."""

    def __init__(self, handler: TemplatesMixin, modules: Mapping[str, type[UIModule]], mark: type[str]) -> None:
        self._handler = handler
        self._modules = modules
        self._mark = mark
        self._used: dict[str, UIModule] = {}

    def __getattr__(self, name: str) -> Callable[..., str]:
        if name not in self._modules:
            raise AttributeError(f"there is no UI module {name!r}; there are {', '.join(self._modules)}")
        if name not in self._used:
            self._used[name] = self._modules[name](self._handler)
        render = self._used[name].render

        def call(*args: Any, **kwargs: Any) -> str:
            piece = render(*args, **kwargs)
            return self._mark(piece.decode() if isinstance(piece, bytes) else piece)

        return call

    __getitem__ = __getattr__

    def add_to(self, page: bytes) -> bytes:
        """Put what the modules that were used need into a page."""
        if not self._used:
            return page
        page = _insert(page, b"</head>", self._head())
        return _insert(page, b"</body>", self._body())

    def _head(self) -> Iterator[bytes]:
        if files := self._files("css_files"):
            yield self._handler.render_linked_css(files).encode()
        if styles := self._texts("embedded_css"):
            yield self._handler.render_embed_css(styles)
        if texts := self._texts("html_head"):
            yield b"".join(texts)

    def _body(self) -> Iterator[bytes]:
        if files := self._files("javascript_files"):
            yield self._handler.render_linked_js(files).encode()
        if scripts := self._texts("embedded_javascript"):
            yield self._handler.render_embed_js(scripts)
        if texts := self._texts("html_body"):
            yield b"".join(texts)

    def _texts(self, method: str) -> list[bytes]:
        texts: list[str | bytes | None] = [getattr(module, method)() for module in self._used.values()]
        return [text.encode() if isinstance(text, str) else text for text in texts if text]

    def _files(self, method: str) -> list[str]:
        files: list[str] = []
        for module in self._used.values():
            given: str | bytes | Iterable[str] | None = getattr(module, method)()
            if isinstance(given, str | bytes):
                given = [given if isinstance(given, str) else given.decode()]
            files.extend(map(str, given or ()))
        return files


def linked_css(urls: Iterable[str]) -> str:
    """Link style sheets."""
    from html import escape

    return "".join(f'<link href="{escape(url)}" type="text/css" rel="stylesheet"/>' for url in urls)


def embedded_css(styles: Iterable[bytes]) -> bytes:
    """Put styles into an element."""
    return b'<style type="text/css">\n' + b"\n".join(styles) + b"\n</style>"


def linked_js(urls: Iterable[str]) -> str:
    """Link scripts."""
    from html import escape

    return "".join(f'<script src="{escape(url)}" type="text/javascript"></script>' for url in urls)


def embedded_js(scripts: Iterable[bytes]) -> bytes:
    """Put scripts into an element."""
    return b'<script type="text/javascript">\n//<![CDATA[\n' + b"\n".join(scripts) + b"\n//]]>\n</script>"


def _insert(page: bytes, before: bytes, parts: Iterable[bytes]) -> bytes:
    """Put parts before the last place of a tag, each with the end of its line; at the end where there is none."""
    what = b"".join([part + b"\n" for part in parts])
    place = page.rfind(before)
    return page[:place] + what + page[place:] if place >= 0 else page + what


def read_modules(setting: object) -> dict[str, type[UIModule]]:
    """Read the setting ``ui_modules``: a dict, a module of Python, or a list of them. They go before our own."""
    return {**_OWN, **{name: value for name, value in _members(setting, "ui_modules") if _is_ui_module(value)}}


def read_methods(setting: object) -> dict[str, Callable[..., Any]]:
    """Read the setting ``ui_methods``, in the same forms."""
    return {
        name: value
        for name, value in _members(setting, "ui_methods")
        if callable(value) and not isinstance(value, type)
    }


def _is_ui_module(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, UIModule)


def _members(setting: object, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(setting, dict):
        yield from setting.items()
    elif isinstance(setting, ModuleType):
        yield from ((key, value) for key, value in vars(setting).items() if not key.startswith("_"))
    elif isinstance(setting, list | tuple):
        for item in setting:  # pyright: ignore[reportUnknownVariableType] - each is looked at
            yield from _members(item, name)  # pyright: ignore[reportUnknownArgumentType] - the same
    else:
        raise SettingError(f"{name} is {setting!r}: make it a dict of names, a module, or a list of them")
