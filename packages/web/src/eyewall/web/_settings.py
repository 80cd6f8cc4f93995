"""The settings that an Application knows, and what is wrong with those that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._log import general_log
from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN: Final = (
    *("automatic_head", "automatic_options", "autoreload", "compiled_template_cache", "compress_response"),
    *("cookie_secret", "cors", "cross_origin_protection", "debug", "default_handler_args", "default_handler_class"),
    *("find_locale", "gzip", "key_version", "log_function", "login_url", "serve_traceback", "static_cache_size"),
    *("static_handler_args", "static_handler_class", "static_path", "static_url_prefix"),
    *("template_loader", "template_path", "trusted_origins", "ui_methods", "ui_modules"),
    *("websocket_max_message_size", "websocket_ping_interval", "websocket_ping_timeout"),
    *("xsrf_cookie_kwargs", "xsrf_cookie_name", "xsrf_cookie_version", "xsrf_cookies"),
)
"""Every name that is asked for; a program may have settings of its own besides."""


_OF_A_LOADER: Final = ("autoescape", "template_whitespace")
"""What Tornado hands on to the loader of its templates."""


def check_settings(settings: Mapping[str, object]) -> None:
    """Log a warning for each that is probably misspelt or has no effect, and refuse a secret that cannot be one."""
    for name in settings.keys() - set(KNOWN):
        if name in _OF_A_LOADER:
            _warn_of_loaders(name, settings)
        else:
            _warn_if_misspelt(name, settings)
    secret = settings.get("cookie_secret")
    if not isinstance(secret, str | bytes | dict | None):
        raise SettingError(f"cookie_secret is {secret!r}: make it a long random text, the same in all processes")


def _warn_of_loaders(name: str, settings: Mapping[str, object]) -> None:
    # With a loader of one's own it has no effect in Tornado either.
    if "template_loader" not in settings:
        argument = name.removeprefix("template_")
        loader = f"template_loader=tornado.template.Loader(path, {argument}={settings[name]!r})"
        general_log.warning("the setting %r has no effect: it is an argument of the loader, %s", name, loader)


def _warn_if_misspelt(name: str, settings: Mapping[str, object]) -> None:
    from difflib import get_close_matches  # needed at the start only

    # Who has given the right one, too, means another thing by this.
    for meant in get_close_matches(name, set(KNOWN) - settings.keys(), n=1, cutoff=0.85):
        general_log.warning("the setting %r is unknown to eyewall and has no effect there: is %r meant?", name, meant)
