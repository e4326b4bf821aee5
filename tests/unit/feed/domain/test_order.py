from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.domain.order import MS_BITS, feed_order, id_ms, in_feed_order
from photomesh_shared.ids import EPOCH, MAX_ID, timestamp_of

_IDS = st.integers(0, MAX_ID)


@given(_IDS)
def test_milliseconds_of_a_time_are_those_of_its_ids(post: int) -> None:
    assert id_ms(timestamp_of(post)) == post >> MS_BITS


def test_time_starts_at_the_epoch_of_ids() -> None:
    assert id_ms(EPOCH + timedelta(seconds=1.5)) == 1_500


@given(st.lists(_IDS, max_size=50))
def test_newest_millisecond_first_and_ids_within_ascending(posts: list[int]) -> None:
    ordered = in_feed_order(posts + posts)
    assert sorted(ordered) == sorted(set(posts))
    for one, other in pairwise(ordered):
        assert feed_order(one) < feed_order(other)
        assert one >> MS_BITS > other >> MS_BITS or (one >> MS_BITS == other >> MS_BITS and one < other)
