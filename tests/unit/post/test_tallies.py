"""Comments are counted once, in whatever order and however often their events come."""

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


def model(said: list[Change]) -> tuple[int, int]:
    """The post's count, and the replies of ROOT, from what was ever said."""
    came = {change.comment_id for change in said if not change.gone}
    went = {change.comment_id for change in said if change.gone}
    alive = came - went
    if ROOT in went:
        alive -= set(REPLIES)
    return len(alive), len(alive & set(REPLIES))


@given(st.lists(changes, max_size=15), st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_any_number_of_times(said: list[Change], rng: random.Random, together: int) -> None:
    again = said * 2
    rng.shuffle(again)
    tally = Tally()
    for start in range(0, len(again), together):
        tally = tally.after(again[start : start + together])
    assert (tally.count, tally.rows.get(ROOT, Tallied(State.AWAITED)).replies) == model(said)
    assert tally.after(said) is tally


def test_a_comment_goes_with_its_replies_at_once() -> None:
    tally = Tally().after([Change(ROOT, ROOT), *(Change(reply, ROOT) for reply in REPLIES), Change(OTHER, OTHER)])
    assert (tally.count, tally.revision, tally.rows[ROOT].replies) == (5, 1, 3)
    tally = tally.after([Change(ROOT, ROOT, gone=True)])
    assert (tally.count, tally.revision, tally.rows[ROOT].replies) == (1, 2, 0)
    assert tally.after([Change(REPLIES[0], ROOT, gone=True)]).count == 1
    assert tally.after([Change(99, ROOT)]).count == 1
