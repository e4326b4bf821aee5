"""``python -m benchmarks.scaling``: see the package."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import report
from benchmarks.scaling.autoscaler import SYNC_SECONDS, Autoscaler, Behaviour
from benchmarks.scaling.group import STEP, Group
from benchmarks.scaling.rules import Rule, arrivals_and_backlog, lag_alone
from photomesh_local.configuration import registry

_PROGRAM = "media-worker"
_HEIC_PER_SECOND = 5.9
"""Two decoders at 337 ms of CPU for a HEIC of 12 MP (`results/media.md`)."""


@dataclass(frozen=True)
class Scenario:
    name: str
    rate: float
    """Records a second of one pod."""
    profile: tuple[tuple[int, float], ...]
    """(seconds, arrivals a second), in turn."""
    one_key: bool = False


@dataclass(frozen=True)
class Outcome:
    scenario: str
    rule: str
    partitions: int
    replicas: tuple[int, ...]
    p99_seconds: float
    over_2_seconds: float
    """Share of the time in which the oldest record was older than two seconds."""
    pods_per_needed: float
    """Pod seconds over those of the work itself."""
    final_pods: int


def _scenarios(rate: float) -> list[Scenario]:
    return [
        Scenario("steady 60/s, 25 min", rate, ((60, rate), (1500, 60))),
        Scenario("20/s, 120/s for 10 min, 20/s", rate, ((60, 20), (600, 120), (600, 20))),
        Scenario("HEIC 5/s, 50/s for 25 min", _HEIC_PER_SECOND, ((60, 5), (1500, 50))),
        Scenario("one account, 30/s for 5 min", rate, ((60, 5), (300, 30)), one_key=True),
    ]


def _lag_alone(maximum: int) -> Behaviour:
    """How it was until November 2026."""
    return Behaviour(
        minimum=2, maximum=maximum, up_percent=200, up_pods=4, down_percent=25, down_period=60, stabilization=300
    )


def _ours(minimum: int, maximum: int) -> Behaviour:
    """As in `tools/programs/templates/kubernetes/scaling-consumer.yaml.j2`."""
    return Behaviour(
        minimum=minimum,
        maximum=maximum,
        up_percent=900,
        up_pods=8,
        down_percent=100,
        down_period=15,
        stabilization=120,
    )


def _run(scenario: Scenario, name: str, rule: Rule, behaviour: Behaviour, partitions: int) -> Outcome:
    autoscaler = Autoscaler(behaviour, behaviour.minimum)
    group = Group(scenario.rate, partitions, behaviour.minimum, scenario.one_key)
    replicas = [behaviour.minimum]
    pod_seconds = late = now = 0.0
    next_decision = float(SYNC_SECONDS)
    for seconds, arrivals in scenario.profile:
        until = now + seconds
        while now < until:
            group.step(now, arrivals, autoscaler.replicas)
            pod_seconds += autoscaler.replicas * STEP
            oldest = group.oldest_since
            late += STEP * (oldest is not None and now - oldest > 2)
            if now >= next_decision:
                next_decision += SYNC_SECONDS
                if autoscaler.decide(now, rule(group.history, now)) != replicas[-1]:
                    replicas.append(autoscaler.replicas)
            now += STEP
    work = sum(seconds * arrivals for seconds, arrivals in scenario.profile) / scenario.rate
    p99 = report.quantile(group.waits, 0.99)
    return Outcome(scenario.name, name, partitions, tuple(replicas), p99, late / now, pod_seconds / work, replicas[-1])


def outcomes() -> list[Outcome]:
    """Run every scenario with both rules, on 12 and 48 partitions."""
    scaling = registry.PROGRAMS[_PROGRAM].scaling
    assert isinstance(scaling, registry.ConsumerScaling)
    found = []
    for scenario in _scenarios(scaling.records_per_second):
        ours = arrivals_and_backlog(scaling, 1 / scenario.rate)
        for partitions in (12, 48):
            before = lag_alone(2 * scaling.records_per_second)
            found.append(_run(scenario, "lag alone", before, _lag_alone(partitions), partitions))
            found.append(_run(scenario, "arrivals and backlog", ours, _ours(scaling.min, partitions), partitions))
    return found


def _table(found: Sequence[Outcome]) -> list[str]:
    lines = [
        "| scenario | partitions | rule | pods | changes | P99 wait | oldest over 2 s | pod seconds ÷ needed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        pods = " ".join(map(str, one.replicas))
        lines.append(
            f"| {one.scenario} | {one.partitions} | {one.rule} | {pods} | {len(one.replicas) - 1} | "
            f"{one.p99_seconds:.1f} s | {one.over_2_seconds:.0%} | {one.pods_per_needed:.2f} |"
        )
    return lines


def main() -> None:
    argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__).parse_args()
    found = outcomes()
    lines = [
        "# How consumers scale",
        "",
        f"`make bench-scaling`: {_PROGRAM} under the HPA, simulated. A pod starts in 6 s; a rebalance pauses "
        "the group for 3 s. Loads change right after the HPA has decided, so its next decision is 15 s later.",
        "",
        *_table(found),
    ]
    print(report.write("scaling", lines, {"outcomes": [vars(one) for one in found]}))


if __name__ == "__main__":
    main()
