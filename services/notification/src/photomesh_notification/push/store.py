"""Subscriptions, what waits to be pushed, and the schedule, in Cassandra."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from photomesh_notification.push.domain import Hint, Pending, StackState, Subscription, shard_of
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraPushes", "CassandraSchedule", "CassandraSubscriptions"]

_WORKER_SECONDS = 15  # a crashed worker's shard is free again after that
_STACK_SECONDS = 14 * 86_400  # longer than the longest pause, and than the buckets of a post go on
_MAX_PENDING = 500
_ACCOUNTS_AT_ONCE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CassandraSubscriptions:
    """Every method raises DatabaseUnavailable when no answer comes.

    Timestamps are the times of registration, which have milliseconds: what is said of an earlier registration does not
    touch a later one.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._with_devices = BatchLoader(self._read_accounts, max_batch=_ACCOUNTS_AT_ONCE)

    async def register(self, subscription: Subscription) -> None:
        """Store a subscription, and make its endpoint this account's: a device reports to who used it last."""
        timestamp = _micros(subscription.registered_at)
        await self._session.execute(
            "INSERT INTO push_endpoints (endpoint, account_id) VALUES (?, ?) USING TIMESTAMP ?",
            _hash(subscription.endpoint),
            subscription.account_id,
            timestamp,
        )
        await self._session.execute(
            "INSERT INTO push_subscriptions (account_id, subscription_id, endpoint, p256dh, auth, session_id,"
            " registered_at, quarantined_until) VALUES (?, ?, ?, ?, ?, ?, ?, null) USING TIMESTAMP ?",
            subscription.account_id,
            subscription.id,
            subscription.endpoint,
            subscription.p256dh,
            subscription.auth,
            subscription.session_id,
            subscription.registered_at,
            timestamp,
        )

    async def of_account(self, account_id: int) -> Sequence[Subscription]:
        """The account's subscriptions, without those whose endpoint another account has registered since. Newest
        first."""
        rows = await self._session.execute(
            "SELECT * FROM push_subscriptions WHERE account_id = ? LIMIT 1000", account_id
        )
        found = [_subscription(row) for row in rows if row["endpoint"] is not None]
        if not found:
            return []
        owners = await self._session.execute(
            "SELECT endpoint, account_id FROM push_endpoints WHERE endpoint IN ?",
            sorted({_hash(one.endpoint) for one in found}),
        )
        own = {row["endpoint"] for row in owners if row["account_id"] == account_id}
        kept = [one for one in found if _hash(one.endpoint) in own]
        return sorted(kept, key=lambda one: (one.registered_at, one.id), reverse=True)

    async def has_any(self, account_id: int) -> bool:
        """Whether an account has devices. Accounts that are asked for at the same time share a statement."""
        return bool(await self._with_devices.load(account_id))

    async def _read_accounts(self, account_ids: Sequence[int]) -> dict[int, bool]:
        cql = "SELECT account_id FROM push_subscriptions WHERE account_id IN ? PER PARTITION LIMIT 1"
        return {row["account_id"]: True for row in await self._session.execute(cql, account_ids)}

    async def delete(self, subscription: Subscription) -> None:
        """Delete a subscription, unless it was registered again since. Idempotent."""
        timestamp = _micros(subscription.registered_at) + 2  # above a quarantine
        await self._session.execute(
            "DELETE FROM push_subscriptions USING TIMESTAMP ? WHERE account_id = ? AND subscription_id = ?",
            timestamp,
            subscription.account_id,
            subscription.id,
        )
        await self._session.execute(
            "DELETE FROM push_endpoints USING TIMESTAMP ? WHERE endpoint = ?", timestamp, _hash(subscription.endpoint)
        )

    async def quarantine(self, subscription: Subscription, until: datetime) -> None:
        """Let a subscription rest, unless it was deleted or registered again since."""
        await self._session.execute(
            "UPDATE push_subscriptions USING TIMESTAMP ? SET quarantined_until = ?"
            " WHERE account_id = ? AND subscription_id = ?",
            # Above the null that the registration wrote, and below a deletion or a later registration.
            _micros(subscription.registered_at) + 1,
            until,
            subscription.account_id,
            subscription.id,
        )

    async def erase(self, account_id: int) -> int:
        """Delete all subscriptions of an account. Returns how many there were. Idempotent."""
        rows = await self._session.execute(
            "SELECT * FROM push_subscriptions WHERE account_id = ? LIMIT 1000", account_id
        )
        found = [_subscription(row) for row in rows if row["endpoint"] is not None]
        for one in found:
            await self._session.execute(
                "DELETE FROM push_endpoints USING TIMESTAMP ? WHERE endpoint = ?",
                _micros(one.registered_at) + 2,
                _hash(one.endpoint),
            )
        await self._session.execute("DELETE FROM push_subscriptions WHERE account_id = ?", account_id)
        return len(found)


