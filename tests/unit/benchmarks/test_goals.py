"""The summary of `make bench` reads the figures that each benchmark leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.goals import GOALS, Goal

RESULTS = Path("benchmarks/results")


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.benchmark}: {goal.name}")
def test_goals_are_read_from_the_figures_of_their_benchmark(goal: Goal) -> None:
    assert Path("benchmarks", goal.benchmark, "__main__.py").exists()
    figures = RESULTS / f"{goal.benchmark}.json"
    if figures.exists():
        reached = goal.value(json.loads(figures.read_text()))
        assert reached is None or math.isfinite(reached)


@pytest.mark.parametrize(
    ("at_least", "reached", "share"), [(True, 50, 0.5), (True, 200, 2), (False, 50, 2), (False, 200, 0.5)]
)
def test_a_share_of_one_or_more_is_a_goal_that_is_met(at_least: bool, reached: float, share: float) -> None:
    assert Goal("likes", "a goal", 100, "", lambda _: reached, at_least=at_least).share(reached) == share
