"""Each distribution is built, and installs alone in an empty environment, beside only the layers below it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ["ioloop", "iostream", "tcpserver", "httpserver", "web"]
CLEAN = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def run(*command: str | Path) -> str:
    """Run a program far from the sources, and give what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=CLEAN)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


def build(package: str, folder: Path) -> Path:
    """Build the sdist, and the wheel from that: what is missing in the sdist is missing in the wheel."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT / "packages" / package)
    stem = "eyewall" if package == "eyewall" else f"eyewall_{package}"
    (wheel,) = folder.glob(f"{stem}-*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dist")
    return {package: build(package, folder) for package in [*LAYERS, "eyewall"]}


def install(wheels: dict[str, Path], *packages: str, into: Path) -> Path:
    """Install these wheels and nothing else in an empty environment, and give its Python."""
    python = into / "env" / "bin" / "python"
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, into / "env")
    uv_pip_install = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-index", "--python", python)
    run(*uv_pip_install, *(wheels[package] for package in packages))
    return python


@pytest.mark.parametrize("layer", LAYERS)
def test_a_wheel_installs_beside_the_layers_below_alone_and_imports(
    layer: str, wheels: dict[str, Path], tmp_path: Path
) -> None:
    up_to_it = LAYERS[: LAYERS.index(layer) + 1]
    python = install(wheels, *up_to_it, into=tmp_path)
    module = f"eyewall.{layer}"
    printed = run(python, "-I", "-c", f"import {module}; print({module}.__file__); print(*{module}.__all__)")
    where, names = printed.splitlines()
    assert Path(where).is_relative_to(tmp_path), f"{module} is imported from {where}, which is not the wheel's"
    assert names, f"{module} has nothing public"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_wheel_holds_its_own_portion_of_the_namespace_and_no_more(layer: str, wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels[layer]) as wheel:
        files = wheel.namelist()
    code = [name for name in files if ".dist-info/" not in name]
    assert f"eyewall/{layer}/py.typed" in code
    assert [name for name in code if not name.startswith(f"eyewall/{layer}/")] == []
    assert [name for name in files if name.endswith("/licenses/LICENSE")] != []


def test_the_eyewall_distribution_holds_no_code_and_brings_all_layers(wheels: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(wheels["eyewall"]) as wheel:
        assert [name for name in wheel.namelist() if ".dist-info/" not in name] == []
    python = install(wheels, *LAYERS, "eyewall", into=tmp_path)
    printed = run(python, "-I", "-c", "import importlib.metadata as m; print(*m.requires('eyewall'))")
    assert "eyewall-web" in printed