class CassandraPushes:
    """What devices have not heard of, and what was pushed. Every method raises DatabaseUnavailable.

    Timestamps of what waits are versions of its group: an event that is handled again, and the removal of what was
    pushed, leave alone what has changed since.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def put(self, account_id: int, pending: Pending) -> None:
        await self._session.execute(
            "INSERT INTO push_pending (account_id, group_id, stack, kind, version, changed_at)"
            " VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
            account_id,
            pending.group_id,
            pending.stack,
            pending.kind,
            pending.version,
            pending.changed_at,
            pending.version,
        )

    async def remove(self, account_id: int, group_id: str, version: int) -> None:
        await self._session.execute(
            "DELETE FROM push_pending USING TIMESTAMP ? WHERE account_id = ? AND group_id = ?",
            version,
            account_id,
            group_id,
        )

    async def pending(self, account_id: int, stack: str) -> list[Pending]:
        rows = await self._session.execute(
            "SELECT group_id, stack, kind, version, changed_at FROM push_pending WHERE account_id = ? LIMIT ?",
            account_id,
            _MAX_PENDING,
        )
        return [
            Pending(row["group_id"], row["stack"], row["kind"], row["version"], _aware(row["changed_at"]))
            for row in rows
            if row["stack"] == stack
        ]

    async def state(self, account_id: int, stack: str) -> StackState:
        rows = await self._session.execute(
            "SELECT pushes, pushed_at, through, told, content, owed FROM push_stacks"
            " WHERE account_id = ? AND stack = ?",
            account_id,
            stack,
        )
        if not rows or rows[0]["pushes"] is None:
            return StackState()
        row = rows[0]
        return StackState(
            pushes=row["pushes"],
            pushed_at=_aware(row["pushed_at"]),
            through=_aware(row["through"]) if row["through"] else None,
            told=_times(row["told"]),
            content=dict(row["content"] or {}),
            owed=_times(row["owed"]),
        )

    async def save(self, account_id: int, stack: str, state: StackState) -> None:
        await self._session.execute(
            "INSERT INTO push_stacks (account_id, stack, pushes, pushed_at, through, told, content, owed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?",
            account_id,
            stack,
            state.pushes,
            state.pushed_at,
            state.through,
            dict(state.told),
            dict(state.content),
            dict(state.owed),
            _STACK_SECONDS,
        )

    async def postpone(self, account_id: int, stack: str, subscription_id: int, at: datetime) -> None:
        await self._session.execute(
            "UPDATE push_stacks USING TTL ? SET owed[?] = ? WHERE account_id = ? AND stack = ?",
            _STACK_SECONDS,
            subscription_id,
            at,
            account_id,
            stack,
        )

    async def settle(self, account_id: int, stack: str, subscription_id: int) -> None:
        """Note that a device needs nothing more of the last push."""
        await self._session.execute(
            "DELETE owed[?] FROM push_stacks WHERE account_id = ? AND stack = ?", subscription_id, account_id, stack
        )

    async def erase(self, account_id: int) -> None:
        """Delete what waits for an account, and what was pushed to it. Idempotent."""
        await self._session.execute("DELETE FROM push_pending WHERE account_id = ?", account_id)
        await self._session.execute("DELETE FROM push_stacks WHERE account_id = ?", account_id)


class CassandraSchedule:
    """When to look at which stack, and who works on a shard. Every method raises DatabaseUnavailable."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def add(self, hint: Hint) -> None:
        """Idempotent."""
        await self._session.execute(
            "INSERT INTO push_schedule (shard, due, account_id, stack) VALUES (?, ?, ?, ?)",
            shard_of(hint.account_id),
            hint.due,
            hint.account_id,
            hint.stack,
        )

    async def due(self, shard: int, until: datetime, *, after: Hint | None = None, limit: int) -> list[Hint]:
        """The first of a shard's hints that are due by then, after this one."""
        cql = "SELECT due, account_id, stack FROM push_schedule WHERE shard = ? AND due <= ?"
        values: list[object] = [shard, until]
        if after is not None:
            cql += " AND (due, account_id, stack) > (?, ?, ?)"
            values += [after.due, after.account_id, after.stack]
        rows = await self._session.execute(f"{cql} LIMIT ?", *values, limit)
        return [Hint(_aware(row["due"]), row["account_id"], row["stack"]) for row in rows]

    async def remove(self, hint: Hint) -> None:
        """Idempotent."""
        await self._session.execute(
            "DELETE FROM push_schedule WHERE shard = ? AND due = ? AND account_id = ? AND stack = ?",
            shard_of(hint.account_id),
            hint.due,
            hint.account_id,
            hint.stack,
        )

    async def claim(self, shard: int, worker: str) -> bool:
        """Make this worker the shard's only one for 15 seconds, unless another is."""
        answer = await self._session.execute(
            "INSERT INTO push_workers (shard, worker) VALUES (?, ?) IF NOT EXISTS USING TTL ?",
            shard,
            worker,
            _WORKER_SECONDS,
        )
        return bool(answer[0]["[applied]"]) or await self._renew(shard, worker)

    async def _renew(self, shard: int, worker: str) -> bool:
        answer = await self._session.execute(
            "UPDATE push_workers USING TTL ? SET worker = ? WHERE shard = ? IF worker = ?",
            _WORKER_SECONDS,
            worker,
            shard,
            worker,
        )
        return bool(answer[0]["[applied]"])

    async def release(self, shard: int, worker: str) -> None:
        await self._session.execute("DELETE FROM push_workers WHERE shard = ? IF worker = ?", shard, worker)


def _subscription(row: Mapping[str, Any]) -> Subscription:
    quarantined_until = row["quarantined_until"]
    return Subscription(
        row["account_id"],
        row["subscription_id"],
        row["endpoint"],
        row["p256dh"],
        row["auth"],
        row["session_id"],
        _aware(row["registered_at"]),
        _aware(quarantined_until) if quarantined_until else None,
    )


def _hash(endpoint: str) -> bytes:
    return hashlib.sha256(endpoint.encode()).digest()


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _times(stored: Mapping[Any, datetime] | None) -> dict[Any, datetime]:
    return {key: _aware(at) for key, at in (stored or {}).items()}


def _aware(moment: datetime) -> datetime:
    """The driver returns UTC without saying so."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
