"""Imports the parts of a package when they are first asked for, as PEP 562 has it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def import_later(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and the ``__dir__`` of a package that takes these names from these modules when asked.

    For the packages of eyewall, so that a program does not import what it has no use for. A name is looked up once,
    and is an attribute from then on; any other is an ``AttributeError``, and if it is imported from here
    but is in another package, or in Tornado, an ``ImportError`` that says where. Type checkers want the same imports
    under ``TYPE_CHECKING``::

        __getattr__, __dir__ = import_later(__name__, {"._periodic": ("PeriodicCallback",)})
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        from importlib import import_module

        if name not in homes:
            # Python itself has only "cannot import name" to say of such an import; hasattr is answered as ever.
            caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - there is no other way to ask
            if caller.f_code.co_name == "_handle_fromlist":
                from ._elsewhere import check_import

                check_import(package, name)
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value: object = getattr(import_module(homes[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, list_names
