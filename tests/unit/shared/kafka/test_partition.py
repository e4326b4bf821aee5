"""The low-water mark."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.kafka.partition import OffsetTracker

WRITTEN = datetime(2026, 11, 21, tzinfo=UTC)


def test_nothing_to_commit_before_anything_came() -> None:
    assert OffsetTracker().low_water is None


def test_the_mark_waits_for_the_slowest() -> None:
    tracker = OffsetTracker()
    for offset in (7, 8, 11):  # compaction leaves gaps
        tracker.begin(offset, WRITTEN)
    tracker.done(11)
    assert tracker.low_water == 7
    tracker.done(7)
    assert tracker.low_water == 8
    tracker.done(8)
    assert tracker.low_water == 12


@given(st.sets(st.integers(0, 10**6), min_size=1), st.randoms(use_true_random=False))
def test_the_mark_never_passes_what_is_open(offsets: set[int], randomness: random.Random) -> None:
    tracker = OffsetTracker()
    for offset in sorted(offsets):
        tracker.begin(offset, WRITTEN)
    left = sorted(offsets)
    while left:
        done = randomness.choice(left)
        left.remove(done)
        tracker.done(done)
        assert tracker.low_water == (left[0] if left else max(offsets) + 1)
        assert len(tracker) == len(left)


def test_the_oldest_is_the_first_that_is_not_done_with() -> None:
    tracker = OffsetTracker()
    assert tracker.oldest is None
    for offset in range(3):
        tracker.begin(offset, WRITTEN + timedelta(minutes=offset))
    tracker.done(1)
    assert tracker.oldest == WRITTEN
    tracker.done(0)
    assert tracker.oldest == WRITTEN + timedelta(minutes=2)
    tracker.done(2)
    assert tracker.oldest is None
