"""Schedules of faults: repeatable, and never two faults of one program at once."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.schedule import schedule

PROGRAMS = ("gateway", "post", "kafka", "redis")
seeds = st.integers(0, 2**32)


@given(seeds)
def test_a_seed_gives_one_schedule(seed: int) -> None:
    assert schedule(random.Random(seed), PROGRAMS, 60) == schedule(random.Random(seed), PROGRAMS, 60)


@given(seeds)
def test_a_program_has_recovered_before_its_next_fault(seed: int) -> None:
    faults = schedule(random.Random(seed), PROGRAMS, 300)
    for program in PROGRAMS:
        for one, next_one in pairwise(fault for fault in faults if fault.program == program):
            assert next_one.at >= one.at + one.seconds + 10


@given(seeds)
def test_faults_begin_in_order_and_in_time(seed: int) -> None:
    faults = schedule(random.Random(seed), PROGRAMS, 60)
    assert faults == sorted(faults, key=lambda fault: fault.at)
    assert all(0 < fault.at < 60 for fault in faults)
    assert all((fault.seconds == 0) == (fault.kind == "kill") for fault in faults)


def test_every_program_gets_every_kind() -> None:
    faults = [fault for seed in range(20) for fault in schedule(random.Random(seed), PROGRAMS, 300)]
    assert {(fault.program, fault.kind) for fault in faults} == {
        (program, kind) for program in PROGRAMS for kind in ("kill", "pause", "stop")
    }
