"""A comment is counted once, in whatever order and however often events arrive."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from photomesh_post.comments.tallies import Change, State, Tallied, Tally

ROOT, OTHER = 10, 20
REPLIES = (11, 12, 13)

changes = st.builds(
    lambda comment, gone: Change(comment, OTHER if comment == OTHER else ROOT, gone),
    st.sampled_from((ROOT, OTHER, *REPLIES)),
    st.booleans(),
)


def model(history: list[Change]) -> tuple[int, int]:
    """The post's count, and the replies of ROOT, from all that ever happened."""
    created = {change.comment_id for change in history if not change.gone}
    deleted = {change.comment_id for change in history if change.gone}
    alive = created - deleted
    if ROOT in deleted:
        alive -= set(REPLIES)
    return len(alive), len(alive & set(REPLIES))


@given(st.lists(changes, max_size=15), st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_any_number_of_times(history: list[Change], rng: random.Random, batch_size: int) -> None:
    events = history * 2
    rng.shuffle(events)
    tally = Tally()
    for start in range(0, len(events), batch_size):
        tally = tally.after(events[start : start + batch_size])
    assert (tally.count, tally.rows.get(ROOT, Tallied(State.AWAITED)).replies) == model(history)
    assert tally.after(history) is tally


def test_deleting_a_comment_uncounts_its_replies_at_once() -> None:
    tally = Tally().after([Change(ROOT, ROOT), *(Change(reply, ROOT) for reply in REPLIES), Change(OTHER, OTHER)])
    assert (tally.count, tally.revision, tally.rows[ROOT].replies) == (5, 1, 3)
    tally = tally.after([Change(ROOT, ROOT, gone=True)])
    assert (tally.count, tally.revision, tally.rows[ROOT].replies) == (1, 2, 0)
    assert tally.after([Change(REPLIES[0], ROOT, gone=True)]).count == 1
    assert tally.after([Change(99, ROOT)]).count == 1
