"""What was served, seen and liked becomes examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.domain.joining import Joiner
from photomesh_shared.events import FeedServed, Impression, ImpressionsRecorded
from photomesh_shared.packed_ids import pack
from photomesh_shared.ranking.features import pack_features

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
ADA, GRACE = 2**62 + 1, 2**62 + 3  # neighbours that a float cannot tell apart


def served(
    account: int = ADA, request: str = "request1", posts: tuple[int, ...] = (10, 11, 12), **changes: object
) -> FeedServed:
    rows = [(number / 10, 0, 0, 0, 0, 0, 0, 0) for number in range(len(posts))]
    event = FeedServed.example().model_copy(
        update={
            "account_id": account,
            "request_id": request,
            "served_at": AT,
            "surface": "home",
            "model": "weights",
            "post_ids": pack(posts),
            "author_ids": pack(posts),
            "features": pack_features(rows),
            "known_impressions": 7,
            "swap_position": None,
            "swapped": False,
            "suggested_ids": b"",
            "suggested_positions": (),
        }
    )
    return event.model_copy(update=changes)


def seen(
    account: int = ADA, request: str | None = "request1", posts: tuple[int, ...] = (10, 11), dwell: int = 500
) -> ImpressionsRecorded:
    shown = tuple(
        Impression(post_id=post, position=99, mode="ranked", seen_at=AT, request_id=request, dwell_ms=dwell)
        for post in posts
    )
    return ImpressionsRecorded(account_id=account, recorded_at=AT, impressions=shown)


def joined(*events: FeedServed | ImpressionsRecorded, erased: tuple[int, ...] = ()) -> Joiner:
    joiner = Joiner(erased)
    for event in events:
        if isinstance(event, ImpressionsRecorded):
            joiner.add_impressions(event)
    for event in events:
        if isinstance(event, FeedServed):
            joiner.add_served(event)
    return joiner


def liked(data: Dataset, head: str = "like") -> list[bool]:
    return [bool(label) for label in data.labels[head]]


def test_what_was_seen_has_the_servers_position_and_features() -> None:
    data = joined(seen(posts=(11, 10)), served()).dataset()
    assert data.positions.tolist() == [0, 1]
    assert data.rows[:, 0].tolist() == pytest.approx([0, 0.1], abs=0.001)
    assert data.known_impressions.tolist() == [7, 7]
    assert data.models.tolist() == ["weights"] * 2
    assert data.served_at.tolist() == [AT.timestamp()] * 2


def test_what_nobody_says_to_have_seen_teaches_nothing() -> None:
    assert len(joined(served()).dataset()) == 0
    assert len(joined(seen(request=None), served()).dataset()) == 0
    assert len(joined(seen(request="madeup00"), served()).dataset()) == 0
    assert len(joined(seen(account=GRACE), served()).dataset()) == 0
    assert len(joined(seen(posts=(99,)), served()).dataset()) == 0


def test_a_repetition_counts_once() -> None:
    data = joined(seen(), seen(), served(), served()).dataset()
    assert len(data) == 2


def test_foreign_features_and_surfaces_are_left_out() -> None:
    assert len(joined(seen(), served(feature_schema="another")).dataset()) == 0
    assert len(joined(seen(), served(surface="explore")).dataset()) == 0
    assert len(joined(seen(), served(post_ids=pack([10]))).dataset()) == 0


@pytest.mark.parametrize(
    ("after", "counts"),
    [(timedelta(0), True), (timedelta(hours=24), True), (timedelta(hours=25), False), (timedelta(hours=-1), False)],
)
def test_a_reaction_counts_within_a_day(after: timedelta, counts: bool) -> None:
    joiner = joined(seen(), served())
    joiner.add_reaction("like", ADA, 11, AT + after)
    joiner.add_reaction("like", GRACE, 10, AT)
    joiner.add_reaction("like", ADA, 12, AT)
    assert liked(joiner.dataset()) == [False, counts]


def test_a_reaction_belongs_to_the_latest_order_before_it() -> None:
    later = served(request="request2", served_at=AT + timedelta(hours=2))
    joiner = joined(seen(), seen(request="request2"), later, served())
    joiner.add_reaction("save", ADA, 10, AT + timedelta(hours=3))
    joiner.add_reaction("save", ADA, 11, AT + timedelta(hours=1))
    data = joiner.dataset()
    marked = {(int(data.served_at[n]), int(data.positions[n])) for n, label in enumerate(data.labels["save"]) if label}
    assert marked == {(int((AT + timedelta(hours=2)).timestamp()), 0), (int(AT.timestamp()), 1)}


def test_suggested_posts_take_places_and_teach_nothing() -> None:
    posts = tuple(range(10, 24))
    record = served(posts=posts, suggested_ids=pack([99]), suggested_positions=(9,), swap_position=9)
    joiner = joined(seen(posts=(*posts, 99)), record)
    joiner.add_reaction("like", ADA, 99, AT)
    data = joiner.dataset()
    assert data.positions.tolist() == [*range(9), *range(10, 15)]
    assert not any(liked(data))
    assert data.swaps.tolist() == [-1] * 9 + [0, 1] + [-1] * 3


def test_three_seconds_are_a_dwell() -> None:
    data = joined(seen(posts=(10,), dwell=2_999), seen(posts=(11,), dwell=3_000), served()).dataset()
    assert liked(data, "dwell") == [False, True]


def test_accounts_that_left_teach_nothing() -> None:
    data = joined(seen(), seen(GRACE), served(), served(GRACE), erased=(ADA,)).dataset()
    assert set(data.viewers.tolist()) == {GRACE}


def test_viewers_are_told_apart() -> None:
    data = joined(seen(), seen(GRACE), served(), served(GRACE)).dataset()
    assert set(data.viewers.tolist()) == {ADA, GRACE}


def test_a_busy_viewer_counts_for_five_hundred_posts() -> None:
    posts = tuple(range(50))
    names = [f"request{number:02}" for number in range(20)]
    data = joined(
        *(seen(request=name, posts=posts) for name in names),
        *(served(request=name, posts=posts) for name in names),
        seen(GRACE),
        served(GRACE),
    ).dataset()
    assert len(data) == 502


def test_places_of_coins_are_marked() -> None:
    data = joined(seen(posts=(10, 11, 12)), served(swap_position=1)).dataset()
    assert data.swaps.tolist() == [-1, 0, 1]
