"""Schedules of faults: repeatable, and never two faults of one program at once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.schedule import Kind, outages, schedule

KINDS: Mapping[str, Sequence[Kind]] = {
    "gateway": ("kill", "pause", "stop", "restart"),
    "post-consumer": ("kill", "rewind"),
    "kafka": ("kill", "pause", "stop", "cut"),
    "redis": ("kill", "flush"),
}
seeds = st.integers(0, 2**32)


@given(seeds)
def test_a_seed_gives_one_schedule(seed: int) -> None:
    assert schedule(random.Random(seed), KINDS, 60) == schedule(random.Random(seed), KINDS, 60)


@given(seeds)
def test_a_program_has_recovered_before_its_next_fault(seed: int) -> None:
    faults = schedule(random.Random(seed), KINDS, 300)
    for program in KINDS:
        for one, next_one in pairwise(fault for fault in faults if fault.program == program):
            assert next_one.at >= one.at + one.seconds + 10


@given(seeds)
def test_faults_begin_in_order_and_in_time(seed: int) -> None:
    faults = schedule(random.Random(seed), KINDS, 60)
    assert faults == sorted(faults, key=lambda fault: fault.at)
    assert all(0 < fault.at < 60 for fault in faults)
    assert all((fault.seconds > 0) == (fault.kind in ("pause", "stop")) for fault in faults)
    assert all(fault.seconds <= 70 for fault in faults)


def test_every_program_gets_every_kind_that_it_can_have() -> None:
    faults = [fault for seed in range(20) for fault in schedule(random.Random(seed), KINDS, 300)]
    assert {(fault.program, fault.kind) for fault in faults} == {
        (program, kind) for program, kinds in KINDS.items() for kind in kinds
    }


def test_outages_stop_one_server_after_the_other() -> None:
    rounds = outages(["kafka", "redis"], [10, 70])
    assert [[(fault.program, fault.kind, fault.seconds) for fault in faults] for faults in rounds] == [
        [("kafka", "stop", 10)],
        [("redis", "stop", 10)],
        [("kafka", "stop", 70)],
        [("redis", "stop", 70)],
    ]
