"""The autoscaling of consumers holds steady under a steady load, by the simulation of `benchmarks.scaling`."""

from __future__ import annotations

import pytest

from benchmarks.scaling.__main__ import Outcome, outcomes
from benchmarks.scaling.autoscaler import Autoscaler, Behaviour
from benchmarks.scaling.group import STEP, Sample
from benchmarks.scaling.rules import arrivals_and_backlog
from photomesh_local.configuration import registry


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, int, str], Outcome]:
    return {(one.scenario.split()[0], one.partitions, one.rule): one for one in outcomes()}


@pytest.mark.parametrize("partitions", [12, 48])
def test_a_steady_load_seldom_changes_the_number_of_pods(
    found: dict[tuple[str, int, str], Outcome], partitions: int
) -> None:
    ours, lag = (found["steady", partitions, rule] for rule in ("arrivals and backlog", "lag alone"))
    assert len(ours.replicas) - 1 <= 4 < len(lag.replicas) - 1
    assert ours.pods_per_needed < 1.6 < lag.pods_per_needed
    assert ours.over_2_seconds < lag.over_2_seconds


@pytest.mark.parametrize("scenario", ["20/s,", "HEIC"])
@pytest.mark.parametrize("partitions", [12, 48])
def test_nobody_waits_longer_than_with_lag_alone(
    found: dict[tuple[str, int, str], Outcome], scenario: str, partitions: int
) -> None:
    ours, lag = (found[scenario, partitions, rule] for rule in ("arrivals and backlog", "lag alone"))
    assert ours.p99_seconds < lag.p99_seconds


def test_one_hot_partition_starts_no_pods_that_cannot_help(found: dict[tuple[str, int, str], Outcome]) -> None:
    assert max(found["one", 12, "arrivals and backlog"].replicas) <= 2
    assert max(found["one", 12, "lag alone"].replicas) == 12


def test_eleven_pods_do_not_stay_where_twelve_are_needed() -> None:
    """One of them would have two partitions, more than it has time for; and twelve are within the HPA's tolerance."""
    scaling = registry.PROGRAMS["media-worker"].scaling
    assert isinstance(scaling, registry.ConsumerScaling)
    a_minute = [Sample((step * 2,) * 12, (0,) * 12) for step in range(round(120 / STEP))]  # 4 a second and partition
    wanted = arrivals_and_backlog(scaling, 1 / 5.9)(a_minute, 100)
    behaviour = Behaviour(
        minimum=2, maximum=12, up_percent=900, up_pods=8, down_percent=100, down_period=15, stabilization=120
    )
    assert Autoscaler(behaviour, 11).decide(100, 12) == 11
    assert Autoscaler(behaviour, 11).decide(100, wanted) == 12
    assert Autoscaler(behaviour, 12).decide(100, wanted) == 12
