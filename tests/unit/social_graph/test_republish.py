"""After a restore, the topic says what the database says, and consumers believe it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.events.versions import version_at
from photomesh_social_graph.domain import Side, Tie
from photomesh_social_graph.store.relation_states import RelationKind, RelationState, end_of, published_state

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


def sides() -> tuple[Side, Side]:
    return Side(1, 2, False, 0, 0, 0), Side(2, 1, True, 0, 0, 0)


@given(st.booleans(), st.booleans(), st.booleans())
def test_every_relation_of_a_side_is_stated_again(follows: bool, blocks: bool, mutes: bool) -> None:
    ours, theirs = sides()
    before = replace(
        ours,
        version=3,
        followed_at=NOW if follows else None,
        blocked_at=NOW if blocks else None,
        muted_at=NOW if mutes else None,
    )
    tie = Tie(before, theirs)
    tie.restate(LATER)
    stated = [published_state(envelope.data) for envelope in tie.events]
    kinds = [kind for kind, value in (("follow", follows), ("block", blocks), ("mute", mutes)) if value]
    assert stated == [((1, 2, kind), True) for kind in kinds]
    assert [e.entityversion for e in tie.events] == [version_at(LATER) + n for n in range(len(kinds))]
    assert tie.ours == replace(before, version=tie.ours.version)


def test_a_request_is_stated_as_a_request() -> None:
    theirs, ours = sides()
    tie = Tie(replace(ours, requested_at=NOW), theirs)
    tie.restate(LATER)
    assert [envelope.data.type_ for envelope in tie.events] == ["photomesh.follow.requested.v1"]


def test_the_end_of_each_relation_is_about_it() -> None:
    kinds: tuple[RelationKind, ...] = ("follow", "block", "mute")
    for kind in kinds:
        relation = RelationState(1, 2, kind)
        event = end_of(relation, 0, NOW)
        assert event.ends
        assert published_state(event) == (relation, False)


def test_versions_go_on_above_what_was_seen_before_the_restore() -> None:
    """The counter that a version was would be below it, and every block ignored until it caught up."""
    ours, theirs = sides()
    tie = Tie(ours, theirs)
    for minute in range(3):
        tie.mute(NOW + timedelta(minutes=minute))
        tie.unmute(NOW + timedelta(minutes=minute))
    seen = tie.events[-1].entityversion
    restored = Tie(ours, theirs)
    restored.block(LATER)
    assert restored.events[0].entityversion > seen
