"""Merging what is certain: no post may turn up later before one that was returned."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.domain.order import MS_BITS, feed_order, in_feed_order
from photomesh_feed.domain.timelines import TimelineTrack, merge_certain


def post(ms: int, author: int = 0) -> int:
    return (1_000 + ms) << MS_BITS | author


def track(author: int, times: Sequence[int], *, ended: bool = False) -> TimelineTrack:
    posts = in_feed_order(post(ms, author) for ms in times)
    return TimelineTrack(author, posts, posts[-1] if posts else None, ended)


def test_ended_tracks_are_certain() -> None:
    assert merge_certain([track(1, [5, 3], ended=True), track(2, [4], ended=True)], None, 10) == (
        [post(5, 1), post(4, 2), post(3, 1)],
        [],
    )


def test_nothing_is_certain_before_each_track_was_read() -> None:
    unread = track(2, [])
    assert merge_certain([track(1, [5, 3]), unread], None, 2) == ([], [unread])


def test_open_track_limits_what_is_certain() -> None:
    short = track(1, [5])
    assert merge_certain([short, track(2, [6, 4, 3])], None, 3) == ([post(6, 2), post(5, 1)], [short])


def test_tracks_known_further_down_than_the_page_do_not_limit() -> None:
    assert merge_certain([track(1, [5, 1]), track(2, [4, 2])], None, 2) == ([post(5, 1), post(4, 2)], [])


def test_posts_start_after_the_position() -> None:
    assert merge_certain([track(1, [5, 4, 3], ended=True)], post(4, 1), 9) == ([post(3, 1)], [])


_TIMELINES = st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=1, max_size=4)


@given(_TIMELINES, st.data(), st.integers(1, 10))
def test_certain_posts_begin_the_complete_merge(timelines: list[list[int]], data: st.DataObject, count: int) -> None:
    tracks, everything = [], set[int]()
    for author, times in enumerate(timelines):
        posts = in_feed_order(post(ms, author) for ms in times)
        everything |= set(posts)
        known = data.draw(st.integers(0, len(posts)))
        ended = known == len(posts) and data.draw(st.booleans())
        tracks.append(TimelineTrack(author, posts[:known], posts[known - 1] if known else None, ended))
    found, limiting = merge_certain(tracks, None, count)
    complete = in_feed_order(everything)
    assert found == complete[: len(found)]
    assert len(found) <= count
    assert all(not one.ended for one in limiting)
    if not limiting:
        assert found == complete[:count]


def test_order_of_one_millisecond() -> None:
    tracks = [track(2, [5], ended=True), track(1, [5], ended=True)]
    assert merge_certain(tracks, None, 9)[0] == sorted([post(5, 1), post(5, 2)], key=feed_order)
