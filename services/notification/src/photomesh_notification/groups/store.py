"""Groups in Cassandra. Every row expires 90 days after what it is about happened."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from photomesh_notification.groups.domain import KEPT, Kind, Subject
from photomesh_notification.groups.hidden import HiddenActors
from photomesh_notification.groups.inserts import (
    INSERT_GROUP,
    INSERT_MEMBER,
    INSERT_STATE,
    INSERT_SUBJECT,
    PARTITIONS_PER_BATCH,
    Inserts,
)
from photomesh_notification.groups.projection import Group, Member, State, StoredState
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraGroups"]

_SHARDS = 8
_FINAL = 2**62
"""The timestamp of deletions: nothing that arrives later is stored."""
_ENDED_SECONDS = 120 * 86_400
_PER_BATCH = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _shard(account_id: int) -> int:
    """Of a recipient, among the rows of an actor."""
    return zlib.crc32(account_id.to_bytes(8, "big")) % _SHARDS


class CassandraGroups:
    """Every method raises DatabaseUnavailable when no answer comes.

    What is read and written for many recipients at the same time shares statements, which cost more than their rows."""

    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._groups = BatchLoader(self._read_groups, max_batch=PARTITIONS_PER_BATCH)
        self._ended = BatchLoader(self._read_ended, max_batch=_PER_BATCH)
        self._hidden = HiddenActors(session)
        self._inserts = Inserts(session)

    def _ttl(self, at: datetime) -> int:
        return max(1, int((at + KEPT - self._clock.now()) / timedelta(seconds=1)))

    # Groups and members

    async def group(self, account_id: int, group_id: str) -> Group | None:
        return await self._groups.load((account_id, group_id))

    async def _read_groups(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Group]:
        cql = "SELECT * FROM notification_groups WHERE account_id IN ? AND group_id IN ?"
        accounts, group_ids = sorted({key[0] for key in keys}), sorted({key[1] for key in keys})
        rows = await self._session.execute(cql, accounts, group_ids)
        return {(row["account_id"], row["group_id"]): _group(row) for row in rows}

    async def groups(self, account_id: int) -> AsyncGenerator[Group, None]:
        """All of a recipient, by their names."""
        async for row in self._session.rows("SELECT * FROM notification_groups WHERE account_id = ?", account_id):
            yield _group(row)

    async def members(self, account_id: int, group_id: str) -> dict[int, Member]:
        rows = await self._session.execute(
            "SELECT actor_id, at, active, version FROM notification_members WHERE account_id = ? AND group_id = ?",
            account_id,
            group_id,
        )
        return {
            row["actor_id"]: Member(row["actor_id"], row["version"], _utc(row["at"]), row["active"]) for row in rows
        }

    async def save_members(self, account_id: int, group_id: str, members: Sequence[Member]) -> None:
        """Writes members of one group; an older version changes nothing."""
        await self._inserts.save(
            INSERT_MEMBER,
            [
                (
                    account_id,
                    group_id,
                    member.actor_id,
                    member.at,
                    member.active,
                    member.version,
                    member.version,
                    self._ttl(member.at),
                )
                for member in members
            ],
            at_once=_PER_BATCH,
        )

    async def save_group(self, account_id: int, group: Group) -> None:
        recent = [[one.actor_id, one.version, _milliseconds(one.at)] for one in group.recent]
        row = (
            account_id,
            group.group_id,
            str(group.subject.kind),
            group.subject.post_id,
            group.subject.comment_id,
            group.subject.photo_id,
            group.subject.webhook_id,
            group.subject.story_id,
            group.count,
            group.capped,
            group.actors,
            json.dumps(recent).encode(),
            group.first_at,
            group.changed_at,
            group.version,
            group.version,
            self._ttl(group.changed_at),
        )
        await self._inserts.save(INSERT_GROUP, [row])

    async def forget_member(self, account_id: int, group_id: str, actor_id: int) -> None:
        await self._session.execute(
            "DELETE FROM notification_members USING TIMESTAMP ? WHERE account_id = ? AND group_id = ? AND actor_id = ?",
            _FINAL,
            account_id,
            group_id,
            actor_id,
        )

    async def forget_group(self, account_id: int, group_id: str) -> None:
        """Nothing that arrives later is stored."""
        for table in ("notification_members", "notification_groups"):
            await self._session.execute(
                f"DELETE FROM {table} USING TIMESTAMP ? WHERE account_id = ? AND group_id = ?",  # noqa: S608
                _FINAL,
                account_id,
                group_id,
            )

    async def forget_account(self, account_id: int) -> None:
        """Removes a recipient's groups and relations, once their members are removed."""
        for table in ("notification_groups", "notification_relations"):
            await self._session.execute(
                f"DELETE FROM {table} USING TIMESTAMP ? WHERE account_id = ?",  # noqa: S608
                _FINAL,
                account_id,
            )

    # States of actors

    async def states(self, account_id: int, kind: Kind, objects: Mapping[int, int]) -> dict[int, State]:
        """By actor, of the object that `objects` has for each."""
        found: dict[int, State] = {}
        by_object: dict[int, list[int]] = {}
        for actor_id, object_id in objects.items():
            by_object.setdefault(object_id, []).append(actor_id)
        for object_id, actors in by_object.items():
            for start in range(0, len(actors), _PER_BATCH):
                rows = await self._session.execute(
                    "SELECT actor_id, group_id, active, version FROM notification_states"
                    " WHERE actor_id IN ? AND shard = ? AND account_id = ? AND kind = ? AND object_id = ?",
                    actors[start : start + _PER_BATCH],
                    _shard(account_id),
                    account_id,
                    str(kind),
                    object_id,
                )
                found |= {row["actor_id"]: State(row["version"], row["active"], row["group_id"]) for row in rows}
        return found

    async def save_states(self, account_id: int, kind: Kind, states: Sequence[StoredState]) -> None:
        """An older version changes nothing."""
        shard, name = _shard(account_id), str(kind)
        await self._inserts.save(
            INSERT_STATE,
            [
                (
                    one.actor_id,
                    shard,
                    account_id,
                    name,
                    one.object_id,
                    one.state.group_id,
                    one.state.active,
                    one.state.version,
                    one.state.version,
                    self._ttl(one.at),
                )
                for one in states
            ],
            at_once=PARTITIONS_PER_BATCH,
        )

    async def groups_of_actor(self, account_id: int, actor_id: int) -> list[str]:
        """The groups of a recipient that an actor has, or had, part in."""
        groups: set[str] = set()
        async for row in self._session.rows(
            "SELECT group_id FROM notification_states WHERE actor_id = ? AND shard = ? AND account_id = ?",
            actor_id,
            _shard(account_id),
            account_id,
        ):
            groups.add(row["group_id"])
        return sorted(groups - {""})

    async def forget_states(self, account_id: int, actor_id: int) -> None:
        await self._session.execute(
            "DELETE FROM notification_states USING TIMESTAMP ? WHERE actor_id = ? AND shard = ? AND account_id = ?",
            _FINAL,
            actor_id,
            _shard(account_id),
            account_id,
        )

    async def recipients_of(self, actor_id: int) -> list[int]:
        """Up to some thousands of the recipients in whose groups an actor has, or had, part."""
        found: set[int] = set()
        for shard in range(_SHARDS):
            rows = await self._session.execute(
                "SELECT account_id FROM notification_states WHERE actor_id = ? AND shard = ?", actor_id, shard
            )
            found |= {row["account_id"] for row in rows}
        return sorted(found)

    # Relations

    async def save_relation(self, account_id: int, other_id: int, relation: str, version: int, *, on: bool) -> None:
        column = {"block": "blocks", "blocked_by": "blocked_by", "mute": "mutes"}[relation]
        await self._session.execute(
            f"INSERT INTO notification_relations (account_id, other_id, {column}) VALUES (?, ?, ?)"  # noqa: S608
            " USING TIMESTAMP ? AND TTL ?",
            account_id,
            other_id,
            on,
            version,
            0 if on else _ENDED_SECONDS,
        )

    async def hidden_among(self, account_id: int, actor_ids: Collection[int]) -> set[int]:
        """Whom the recipient blocks or mutes, and who blocks it."""
        return await self._hidden.among(account_id, actor_ids)

    # What ended

    async def add_subjects(self, account_id: int, group_id: str, subject_ids: Collection[int], at: datetime) -> None:
        ttl = self._ttl(at)
        await asyncio.gather(
            *(
                self._inserts.save(INSERT_SUBJECT, [(subject_id, account_id, group_id, ttl)])
                for subject_id in subject_ids
            )
        )

    async def groups_of_subject(self, subject_id: int) -> AsyncGenerator[tuple[int, str], None]:
        """Recipients and groups that end with a post or comment."""
        async for row in self._session.rows(
            "SELECT account_id, group_id FROM notification_subjects WHERE subject_id = ?", subject_id
        ):
            yield row["account_id"], row["group_id"]

    async def count_groups(self, subject_id: int, kind: Kind, limit: int) -> int:
        """How many groups of a kind end with a post or comment, up to `limit`."""
        rows = await self._session.execute(
            "SELECT group_id FROM notification_subjects"
            " WHERE subject_id = ? AND group_id >= ? AND group_id < ? LIMIT ?",
            subject_id,
            f"{kind}.",
            f"{kind}/",
            limit,
        )
        return len(rows)

    async def forget_subjects(self, account_id: int, group_id: str, subject_ids: Collection[int]) -> None:
        for subject_id in subject_ids:
            await self._session.execute(
                "DELETE FROM notification_subjects USING TIMESTAMP ?"
                " WHERE subject_id = ? AND account_id = ? AND group_id = ?",
                _FINAL,
                subject_id,
                account_id,
                group_id,
            )

    async def mark_ended(self, id_: int) -> None:
        await self._session.execute("INSERT INTO ended (id) VALUES (?) USING TTL ?", id_, _ENDED_SECONDS)

    async def ended_among(self, ids: Collection[int]) -> set[int]:
        if len(ids) > _PER_BATCH:
            return set(await self._read_ended(sorted(ids)))
        return {id_ for id_, ended in (await self._ended.load_many(ids)).items() if ended}

    async def _read_ended(self, ids: Sequence[int]) -> dict[int, bool]:
        rows = await self._session.execute("SELECT id FROM ended WHERE id IN ?", ids)
        return {row["id"]: True for row in rows}


def _group(row: Mapping[str, Any]) -> Group:
    recent = tuple(
        Member(actor_id, version, _EPOCH + timedelta(milliseconds=at), active=True)
        for actor_id, version, at in json.loads(row["recent"] or b"[]")
    )
    return Group(
        row["group_id"],
        Subject(
            Kind(row["kind"]),
            post_id=row["post_id"],
            comment_id=row["comment_id"],
            photo_id=row["photo_id"],
            webhook_id=row["webhook_id"],
            story_id=row["story_id"],
        ),
        _utc(row["first_at"]),
        _utc(row["changed_at"]),
        count=row["count"],
        capped=row["capped"],
        actors=tuple(row["actors"] or ()),
        recent=recent,
        version=row["version"],
    )


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
