"""Rules of lists of close friends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events.versions import version_at
from photomesh_social_graph.close_friends.domain import MAX_CLOSE_FRIENDS, Entry
from photomesh_social_graph.errors import CloseFriendsLimitReached, NotAFollower

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def entry(*, version: int = 0, since: datetime | None = None) -> Entry:
    return Entry(1, 2, version, since)


def event_types(seen: Entry) -> list[str]:
    return [event.data.type_.split(".")[2] for event in seen.events]


def test_changes_are_idempotent_and_their_versions_increase_whatever_the_clock_says() -> None:
    seen = entry()
    for _ in range(2):
        seen.add(NOW, absent=False, follows=True, size=0)
    for _ in range(2):
        seen.end(NOW - timedelta(seconds=1))
    seen.add(NOW - timedelta(seconds=2), absent=False, follows=True, size=0)
    assert event_types(seen) == ["added", "removed", "added"]
    assert [event.entityversion for event in seen.events] == [version_at(NOW) + step for step in range(3)]
    assert len({event.id for event in seen.events}) == 3
    assert {event.data.subject() for event in seen.events} == {f"{seen.events[0].data.partition_key()}.u_2.close"}


def test_only_followers_that_are_seen_are_added() -> None:
    for absent, follows, refusal in ((True, True, AccountNotFound), (False, False, NotAFollower)):
        seen = entry()
        with pytest.raises(refusal):
            seen.add(NOW, absent=absent, follows=follows, size=0)
        assert (seen.events, seen.since) == ([], None)


def test_a_list_is_bounded_and_one_who_is_on_it_stays() -> None:
    with pytest.raises(CloseFriendsLimitReached) as problem:
        entry().add(NOW, absent=False, follows=True, size=MAX_CLOSE_FRIENDS)
    assert problem.value.extensions == {"limit": MAX_CLOSE_FRIENDS}
    friend = entry(version=1, since=NOW)
    friend.add(NOW, absent=False, follows=True, size=MAX_CLOSE_FRIENDS)
    assert friend.events == []


def test_what_is_is_stated_above_what_was_published() -> None:
    for since, kind in ((NOW, "added"), (None, "removed")):
        seen = entry(version=5, since=since)
        seen.restate(NOW, published=version_at(NOW) + 7)
        assert event_types(seen) == [kind]
        assert seen.version == version_at(NOW) + 8
