"""What `make test` repeats, and what it makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import whole_run

Runs = Callable[..., list[tuple[str, ...]]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    """Has pytest fail as given, run by run; returns the list of runs' arguments."""

    def prepare(*outcomes: tuple[int, list[str]]) -> list[tuple[str, ...]]:
        made, left = list[tuple[str, ...]](), list(outcomes)
        failed_tests = tmp_path / "lastfailed"

        def run(*arguments: str) -> int:
            made.append(arguments)
            code, failed = left.pop(0)
            failed_tests.write_text(json.dumps(dict.fromkeys(failed, True)))
            return code

        monkeypatch.setattr(whole_run, "run", run)
        monkeypatch.setattr(whole_run, "_FAILED", failed_tests)
        return made

    return prepare


def test_both_parts_run_with_what_was_asked_for(runs: Runs) -> None:
    made = runs((0, []), (5, []))
    assert whole_run.main(["-k", "likes"]) == 0
    assert [one[0] for one in made] == ["--ignore=tests/e2e", "tests/e2e"]
    assert all(one[-2:] == ("-k", "likes") for one in made)


def test_what_passes_by_itself_is_named(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    made = runs((1, ["tests/unit/a.py::test_a"]), (0, []), (0, []))
    assert whole_run.main([]) == 0
    assert made[1] == ("tests/unit/a.py::test_a",)
    assert "to be mended: tests/unit/a.py::test_a" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("outcomes", "count"),
    [
        ([(1, ["a::a"]), (1, ["a::a"]), (0, [])], 3),  # fails again
        ([(1, ["a::a", "a::b", "a::c", "a::d"]), (0, [])], 2),  # too many
        ([(0, []), (1, ["tests/e2e/test_faults.py::test_a"])], 2),  # random
        ([(2, ["a::a"]), (0, [])], 2),  # interrupted
        ([(-9, []), (0, [])], 2),  # killed
        ([(1, []), (0, [])], 2),  # failed outside tests
    ],
)
def test_what_fails_fails_the_run(outcomes: list[tuple[int, list[str]]], count: int, runs: Runs) -> None:
    made = runs(*outcomes)
    assert whole_run.main([]) != 0
    assert len(made) == count


def test_the_failures_are_where_pytest_leaves_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_run, "_FAILED", tmp_path / "v/cache/lastfailed")
    test = tmp_path / "test_a.py"
    test.write_text("def test_a():\n    assert False\n")
    assert (
        pytest.main(["-q", "-p", "no:asyncio", "-o", f"cache_dir={tmp_path}", f"--rootdir={tmp_path}", str(test)]) == 1
    )
    assert whole_run.repeatable() == ["test_a.py::test_a"]
