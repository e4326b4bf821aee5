"""Steps: as early as their needs allow, and honest about what failed."""

import asyncio
from collections.abc import Callable

import pytest

from photomesh_local.lifecycle.display import Silent
from photomesh_local.lifecycle.steps import Step, run_steps, with_needs


def _step(name: str, needs: list[str], log: list[str], error: str = "") -> Step:
    async def run(say: Callable[[str], None]) -> str:
        log.append(name)
        if error:
            raise ConnectionError(error)
        return "ready"

    return Step(name, "servers", run, needs)


async def test_a_step_runs_after_what_it_needs() -> None:
    log: list[str] = []
    steps = [_step("service", ["schema", "redis"], log), _step("schema", ["db"], log), _step("db", [], log)]
    board = await run_steps([*steps, _step("redis", [], log)], Silent(), deadline=5)
    assert log.index("db") < log.index("schema") < log.index("service")
    assert log.index("redis") < log.index("service")
    assert {progress.status for progress in board} == {"done"}


async def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    log: list[str] = []
    steps = [_step("db", [], log, error="no disk"), _step("schema", ["db"], log), _step("service", ["schema"], log)]
    board = await run_steps([*steps, _step("redis", [], log)], Silent(), deadline=5)
    assert [(progress.name, progress.status) for progress in board] == [
        ("db", "failed"),
        ("schema", "skipped"),
        ("service", "skipped"),
        ("redis", "done"),
    ]
    assert board[0].detail == "no disk"
    assert sorted(log) == ["db", "redis"]


async def test_a_step_that_never_ends_is_given_up_with_the_last_it_said() -> None:
    async def forever(say: Callable[[str], None]) -> str:
        say("LOADING")
        await asyncio.Event().wait()
        return "never"

    (progress,) = await run_steps([Step("redis", "servers", forever)], Silent(), deadline=0.05)
    assert progress.status == "failed"
    assert "LOADING" in progress.detail


def test_what_is_wanted_brings_what_it_needs() -> None:
    log: list[str] = []
    steps = {name: _step(name, needs, log) for name, needs in {"db": [], "schema": ["db"], "redis": []}.items()}
    assert [step.name for step in with_needs(steps, ["schema"])] == ["db", "schema"]
    assert [step.name for step in with_needs(steps, ["servers"])] == ["db", "schema", "redis"]
    assert len(with_needs(steps, None)) == 3
    with pytest.raises(ValueError, match="typo"):
        with_needs(steps, ["typo"])
