"""Rules of relationships, some of them against a simple model."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events.versions import version_at
from photomesh_social_graph.domain import Relation, Side, Tie
from photomesh_social_graph.errors import FollowingLimitReached, FollowRequestNotFound

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def tie(*, private: bool = False, following: int = 0, requesting: int = 0) -> Tie:
    return Tie(Side(1, 2, private, following, requesting, 0), Side(2, 1, False, 0, 0, 0))


def swapped(seen: Tie) -> Tie:
    """The same pair, with the other account acting."""
    return Tie(seen.theirs, seen.ours)


def event_types(seen: Tie) -> list[str]:
    return [event.data.type_.removeprefix("photomesh.").removesuffix(".v1") for event in seen.events]


def test_a_request_becomes_a_follow() -> None:
    asked = tie(private=True)
    asked.follow(NOW, limit=1)
    assert (asked.ours.requesting, asked.ours.following, asked.ours.followers) == (1, 0, 0)
    answered = swapped(asked)
    answered.approve_request(NOW)
    assert (answered.theirs.requesting, answered.theirs.following, answered.theirs.followers) == (0, 1, 1)
    assert answered.relation == Relation(followed_by=True)
    assert event_types(asked) + event_types(answered) == ["follow.requested", "follow.created"]


def test_following_a_public_account_replaces_an_old_request() -> None:
    asked = tie(private=True)
    asked.follow(NOW, limit=1)
    opened = Tie(Side(**{**vars(asked.ours), "target_private": False}), asked.theirs)
    opened.follow(NOW, limit=1)
    assert event_types(opened) == ["follow.created"]
    assert (opened.ours.requesting, opened.ours.following) == (0, 1)


@pytest.mark.parametrize(("following", "requesting"), [(3, 0), (0, 3), (2, 1)])
def test_the_following_limit_counts_requests(following: int, requesting: int) -> None:
    for private in (True, False):
        full = tie(private=private, following=following, requesting=requesting)
        with pytest.raises(FollowingLimitReached) as problem:
            full.follow(NOW, limit=3)
        assert problem.value.extensions == {"limit": 3}
        assert full.events == []


def test_remembers_the_last_follow_that_ended() -> None:
    seen = tie()
    seen.follow(NOW, limit=1)
    seen.unfollow(NOW + timedelta(hours=1))
    assert (seen.ours.followed_from, seen.ours.followed_until) == (NOW, NOW + timedelta(hours=1))
    seen.follow(NOW + timedelta(hours=2), limit=1)
    assert seen.ours.followed_at == NOW + timedelta(hours=2)
    assert seen.ours.followed_from == NOW


def test_approving_a_missing_request_is_an_error() -> None:
    with pytest.raises(FollowRequestNotFound):
        tie().approve_request(NOW)


@dataclass
class Model:
    """One side of a pair."""

    private: bool = False
    follows: bool = False
    asks: bool = False
    blocks: bool = False
    mutes: bool = False
    events: list[str] = field(default_factory=list)

    def end(self, outcome: str) -> None:
        if self.follows:
            self.follows = False
            self.events.append("follow.deleted")
        self.close(outcome)

    def close(self, outcome: str) -> None:
        if self.asks:
            self.asks = False
            self.events.append(f"follow.request-closed {outcome}")

    def set(self, name: str, noun: str, value: bool) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.events.append(f"{noun}.{'created' if value else 'deleted'}")


def act(action: str, me: Model, other: Model) -> bool:
    """Applies the action; returns whether it succeeds. `private` is a property of the target."""
    if (other.blocks or me.blocks) and action in ("follow", "approve_request", "mute"):
        return False
    match action:
        case "follow" if not me.follows and me.private and not me.asks:
            me.asks = True
            me.events.append("follow.requested")
        case "follow" if not me.follows and not me.private:
            me.asks = False
            me.set("follows", "follow", True)
        case "unfollow":
            me.end("withdrawn")
        case "approve_request" if other.asks:
            other.asks = False
            other.set("follows", "follow", True)
        case "approve_request" if not other.follows:
            return False
        case "deny_request":
            other.close("denied")
        case "remove_follower":
            other.set("follows", "follow", False)
        case "block" if not me.blocks:
            me.end("blocked")
            other.end("blocked")
            me.set("blocks", "block", True)
        case "unblock":
            me.set("blocks", "block", False)
        case "mute" | "unmute":
            me.set("mutes", "mute", action == "mute")
    return True


ACTIONS = (
    "follow",
    "unfollow",
    "approve_request",
    "deny_request",
    "remove_follower",
    "block",
    "unblock",
    "mute",
    "unmute",
)


@settings(max_examples=300)
@given(
    st.tuples(st.booleans(), st.booleans()),
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.booleans()), max_size=30),
)
def test_any_sequence_of_actions_matches_the_model(private: tuple[bool, bool], actions: list[tuple[str, bool]]) -> None:
    models = [Model(private=private[0]), Model(private=private[1])]
    sides = [Side(1, 2, private[0], 0, 0, 0), Side(2, 1, private[1], 0, 0, 0)]
    events: list[list[Any]] = [[], []]
    for action, by_second in actions:
        me, other = (1, 0) if by_second else (0, 1)
        seen = Tie(sides[me], sides[other])
        expected = act(action, models[me], models[other])
        perform = partial(seen.follow, limit=10) if action == "follow" else getattr(seen, action)
        with nullcontext() if expected else pytest.raises((AccountNotFound, FollowRequestNotFound)):
            perform(NOW)
        assert expected or seen.events == []
        sides[me], sides[other] = seen.ours, seen.theirs
        for envelope in seen.events:
            events[0 if envelope.data.subject() == "u_1.u_2" else 1].append(envelope)
    for side, model, published in zip(sides, models, events, strict=True):
        assert (side.followed_at, side.requested_at, side.blocked_at, side.muted_at) == tuple(
            NOW if value else None for value in (model.follows, model.asks, model.blocks, model.mutes)
        )
        first = version_at(NOW)
        assert [event.entityversion for event in published] == list(range(first, first + len(published)))
        assert side.version == (published[-1].entityversion if published else 0)
        assert (side.following, side.followers, side.requesting) == (model.follows, model.follows, model.asks)
        names = [event.data.type_.removeprefix("photomesh.").removesuffix(".v1") for event in published]
        outcomes = [getattr(event.data, "outcome", "") for event in published]
        assert [f"{name} {outcome}".strip() for name, outcome in zip(names, outcomes, strict=True)] == model.events
