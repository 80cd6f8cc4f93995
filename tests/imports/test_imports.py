"""What an import loads, and what a layer takes from those below it.

import-linter holds the direction (see pyproject.toml); here is what it cannot express.
"""

from __future__ import annotations

import ast
import importlib
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = Path(__file__).parents[2] / "packages"
LAYERS = ["ioloop", "iostream", "tcpserver", "httpserver", "web"]
# Each takes a millisecond or more, of the few dozen in which all of eyewall is there.
SLOW_TO_IMPORT = ["dataclasses", "datetime", "email", "hashlib", "html", "http.client", "inspect", "ipaddress", "json"]
SLOW_TO_IMPORT += ["mimetypes", "random", "tempfile", "typing_extensions", "urllib.parse"]
NEVER_AT_IMPORT = ["asyncio", "multiprocessing", "ssl", "trio", "uvloop"]


def modules(layer: str) -> Iterator[tuple[str, Path]]:
    """Give each module of a layer, by its name and its file."""
    source = PACKAGES / layer / "src"
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def is_optional(module: str) -> bool:
    """A backend needs its loop's package, WebSocket its library, and what is for tests may need what tests do."""
    return any(part in module for part in (".backends._", "._websocket.", ".testing"))


MODULES = [name for layer in LAYERS for name, _ in modules(layer) if not is_optional(name)]
PUBLIC = [name for name in MODULES if "._" not in name]
PRIVATE = [name for name in MODULES if "._" in name]
FILES = [pytest.param(layer, name, path, id=name) for layer in LAYERS for name, path in modules(layer)]


def run(program: str) -> str:
    """Run a program in a clean process, and give what it printed."""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", PRIVATE)
def test_a_private_module_imports_by_itself(module: str) -> None:
    assert run(f"import {module} as module; print(module.__name__)") == f"{module}\n"


def test_an_import_of_all_layers_loads_nothing_that_is_slow() -> None:
    before = "import sys; before = set(sys.modules); import eyewall.web"
    loaded = run(f"{before}; print(*(name for name in {SLOW_TO_IMPORT} if name in sys.modules.keys() - before))")
    assert not loaded.split(), f"import these in the function that needs them: {loaded}"


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_imports_by_itself_and_loads_no_event_loop_and_no_tls(module: str) -> None:
    loaded = run(f"import sys, {module}; print(*(name for name in {NEVER_AT_IMPORT} if name in sys.modules))")
    assert not loaded.split(), f"importing {module} also imports {loaded}"


@pytest.mark.parametrize("layer", LAYERS)
def test_all_names_each_thing_once_and_each_exists(layer: str) -> None:
    package = importlib.import_module(f"eyewall.{layer}")
    assert len(set(package.__all__)) == len(package.__all__)
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


@pytest.mark.parametrize(("layer", "module", "path"), FILES)
def test_a_layer_takes_from_others_only_what_their_all_names(layer: str, module: str, path: Path) -> None:
    taken = list(foreign_names(layer, path))
    strangers = [f"{other}: {name}" for other, name in taken if not is_public(other, name, within=module)]
    assert strangers == [], f"{path} takes names that are not public"


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_that_is_imported_is_declared_as_a_dependency(layer: str) -> None:
    project = tomllib.loads((PACKAGES / layer / "pyproject.toml").read_text())["project"]
    declared = {line.split(">")[0].removeprefix("eyewall-") for line in project["dependencies"]}
    imported = {other.split(".")[1] for _, path in modules(layer) for other, _ in foreign_names(layer, path)}
    assert imported <= declared, f"eyewall-{layer} imports layers that it does not declare"


def foreign_names(layer: str, path: Path) -> Iterator[tuple[str, str | None]]:
    """Give what a file imports of other layers: (module, name), with None for the module as a whole."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found: list[tuple[str, str | None]] = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        else:
            continue
        for module, name in found:
            parts = [*module.split("."), name or ""]
            if parts[0] == "eyewall" and parts[1] != layer:
                yield module, name


def is_public(module: str, name: str | None, *, within: str) -> bool:
    """A package's root gives what its ``__all__`` names; tests, and what is for tests, may use ``testing`` too."""
    parts = module.split(".")
    if len(parts) > 2:
        return parts[2] == "testing" and ".testing" in within and not any(part.startswith("_") for part in parts)
    return name is None or name in importlib.import_module(module).__all__


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_imported_when_asked_for_is_what_a_type_checker_sees(layer: str) -> None:
    tree = ast.parse((PACKAGES / layer / "src/eyewall" / layer / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        f"{'.' * line.level}{line.module}": tuple(sorted(alias.name for alias in line.names))
        for line in block.body
        if isinstance(line, ast.ImportFrom)
    }
    later = importlib.import_module(f"eyewall.{layer}._later")
    assert {home: tuple(sorted(names)) for home, names in later.MODULES.items()} == seen


@pytest.mark.parametrize("layer", LAYERS)
def test_a_name_that_is_imported_when_asked_for_is_as_any_other(layer: str) -> None:
    package, later = (importlib.import_module(f"eyewall.{layer}{end}") for end in ("", "._later"))
    names = {name for names in later.MODULES.values() for name in names}
    assert names <= set(package.__all__) & set(dir(package))
    assert run(f"from eyewall.{layer} import *; print(*({names!r} - globals().keys()))") == "\n"
    with pytest.raises(AttributeError, match=f"module 'eyewall.{layer}' has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("from eyewall.web import gen", "Tornado's own goes on working beside eyewall, from tornado import gen"),
        ("from eyewall.web import PeriodicCallback", "it is in eyewall.ioloop"),
        ("from eyewall.ioloop import RequestHandler", "it is in eyewall.web"),
        ("from eyewall.httpserver import websocket", "what tornado.websocket has is in eyewall.web"),
    ],
)
def test_an_import_from_the_wrong_package_says_where_the_name_is(line: str, place: str) -> None:
    with pytest.raises(ImportError, match=f"^cannot import name '.*' from 'eyewall.*': {place}$"):
        exec(line)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_name_that_is_nowhere_is_refused_as_any_other(layer: str) -> None:
    with pytest.raises(ImportError, match=f"cannot import name 'nothing' from 'eyewall.{layer}'"):
        exec(f"from eyewall.{layer} import nothing")
    assert not hasattr(importlib.import_module(f"eyewall.{layer}"), "gen")
    assert run(f"from eyewall.{layer} import testing, errors; print(testing.__name__)") == f"eyewall.{layer}.testing\n"


@pytest.mark.parametrize("layer", LAYERS)
def test_the_annotations_of_each_public_class_can_be_evaluated(layer: str) -> None:
    # No import brings TLS, nor what needs the library of an extra: whoever asks for these names them.
    names = {"ssl": ssl, "WebSocketConnection": object}
    package = importlib.import_module(f"eyewall.{layer}")
    for kind in [getattr(package, name) for name in package.__all__]:
        if isinstance(kind, type):
            assert not any(isinstance(hint, str) for hint in get_type_hints(kind, localns=names).values())
