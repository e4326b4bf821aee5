"""What is counted of likes: pure rules."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from photomesh_post.likes.domain import BUCKETS, NEVER, Bucket, Counts, Like, LikeEvent, bucket_of, newest, reactions
from photomesh_post.posts.domain import Reactions
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import CommentLiked, Envelope, PostLiked, PostUnliked
from photomesh_shared.ids import IdGenerator

POST, COMMENT = PostLiked.example().post_id, CommentLiked.example().comment_id
likes = st.builds(Like, st.integers(1, 5), st.booleans())
said = st.dictionaries(st.integers(1, 6), likes, max_size=6)


def liked(account_id: int, version: int, liked: bool = True) -> Envelope[LikeEvent]:
    event = PostLiked.example() if liked else PostUnliked.example()
    return Envelope.of(event.model_copy(update={"account_id": account_id}), entityversion=version)


def test_accounts_are_spread_over_all_buckets() -> None:
    generator = IdGenerator(1, 7, SystemClock())
    sizes = Counter(bucket_of(generator.next()) for _ in range(16_000))
    assert len(sizes) == BUCKETS
    assert max(sizes.values()) < 1.3 * 1000


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5), st.booleans())), st.randoms(use_true_random=False))
def test_the_newest_wins_in_any_order_and_however_often(
    facts: list[tuple[int, int, bool]], randomness: random.Random
) -> None:
    events = [liked(*fact) for fact in facts]
    shuffled = randomness.choices(events, k=len(events)) + randomness.sample(events, len(events)) if events else []
    found = newest(events)
    assert newest(shuffled) == found
    for account_id, like in ((a, like) for bucket in found.get(POST, {}).values() for a, like in bucket.items()):
        assert like == max(Like(version, is_liked) for a, version, is_liked in facts if a == account_id)


def test_posts_and_comments_are_subjects_of_their_own() -> None:
    comment = Envelope.of(CommentLiked.example(), entityversion=3)
    who = bucket_of(CommentLiked.example().account_id)
    found = newest([liked(1, 7), comment])
    assert found == {
        POST: {bucket_of(1): {1: Like(7, True)}},
        COMMENT: {who: {CommentLiked.example().account_id: Like(3, True)}},
    }


@given(st.lists(said, max_size=8), st.randoms(use_true_random=False))
def test_the_count_is_that_of_the_rows_and_batches_may_come_in_any_order_and_again(
    batches: list[dict[int, Like]], randomness: random.Random
) -> None:
    bucket, other = Bucket(), Bucket()
    for batch in batches:
        bucket = bucket.after(batch)
        assert bucket.count == sum(like.liked for like in bucket.likes.values())
    for batch in randomness.sample(batches, len(batches)) + batches:
        other = other.after(batch)
    assert (other.count, other.likes) == (bucket.count, bucket.likes)
    for batch in batches:
        assert bucket.after(batch) is bucket


@given(likes | st.just(NEVER), likes | st.none(), st.integers(0, 9), st.booleans())
def test_ones_own_like_is_in_the_count_once(own: Like, row: Like | None, others: int, counts_follow: bool) -> None:
    """Whatever of the own row, the bucket and the counts that are shown is up to date: `others` like it besides."""
    me = 77
    counted = Bucket(others + row.liked, 1, {me: row}) if row else None
    # Counts that were read before the row; where there is no row yet, they cannot know of it.
    shown = others + (row.liked if row and counts_follow else 0)
    counts = Counts({bucket_of(me): shown, (bucket_of(me) + 1) % BUCKETS: 5}, {202611: 2})
    is_liked = max(own, row or NEVER).liked
    assert reactions(counts, me, own, counted) == Reactions(others + 5 + is_liked, 2, is_liked)
