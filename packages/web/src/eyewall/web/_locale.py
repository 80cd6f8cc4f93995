"""Locales: which language a user reads. The translations themselves are the program's, or a library's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ._users import UsersMixin


class Locale(Protocol):
    """What a template uses for translations; ``tornado.locale.Locale`` has this shape."""

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Translate a message; if a plural is given, ``count`` decides between the two."""
        ...

    def pgettext(self, context: str, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Translate a message that means different things in different contexts."""
        ...


class Untranslated:
    """The locale of a program that has none: every message as it stands."""

    code: str = "en_US"
    name: str = "English (US)"

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the message, or the plural where ``count`` is not 1."""
        return message if plural_message is None or count == 1 else plural_message

    def pgettext(self, context: str, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the message, or the plural where ``count`` is not 1."""
        return self.translate(message, plural_message, count)

    if not TYPE_CHECKING:  # which would have it answer for every name

        def __getattr__(self, name: str) -> object:
            raise AttributeError(
                f"the default locale only translates, and has no {name!r}: give Application find_locale=, "
                "such as tornado.locale.get, whose locales know dates and numbers"
            )

    def __repr__(self) -> str:
        return "<Untranslated>"


class LocaleMixin(UsersMixin):
    """The methods of a handler that concern languages."""

    _locale: Any = None

    @property
    def locale(self) -> Any:  # Any: the program's own Locale, which knows more than the Protocol
        """The locale of this request: from :meth:`get_user_locale`, or else from :meth:`get_browser_locale`."""
        if self._locale is None:
            self._locale = self.get_user_locale() or self.get_browser_locale()
        return self._locale

    @locale.setter
    def locale(self, value: Any) -> None:
        self._locale = value

    def get_user_locale(self) -> Any:  # Any: the program's own
        """Return the locale that the user has chosen, or None. Override it."""
        return None

    def get_browser_locale(self, default: str = "en_US") -> Any:  # Any: the program's own
        """Return the locale that the browser requests in ``Accept-Language``: see :meth:`find_locale`."""
        from eyewall.httpserver import parse_preferences

        languages = [
            item.value for item in parse_preferences(self.request.headers.get("Accept-Language", "")) if item.weight
        ]
        return self.find_locale(*(languages or [default]))

    def find_locale(self, *codes: str) -> Any:  # Any: the program's own
        """Return the best locale for the given languages, the most wanted first, by the setting ``find_locale``.

        The setting is a function of the language codes, such as ``tornado.locale.get``. Without it, messages are not
        translated.
        """
        find = self.settings.get("find_locale")
        return Untranslated() if find is None else find(*codes)
