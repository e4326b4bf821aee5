"""Which likes are counted: pure rules."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from photomesh_post.counts.domain import Counts, PartitionRef, Reactions
from photomesh_post.likes.domain import BUCKETS, NEVER, Bucket, Like, LikeEvent, bucket_of, newest_likes, reactions
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import CommentLiked, Envelope, PostLiked, PostUnliked
from photomesh_shared.ids import IdGenerator

POST, COMMENT = PostLiked.example().post_id, CommentLiked.example().comment_id
likes = st.builds(Like, st.integers(1, 5), st.booleans())
batches = st.lists(st.dictionaries(st.integers(1, 6), likes, max_size=6), max_size=8)


def liked(account_id: int, version: int, liked: bool = True) -> Envelope[LikeEvent]:
    event = PostLiked.example() if liked else PostUnliked.example()
    return Envelope.of(event.model_copy(update={"account_id": account_id}), entityversion=version)


def test_accounts_are_spread_over_all_buckets() -> None:
    generator = IdGenerator(1, 7, SystemClock())
    sizes = Counter(bucket_of(generator.next()) for _ in range(16_000))
    assert len(sizes) == BUCKETS
    assert max(sizes.values()) < 1.3 * 1000


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5), st.booleans())), st.randoms(use_true_random=False))
def test_the_newest_like_wins_in_any_order_and_however_often(
    facts: list[tuple[int, int, bool]], rng: random.Random
) -> None:
    events = [liked(*fact) for fact in facts]
    shuffled = rng.choices(events, k=len(events)) + rng.sample(events, len(events)) if events else []
    found = newest_likes(events)
    assert newest_likes(shuffled) == found
    for account_id, like in ((a, like) for bucket in found.values() for a, like in bucket.items()):
        assert like == max(Like(version, is_liked) for a, version, is_liked in facts if a == account_id)


def test_posts_and_comments_are_separate_subjects() -> None:
    comment: Envelope[LikeEvent] = Envelope.of(CommentLiked.example(), entityversion=3)
    account_id = CommentLiked.example().account_id
    assert newest_likes([liked(1, 7), comment]) == {
        PartitionRef(POST, bucket_of(1)): {1: Like(7, True)},
        PartitionRef(COMMENT, bucket_of(account_id)): {account_id: Like(3, True)},
    }


@given(batches, st.randoms(use_true_random=False))
def test_a_count_is_that_of_its_rows_however_batches_are_ordered_and_repeated(
    batches: list[dict[int, Like]], rng: random.Random
) -> None:
    bucket, other = Bucket(), Bucket()
    for batch in batches:
        bucket = bucket.after(batch)
        assert bucket.count == sum(like.liked for like in bucket.likes.values())
    for batch in rng.sample(batches, len(batches)) + batches:
        other = other.after(batch)
    assert (other.count, other.likes) == (bucket.count, bucket.likes)
    for batch in batches:
        assert bucket.after(batch) is bucket


@given(likes | st.just(NEVER), likes | st.none(), st.integers(0, 9), st.booleans())
def test_an_own_like_is_in_the_count_once(own: Like, row: Like | None, others: int, copied: bool) -> None:
    """Whichever of own row, bucket and copied counts is up to date: `others` like it besides the viewer."""
    viewer_id = 77
    counted = Bucket(others + row.liked, 1, {viewer_id: row}) if row else None
    # Counts that were read before the bucket do not include a row that was not there.
    shown = others + (row.liked if row and copied else 0)
    number = bucket_of(viewer_id)
    counts = Counts({number: shown, (number + 1) % BUCKETS: 5}, {202611: 2})
    is_liked = max(own, row or NEVER).liked
    assert reactions(counts, viewer_id, own, counted) == Reactions(others + 5 + is_liked, 2, is_liked)
