"""Delays between attempts."""

from __future__ import annotations

import random
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.concurrency.backoff import Backoff


def test_delays_double_up_to_the_cap() -> None:
    assert list(islice(Backoff(0.5, 5, jitter=0).delays(), 6)) == [0.5, 1, 2, 4, 5, 5]


@given(st.integers(1, 10_000), st.floats(0, 1), st.randoms(use_true_random=False))
def test_jitter_leaves_out_up_to_its_share(failures: int, jitter: float, randomness: random.Random) -> None:
    full = min(10, 0.2 * 2.0 ** min(failures - 1, 30))
    assert full * (1 - jitter) <= Backoff(0.2, 10, jitter).delay(failures, randomness) <= full


def test_clients_that_failed_together_are_spread() -> None:
    delays = [Backoff(1, 8).delay(3, random.Random(client)) for client in range(1_000)]
    assert 2 <= min(delays) < 2.1
    assert 3.9 < max(delays) <= 4
