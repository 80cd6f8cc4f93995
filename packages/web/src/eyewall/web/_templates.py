"""Templates: a page made of a file and what a handler knows, by whatever engine was chosen."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from ._locale import LocaleMixin
from ._ui import UIModules, embedded_css, embedded_js, linked_css, linked_js
from ._xsrf import XSRFMixin
from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eyewall.ioloop import Future


_OF_TORNADO: Final = (
    "Where this is a template of Tornado's, give Application template_loader=tornado.template.Loader(path)."
)


class Template(Protocol):
    """A loaded template."""

    def generate(self, **namespace: Any) -> bytes | str:
        """Render the template with these names."""
        ...


class TemplateLoader(Protocol):
    """Loads templates: the shape of the setting ``template_loader``; the loaders of ``tornado.template`` have it."""

    def load(self, name: str, /) -> Template:
        """Return the template of that name."""
        ...


class JinjaLoader:
    """Loads Jinja2 templates (extra ``eyewall-web[templates]``), with autoescaping.

    ``path`` is a folder or several; or leave it out and pass an ``environment`` of your own. ``auto_reload`` checks
    the file each time; without it, a template is read only once.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | list[str] | None = None,
        *,
        auto_reload: bool = False,
        environment: Any = None,  # Any: a jinja2.Environment, which is not here without the extra
    ) -> None:
        if environment is None:
            environment = _environment(path, auto_reload)
        self.environment: Final[Any] = environment
        """The ``jinja2.Environment``, to which you can add filters and globals of your own."""

    def load(self, name: str, /) -> Template:
        """Return the template of that name. Raises ``jinja2.TemplateNotFound`` and ``jinja2.TemplateSyntaxError``."""
        try:
            template = self.environment.get_template(name)
        except Exception as error:
            if "unknown tag" in str(error):
                error.add_note(_OF_TORNADO)
            raise
        return _JinjaTemplate(template.render)


class _JinjaTemplate:
    def __init__(self, render: Callable[..., str]) -> None:
        self._render = render

    def generate(self, **namespace: Any) -> bytes:
        return self._render(namespace).encode()


def _environment(path: str | os.PathLike[str] | list[str] | None, auto_reload: bool) -> Any:
    if path is None:
        raise ValueError("JinjaLoader needs a path, the folder of the templates, or an environment")
    try:
        import jinja2
    except ImportError as error:
        raise SettingError(
            'templates need Jinja2: pip install "eyewall-web[templates]", or set template_loader to a loader of yours, '
            "such as tornado.template.Loader(path)"
        ) from error
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(path),
        autoescape=True,
        auto_reload=auto_reload,
        undefined=jinja2.StrictUndefined,
    )


class Markup(str):
    """HTML that template engines with autoescape leave as it is, by the method that they ask for it."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


class TemplatesMixin(XSRFMixin, LocaleMixin):
    """The methods of a handler that render templates."""

    _ui_modules: UIModules | None = None

    def render(self, template_name: str, **kwargs: Any) -> Future[None]:
        """Render a template and finish the response with it: see :meth:`render_string`."""
        page = self.render_string(template_name, **kwargs)
        return self.finish(page if self._ui_modules is None else self._ui_modules.add_to(page))

    def render_string(self, template_name: str, **kwargs: Any) -> bytes:
        """Render a template with ``kwargs`` and the names from :meth:`get_template_namespace`, and return the page.

        The setting ``template_loader`` loads it, or else Jinja2, from the folder of the setting ``template_path``.
        Raises whatever the engine raises, and :class:`SettingError` if neither is set.
        """
        loader = self.application.template_loader(self.get_template_path(), self.create_template_loader)
        page = loader.load(template_name).generate(**{**self.get_template_namespace(), **kwargs})
        return page.encode() if isinstance(page, str) else page

    def get_template_namespace(self) -> dict[str, Any]:
        """Return the names that every template has; override it to add some.

        They are ``handler``, ``request``, ``current_user``, ``static_url``, ``reverse_url``, ``xsrf_form_html``,
        ``locale``; ``_``, ``translate`` and ``pgettext`` of the locale; ``modules``; and the functions of the setting
        ``ui_methods``, which receive the handler as their first argument.
        """
        locale = self.locale
        return {
            "handler": self,
            "request": self.request,
            "current_user": self.current_user,
            "locale": locale,
            "_": locale.translate,
            "translate": locale.translate,
            "pgettext": locale.pgettext,
            "static_url": self.static_url,
            "xsrf_form_html": self._xsrf_markup,
            "reverse_url": self.reverse_url,
            **self.ui,
        }

    @property
    def ui(self) -> dict[str, Any]:
        """The UI modules, as ``modules``, and the functions of the setting ``ui_methods``, by name."""
        if self._ui_modules is None:
            self._ui_modules = UIModules(self, self.application.ui_modules, Markup)
        methods = {name: partial(method, self) for name, method in self.application.ui_methods.items()}
        return {"modules": self._ui_modules, "_tt_modules": self._ui_modules, **methods}

    def render_linked_css(self, css_files: Iterable[str]) -> str:
        """Return the HTML that links the style sheets of a page's UI modules; override it for another form.

        ``css_files`` are URLs, or paths below ``static_path``. Like the other three methods, it is called by
        :meth:`render` if there is something to link.
        """
        return linked_css(self._urls_of(css_files))

    def render_embed_css(self, css_embed: Iterable[bytes]) -> bytes:
        """Return the HTML that contains the styles of a page's UI modules."""
        return embedded_css(css_embed)

    def render_linked_js(self, js_files: Iterable[str]) -> str:
        """Return the HTML that links the scripts of a page's UI modules."""
        return linked_js(self._urls_of(js_files))

    def render_embed_js(self, js_embed: Iterable[bytes]) -> bytes:
        """Return the HTML that contains the scripts of a page's UI modules."""
        return embedded_js(js_embed)

    def _urls_of(self, files: Iterable[str]) -> list[str]:
        """Return each file's URL once, in order."""
        urls = (file if file.startswith(("/", "http:", "https:")) else self.static_url(file) for file in files)
        return list(dict.fromkeys(urls))

    def get_template_path(self) -> str | None:
        """Return the folder of this handler's templates: by default the setting ``template_path``."""
        path: str | os.PathLike[str] | None = self.settings.get("template_path")
        return None if path is None else os.fspath(path)

    def create_template_loader(self, template_path: str | None) -> TemplateLoader:
        """Return a loader for a folder; called once for each folder. Override it to use another engine."""
        loader: TemplateLoader | None = self.settings.get("template_loader")
        if loader is not None:
            return loader
        if template_path is None:
            raise SettingError(
                "render needs the setting template_path, the folder of the templates, or template_loader"
            )
        return JinjaLoader(template_path, auto_reload=not self.settings.get("compiled_template_cache", True))

    def _xsrf_markup(self) -> Markup:
        return Markup(self.xsrf_form_html())
