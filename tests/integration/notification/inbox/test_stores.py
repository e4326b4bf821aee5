"""Rows of readers in Cassandra: what is shown, the seen marker, preferences and mutes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

import pytest

from photomesh_notification.inbox import domain
from photomesh_notification.inbox.domain import Group
from photomesh_notification.inbox.store import CassandraInbox
from photomesh_notification.positions import Position, ms_of
from photomesh_notification.preferences.domain import Audience, KindPreference, Preferences, QuietHours
from photomesh_notification.preferences.store import CassandraPreferences
from photomesh_shared.clock import SystemClock
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.notification.inbox.reader import Reader

SECOND = timedelta(seconds=1)


@pytest.fixture
def inbox(database: CassandraSession) -> CassandraInbox:
    return CassandraInbox(database)


async def test_groups_and_their_positions(inbox: CassandraInbox, reader: Reader, group: Group) -> None:
    hidden = replace(group, id="like.hidden", count=0, actors=())
    later = replace(group, id="like.later", changed_at=group.changed_at + SECOND)
    for one in (group, hidden, later):
        await reader.write(one)
    listed = [Position(ms_of(one.changed_at), one.id) for one in (group, later)]
    assert sorted(await inbox.positions(reader.account_id)) == sorted(listed)
    wanted = [group.id, "like.hidden", "like.later", "like.never"]
    assert await inbox.groups(reader.account_id, wanted) == {group.id: group, "like.later": later}
    assert await inbox.groups(reader.account_id, []) == {}
    pages, after = list[Group](), ""
    while page := await inbox.groups_after(reader.account_id, after, 1):
        pages, after = pages + page, page[-1].id
    assert sorted(one.id for one in pages) == sorted([group.id, "like.later"])


async def test_the_newest_actors_without_those_who_are_hidden_or_muted(
    inbox: CassandraInbox, reader: Reader, group: Group, new_id: Callable[[], int]
) -> None:
    actors = [new_id() for _ in range(6)]
    for number, actor_id in enumerate(actors):
        await reader.database.execute(
            "INSERT INTO notification_members (account_id, group_id, actor_id, at, active) VALUES (?, ?, ?, ?, ?)",
            reader.account_id,
            group.id,
            actor_id,
            group.changed_at + number * SECOND,
            number != 0,
        )
    for column, other_id in zip(("mutes", "blocks", "blocked_by"), actors[1:4], strict=True):
        await reader.database.execute(
            f"INSERT INTO notification_relations (account_id, other_id, {column}) VALUES (?, ?, true)",
            reader.account_id,
            other_id,
        )
    assert await inbox.newest_actors(reader.account_id, group.id, 10) == [actors[5], actors[4]]
    assert await inbox.newest_actors(reader.account_id, group.id, 1) == [actors[5]]


async def test_the_seen_marker_moves_forward_in_whatever_order_it_is_written(
    inbox: CassandraInbox, database: CassandraSession, group: Group, new_id: Callable[[], int]
) -> None:
    moments = [group.changed_at + number * SECOND for number in range(3)]
    for order in itertools.permutations(moments):
        account_id = new_id()
        assert await inbox.seen_ms(account_id) == 0
        for moment in order:
            await inbox.mark_seen(account_id, moment)
        assert await inbox.seen_ms(account_id) == ms_of(moments[-1])
    await CassandraPreferences(database).forget(account_id)
    await inbox.mark_seen(account_id, moments[-1] + SECOND)
    assert await inbox.seen_ms(account_id) == 0


async def test_preferences_and_mutes(database: CassandraSession, new_id: Callable[[], int]) -> None:
    store, account_id = CassandraPreferences(database), new_id()
    assert await store.preferences(account_id) == Preferences()
    preferences = Preferences(
        {"like": KindPreference(listed=False, audience=Audience.FOLLOWING)},
        QuietHours(time(22), time(7), "Europe/London"),
    )
    await store.store(account_id, preferences)
    assert await store.preferences(account_id) == preferences
    posts = sorted(new_id() for _ in range(3))
    for post_id in [*posts, *posts]:
        await store.mute_post(account_id, post_id)
    assert await store.muted_post_ids(account_id) == posts
    await store.unmute_post(account_id, posts[0])
    assert await store.muted_post_ids(account_id) == posts[1:]
    inbox, seen_at = CassandraInbox(database), SystemClock().now()
    await inbox.mark_seen(account_id, seen_at)
    assert await inbox.reader(account_id) == domain.Reader(preferences, frozenset(posts[1:]), ms_of(seen_at))
    await store.forget(account_id)
    assert await inbox.reader(account_id) == domain.Reader()
    await store.store(account_id, preferences)
    await store.mute_post(account_id, posts[0])
    assert await store.preferences(account_id) == Preferences()
    assert await store.muted_post_ids(account_id) == []
