"""Delays between attempts."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from photomesh_shared.backoff import Backoff


def test_delays_double_up_to_the_cap() -> None:
    assert list(islice(Backoff(0.5, 5, jitter=0).delays(), 6)) == [0.5, 1, 2, 4, 5, 5]


def test_jitter_leaves_out_up_to_its_share() -> None:
    randomness = random.Random(7)
    delays = [Backoff(1, 8).delay(3, randomness) for _ in range(1_000)]
    assert 2 <= min(delays) < 2.1
    assert 3.9 < max(delays) <= 4


@pytest.mark.parametrize("failures", [40, 10_000])
def test_any_number_of_failures_gives_the_cap(failures: int) -> None:
    assert Backoff(0.1, 30, jitter=0).delay(failures) == 30
