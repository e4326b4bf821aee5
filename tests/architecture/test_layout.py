"""The shape of the code: small packages, short modules, and the same frame for every deployable.

Who may import whom is the import linter's to judge (`.importlinter`); that it judges every deployable is tested here.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_MODULES = 15
_LINES = 350
_GRAB_BAGS = {"helper", "helpers", "misc", "util", "utils"}
_DEPLOYABLES = tomllib.loads((ROOT / "deploy/programs.toml").read_text())["deployables"]


def _sources() -> Iterator[Path]:
    for pattern in ("shared/src", "gateway/src", "services/*/src", "deploy/local/src"):
        for folder in ROOT.glob(pattern):
            yield from folder.rglob("*.py")


def _relative(paths: Iterator[Path]) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def test_a_package_holds_few_modules() -> None:
    packages = {path.parent for path in _sources()}
    assert len(packages) > 20
    crowded = (p for p in packages if sum(m.name != "__init__.py" for m in p.glob("*.py")) > _MODULES)
    assert _relative(crowded) == [], f"more than {_MODULES} modules: split by noun"


def test_a_module_is_a_few_screens_long() -> None:
    long = (path for path in _sources() if len(path.read_text().splitlines()) > _LINES)
    assert _relative(long) == [], f"more than {_LINES} lines"


def test_a_module_is_named_for_what_it_holds() -> None:
    assert _relative(path for path in _sources() if {path.stem, path.parent.name} & _GRAB_BAGS) == []


@pytest.mark.parametrize("name", _DEPLOYABLES)
def test_a_deployable_has_the_frame_of_all_others(name: str) -> None:
    folder, package = ROOT / _DEPLOYABLES[name].get("folder", f"services/{name}"), name.replace("-", "_")
    source = folder / "src" / f"photomesh_{package}"
    expected = [
        *(folder / file for file in ("README.md", "pyproject.toml")),
        *(source / file for file in ("__init__.py", "__main__.py", "settings.py", "wiring.py", "py.typed")),
        *(ROOT / "tests" / kind / package for kind in ("unit", "integration")),
    ]
    assert _relative(path for path in expected if not path.exists()) == []


@pytest.mark.parametrize("name", [*_DEPLOYABLES, "shared", "local"])
def test_every_module_of_a_package_is_in_a_layer(name: str) -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    contract = contracts[f"importlinter:contract:layers-{name}"]
    assert contract["type"] == "layers"
    assert contract["containers"].split() == [f"photomesh_{name.replace('-', '_')}"]
    assert contract.getboolean("exhaustive"), "a module in no layer would go unnoticed"
    assert "exhaustive_ignores" not in contract
