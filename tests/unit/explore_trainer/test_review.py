"""Shadow → 5 % → all but 5 %, or back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.domain.review import introduce, is_settled, returned, review
from tests.support.models import model_body, name_of, pointer
from tests.support.simulated_feeds import NOW, simulate

CANDIDATE, BASE = name_of(model_body()), "20261110T020000Z-0123456789ab"
AT = datetime.fromtimestamp(NOW, UTC)
STAGE = timedelta(hours=24)


def compared(candidate: float, base: float, requests: int = 800, *, of_base: str = "weights") -> Dataset:
    """Half of the requests are ranked by the candidate; the rates of reactions are given."""
    data = simulate(requests, days=0.5)
    mine = data.requests % 2 == 0
    random = np.random.default_rng(5)
    reacted = random.random(len(data)) < np.where(mine, candidate, base)
    return replace(
        data,
        models=np.where(mine, CANDIDATE, of_base),
        labels={**data.labels, "like": reacted},
        known_impressions=np.full(len(data), 50),
    )


NOTHING = simulate(1).where(np.zeros(20, dtype=np.bool_))


def test_without_a_candidate_nothing_changes() -> None:
    assert review(pointer(None, BASE), NOTHING, AT, STAGE) == (pointer(None, BASE), "")


def test_the_shadow_lasts_a_stage() -> None:
    young, old = (pointer(CANDIDATE, since=AT - timedelta(hours=hours)) for hours in (23, 24))
    assert review(young, NOTHING, AT, STAGE)[0] == young
    moved, _ = review(old, NOTHING, AT, STAGE)
    assert (moved.share, moved.since, moved.candidate) == (0.05, AT, CANDIDATE)


def test_a_model_that_is_no_worse_ranks_for_all_but_a_few() -> None:
    at = pointer(CANDIDATE, share=0.05, since=AT - STAGE)
    moved, _ = review(at, compared(0.1, 0.1), AT, STAGE)
    assert (moved.share, moved.since) == (0.95, AT)
    young = pointer(CANDIDATE, share=0.05, since=AT - timedelta(hours=20))
    assert review(young, compared(0.1, 0.1), AT, STAGE)[0] == young


def test_a_few_requests_say_nothing() -> None:
    at = pointer(CANDIDATE, share=0.05, since=AT - STAGE)
    assert review(at, compared(0.0, 0.5, 200), AT, STAGE)[0] == at
    assert review(at, NOTHING, AT, STAGE)[0] == at


def test_a_model_that_is_worse_returns_by_itself_at_any_share() -> None:
    for share in (0.05, 0.95):
        at = pointer(CANDIDATE, BASE, share=share, since=AT - timedelta(hours=14))
        moved, outcome = review(at, compared(0.05, 0.15, of_base=BASE), AT, STAGE)
        assert (moved.candidate, moved.base, moved.share) == (None, BASE, 0)
        assert "worse" in outcome


def test_what_was_served_before_the_share_changed_does_not_count() -> None:
    at = pointer(CANDIDATE, share=0.05, since=AT)
    assert review(at, compared(0.05, 0.5), AT, STAGE)[0] == at


def test_a_settled_candidate_becomes_the_base_of_the_next() -> None:
    settled = pointer(CANDIDATE, BASE, share=0.95)
    assert is_settled(settled, AT, STAGE)
    following = introduce(settled, "20261122T020000Z-0123456789ab", AT)
    assert (following.base, following.candidate, following.share) == (CANDIDATE, "20261122T020000Z-0123456789ab", 0)
    assert not is_settled(following, AT, STAGE)
    first = introduce(pointer(None, None), CANDIDATE, AT)
    assert (first.base, first.candidate) == (None, CANDIDATE)


def test_a_candidate_of_whom_nothing_can_be_said_is_replaced_after_a_week() -> None:
    at = pointer(CANDIDATE, BASE, share=0.05, since=AT - 7 * STAGE)
    assert not is_settled(at, AT - STAGE, STAGE)
    assert is_settled(at, AT, STAGE)
    following = introduce(at, "20261122T020000Z-0123456789ab", AT)
    assert (following.base, following.candidate) == (BASE, "20261122T020000Z-0123456789ab")


def test_operators_go_back_step_by_step() -> None:
    both = pointer(CANDIDATE, BASE, share=0.95)
    one = returned(both, AT)
    assert (one.candidate, one.base, one.share) == (None, BASE, 0)
    none = returned(one, AT)
    assert (none.candidate, none.base) == (None, None)
