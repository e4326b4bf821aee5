"""The tests' own shape: folders stand alone, and what they share is in `tests/support`."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def no_garbage_is_collected() -> Iterator[None]:
    """A collected future whose exception nobody took logs a traceback, for which Python 3.11 parses code: amid another
    `ast.parse`, that makes a SystemError of this one."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files() -> list[Path]:
    files = list(TESTS.rglob("*.py"))
    assert len(files) > 150
    return files


def _home(file: Path) -> str:
    """What stands alone: `tests.unit.post`, `tests.e2e`, `tests.support` …"""
    parts = file.relative_to(TESTS).parts[:-1]
    return ".".join(["tests", *parts[: 2 if parts[:1] in (("unit",), ("integration",)) else 1]])


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_a_folder_imports_builders_from_support_only() -> None:
    """Or from `tests.faults`, which is a tool with tests of its own."""
    foreign = [
        f"{file.relative_to(TESTS)} imports {name}"
        for file in _files()
        for name in _imports(file)
        if name.startswith("tests.")
        and not any(
            _inside(name, allowed) for allowed in (_home(file), "tests.support", "tests.conftest", "tests.faults")
        )
    ]
    assert foreign == []


def test_support_imports_no_tests() -> None:
    foreign = [
        f"{file.relative_to(TESTS)} imports {name}"
        for file in _files()
        if _home(file) == "tests.support"
        for name in _imports(file)
        if name.startswith("tests.") and not _inside(name, "tests.support")
    ]
    assert foreign == []


def test_integration_tests_take_their_servers_from_the_provider() -> None:
    """Those of the local stack itself excepted."""
    direct = [
        f"{file.relative_to(TESTS)} imports {name}"
        for file in _files()
        if _inside(_home(file), "tests.integration") and _home(file) != "tests.integration.local"
        for name in _imports(file)
        if _inside(name, "photomesh_local")
    ]
    assert direct == []


def test_every_folder_of_tests_is_for_something() -> None:
    """A test that lies where nothing is collected would never run."""
    files = [file for file in _files() if file.name.startswith("test_")]
    assert {file.relative_to(TESTS).parts[0] for file in files} <= {
        "architecture",
        "contract",
        "e2e",
        "integration",
        "unit",
    }
