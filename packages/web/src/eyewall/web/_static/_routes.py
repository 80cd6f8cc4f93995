"""The routes that an application has for the folder of the setting ``static_path``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .._routing import URLSpec
from ..errors import SettingError
from ._cache import DEFAULT_CACHE_SIZE, FileCache

if TYPE_CHECKING:
    from collections.abc import Mapping


def static_routes(settings: Mapping[str, Any]) -> list[URLSpec]:
    """The routes that the settings of an application ask for."""
    path: object = settings.get("static_path")
    if not path:
        return []
    from ._handler import StaticFileHandler

    handler: Any = settings.get("static_handler_class", StaticFileHandler)  # checked by its route
    kwargs = {**settings.get("static_handler_args", {}), "path": path}
    try:
        if isinstance(handler, type) and issubclass(handler, StaticFileHandler):
            handler.check_route(kwargs)
    except ValueError as error:
        raise SettingError(f"static_path is {path!r}: {error}") from error
    prefix = re.escape(settings.get("static_url_prefix", "/static/"))
    # The one that is asked for most comes first.
    patterns = (prefix + "(.*)", r"/(robots\.txt)", r"/(favicon\.ico)")
    return [URLSpec(pattern, handler, kwargs) for pattern in patterns]  # pyright: ignore[reportUnknownArgumentType] - as above


def static_cache(settings: Mapping[str, Any]) -> FileCache:
    """The memory that the settings grant to files."""
    size: object = settings.get("static_cache_size", DEFAULT_CACHE_SIZE)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise SettingError(f"static_cache_size is {size!r}: make it a number of bytes, or 0 to keep no file in memory")
    return FileCache(size)
