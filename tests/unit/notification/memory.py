"""The store of groups, and the publisher, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from photomesh_notification.groups.domain import Kind
from photomesh_notification.groups.projection import Group, Member, State, StoredState
from photomesh_shared.events import Envelope, Event, Record

__all__ = ["MemoryGroups", "Published"]


class MemoryGroups:
    """As `CassandraGroups`: the larger version of a row wins, and what is forgotten stays so."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], Group] = {}
        self.member_rows: dict[tuple[int, str], dict[int, Member]] = {}
        self.state_rows: dict[tuple[int, int, Kind, int], State] = {}
        self.relations: dict[tuple[int, int, str], tuple[int, bool]] = {}
        self.subjects: set[tuple[int, str, int]] = set()
        self.ended: set[int] = set()
        self.forgotten: set[tuple[object, ...]] = set()
        self.group_writes = 0

    async def group(self, account_id: int, group_id: str) -> Group | None:
        return self.rows.get((account_id, group_id))

    async def groups(self, account_id: int) -> AsyncIterator[Group]:
        for (recipient_id, _), group in sorted(self.rows.items(), key=lambda item: item[0]):
            if recipient_id == account_id:
                yield group

    async def members(self, account_id: int, group_id: str) -> dict[int, Member]:
        return dict(self.member_rows.get((account_id, group_id), {}))

    async def save_members(self, account_id: int, group_id: str, members: Sequence[Member]) -> None:
        rows = self.member_rows.setdefault((account_id, group_id), {})
        for member in members:
            key = (account_id, group_id, member.actor_id)
            known = rows.get(member.actor_id)
            if key not in self.forgotten and key[:2] not in self.forgotten:
                rows[member.actor_id] = max(member, known, key=lambda one: one.version) if known else member

    async def save_group(self, account_id: int, group: Group) -> None:
        self.group_writes += 1
        known = self.rows.get((account_id, group.group_id))
        if (account_id, group.group_id) not in self.forgotten and (known is None or group.version >= known.version):
            self.rows[account_id, group.group_id] = group

    async def forget_member(self, account_id: int, group_id: str, actor_id: int) -> None:
        self.forgotten.add((account_id, group_id, actor_id))
        self.member_rows.get((account_id, group_id), {}).pop(actor_id, None)

    async def forget_group(self, account_id: int, group_id: str) -> None:
        self.forgotten.add((account_id, group_id))
        self.rows.pop((account_id, group_id), None)
        self.member_rows.pop((account_id, group_id), None)

    async def forget_account(self, account_id: int) -> None:
        self.relations = {key: value for key, value in self.relations.items() if key[0] != account_id}

    async def states(self, account_id: int, kind: Kind, objects: Mapping[int, int]) -> dict[int, State]:
        found = {actor: self.state_rows.get((actor, account_id, kind, of)) for actor, of in objects.items()}
        return {actor: state for actor, state in found.items() if state is not None}

    async def save_states(self, account_id: int, kind: Kind, states: Sequence[StoredState]) -> None:
        for one in states:
            key = (one.actor_id, account_id, kind, one.object_id)
            known = self.state_rows.get(key)
            if known is None or (one.state.version, one.state.active) >= (known.version, known.active):
                self.state_rows[key] = one.state

    async def groups_of_actor(self, account_id: int, actor_id: int) -> list[str]:
        found = {state.group_id for key, state in self.state_rows.items() if key[:2] == (actor_id, account_id)}
        return sorted(found - {""})

    async def forget_states(self, account_id: int, actor_id: int) -> None:
        self.state_rows = {key: state for key, state in self.state_rows.items() if key[:2] != (actor_id, account_id)}

    async def recipients_of(self, actor_id: int) -> list[int]:
        return sorted({key[1] for key in self.state_rows if key[0] == actor_id})

    async def save_relation(self, account_id: int, other_id: int, relation: str, version: int, *, on: bool) -> None:
        key = (account_id, other_id, relation)
        self.relations[key] = max((version, on), self.relations.get(key, (0, False)))

    async def hidden_among(self, account_id: int, actor_ids: Collection[int]) -> set[int]:
        return {
            other_id
            for (recipient_id, other_id, _), (_, on) in self.relations.items()
            if on and recipient_id == account_id and other_id in actor_ids
        }

    async def add_subjects(self, account_id: int, group_id: str, subject_ids: Collection[int], at: datetime) -> None:
        self.subjects |= {(subject_id, group_id, account_id) for subject_id in subject_ids}

    async def groups_of_subject(self, subject_id: int) -> AsyncIterator[tuple[int, str]]:
        for found, group_id, account_id in sorted(self.subjects):
            if found == subject_id:
                yield account_id, group_id

    async def count_groups(self, subject_id: int, kind: Kind, limit: int) -> int:
        return min(limit, sum(key[0] == subject_id and key[1].startswith(f"{kind}.") for key in self.subjects))

    async def forget_subjects(self, account_id: int, group_id: str, subject_ids: Collection[int]) -> None:
        self.subjects -= {(subject_id, group_id, account_id) for subject_id in subject_ids}

    async def mark_ended(self, id_: int) -> None:
        self.ended.add(id_)

    async def ended_among(self, ids: Collection[int]) -> set[int]:
        return self.ended & set(ids)


class Published:
    """Keeps what is published, in order."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope[Event]] = []

    async def publish(self, envelope: Envelope[Event]) -> None:
        self.envelopes.append(envelope)

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        self.envelopes.extend(envelopes)

    async def send(self, records: Sequence[Record]) -> None:
        raise AssertionError("no records are sent")

    def taken(self) -> list[Envelope[Event]]:
        envelopes, self.envelopes = self.envelopes, []
        return envelopes
