"""Groups of many recipients at once share statements, and are those of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from photomesh_notification.groups.domain import Kind, Subject
from photomesh_notification.groups.projection import Group, Member, State, StoredState
from photomesh_notification.groups.store import CassandraGroups
from photomesh_shared.clock import SystemClock
from photomesh_shared.stores.cassandra import CassandraSession


async def test_each_recipient_has_what_was_written_for_it(
    database: CassandraSession, new_id: Callable[[], int]
) -> None:
    store = CassandraGroups(database, SystemClock())
    now = datetime.now(UTC).replace(microsecond=0)

    async def write() -> tuple[int, Group, Member, State]:
        recipient, post, actor = new_id(), new_id(), new_id()
        subject = Subject(Kind.LIKE, post_id=post)
        member = Member(actor, post, now, active=True)
        # One name for all: groups also differ by their recipients.
        group = Group("follow.1", subject, now, now, 1, actors=(actor,), recent=(member,), version=post)
        state = State(post, True, group.group_id)
        await store.add_subjects(recipient, group.group_id, [post], now)
        await store.save_members(recipient, group.group_id, [member])
        await store.save_group(recipient, group)
        await store.save_states(recipient, Kind.LIKE, [StoredState(post, actor, state, now)])
        return recipient, group, member, state

    written = await asyncio.gather(*(write() for _ in range(60)))

    async def read(recipient: int, group: Group, member: Member, state: State) -> None:
        post = group.subject.post_id
        assert post is not None
        assert await store.group(recipient, group.group_id) == group
        assert await store.group(recipient, "follow.2") is None
        assert await store.members(recipient, group.group_id) == {member.actor_id: member}
        assert await store.states(recipient, Kind.LIKE, {member.actor_id: post}) == {member.actor_id: state}
        assert [found async for found in store.groups_of_subject(post)] == [(recipient, group.group_id)]

    await asyncio.gather(*(read(*one) for one in written))


async def test_what_ended_is_found_among_few_and_among_many(
    database: CassandraSession, new_id: Callable[[], int]
) -> None:
    store = CassandraGroups(database, SystemClock())
    ids = [new_id() for _ in range(80)]
    ended = set(ids[::7])
    await asyncio.gather(*map(store.mark_ended, ended))

    assert await store.ended_among(ids) == ended
    parts = [ids[start : start + 5] for start in range(0, len(ids), 5)]
    found = await asyncio.gather(*map(store.ended_among, parts))
    assert found == [ended & set(part) for part in parts]
