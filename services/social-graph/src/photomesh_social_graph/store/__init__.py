"""PostgreSQL: copies of accounts, the edges between them, and the outbox.

Every statement reads one partition per table, by the account that the table is partitioned by.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.versions import next_version
from photomesh_shared.ids import MAX_ID
from photomesh_shared.internal_api.social_graph import MAX_NEIGHBOURS
from photomesh_shared.internal_api.states import OwnedPair
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_social_graph.domain import (
    Account,
    AccountList,
    CountAudit,
    Counts,
    ListPosition,
    Relation,
    Tie,
)
from photomesh_social_graph.errors import AccountNotFound, AccountNotReady
from photomesh_social_graph.store import statements
from photomesh_social_graph.store.relation_states import RelationState, end_of
from photomesh_social_graph.store.sides import change_tie, save, side_of

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresGraph"]

_START = ListPosition(datetime.max.replace(tzinfo=UTC), MAX_ID)
"""Before every entry."""

_FRIENDS, _OF_A_FRIEND = 20, 100  # so many reads, and rows of each, for whom one's friends follow
_AUDIT_SECONDS = 600.0  # enough to count ten million rows


class PostgresGraph:
    """Implements `service.RelationStore`, `queries.ListStore` and `event_handlers.AccountStore`.

    Every method raises DatabaseUnavailable when the server does not answer.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._reads = SingleFlight[list["asyncpg.Record"]]()

    @asynccontextmanager
    async def locked_tie(self, actor_id: int, target_id: int) -> AsyncIterator[Tie]:
        # Changes of one account are serialised: between processes by a row lock, and in this process by a lock that
        # holds no connection, so that thousands of simultaneous follows of one account do not exhaust the pool.
        first, second = (self._locks.setdefault(number, asyncio.Lock()) for number in sorted((actor_id, target_id)))
        async with first, second, transaction(self._pool) as tx:
            rows = await tx.fetch(
                "SELECT id, private, status, followers, following FROM accounts WHERE id = ANY($1) ORDER BY id"
                " FOR UPDATE",
                [actor_id, target_id],
            )
            accounts = {row["id"]: dict(row) for row in rows}
            if actor_id not in accounts:
                raise AccountNotReady
            if target_id not in accounts:
                raise AccountNotFound
            rows = await tx.fetch(statements.SIDES, actor_id, target_id)
            sides = {row["actor_id"]: side_of(dict(row), accounts) for row in rows}
            tie = Tie(sides[actor_id], sides[target_id])
            yield tie
            for new in (tie.ours, tie.theirs):
                if new != (old := sides[new.actor_id]):
                    await save(tx, old, new)
            for event in tie.events:
                await outbox.add(tx, event)

    async def change_ties(
        self, actor_id: int, target_ids: Sequence[int], act: Callable[[Tie], None]
    ) -> list[Envelope[Event]]:
        events: list[Envelope[Event]] = []
        async with AsyncExitStack() as stack:
            for number in sorted({actor_id, *target_ids}):
                await stack.enter_async_context(self._locks.setdefault(number, asyncio.Lock()))
            tx = await stack.enter_async_context(transaction(self._pool))
            rows = await tx.fetch(
                "SELECT id, private, status, followers, following FROM accounts WHERE id = ANY($1) ORDER BY id"
                " FOR UPDATE",
                [actor_id, *target_ids],
            )
            accounts = {row["id"]: dict(row) for row in rows}
            for target_id in target_ids if actor_id in accounts else ():
                if target_id in accounts:
                    events += await change_tie(tx, accounts, (actor_id, target_id), act)
            for event in events:
                await outbox.add(tx, event)
        return events

    async def upsert_account(self, account: Account, version: int) -> int:
        async with transaction(self._pool) as tx:
            await tx.execute(
                "INSERT INTO accounts (id, username, display_name, avatar_url, private, status, version)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username,"
                " display_name = EXCLUDED.display_name, avatar_url = EXCLUDED.avatar_url, private = EXCLUDED.private,"
                " status = EXCLUDED.status, version = EXCLUDED.version WHERE accounts.version < EXCLUDED.version",
                account.id,
                account.username,
                account.display_name,
                account.avatar_url,
                account.private,
                account.status,
                version,
            )
            stored: int = await tx.fetchval("SELECT version FROM accounts WHERE id = $1", account.id)
        return stored

    async def account_versions(self, account_ids: Collection[int]) -> dict[int, int]:
        """The versions of those accounts that are known."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT id, version FROM accounts WHERE id = ANY($1)", list(account_ids))
        return {row["id"]: row["version"] for row in rows}

    async def accounts(self, account_ids: Collection[int]) -> dict[int, Account]:
        rows = await self._read(
            "SELECT id, username, display_name, avatar_url, private, status FROM accounts WHERE id = ANY($1)",
            tuple(account_ids),
        )
        return {row["id"]: Account(*row) for row in rows}

    async def counts(self, account_id: int) -> Counts:
        rows = await self._read("SELECT followers, following FROM accounts WHERE id = $1", account_id)
        return Counts(*rows[0]) if rows else Counts()

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]:
        rows = await self._read(statements.RELATIONS, viewer_id, tuple(account_ids))
        return {account_id: Relation(*rest) for account_id, *rest in rows}

    async def list_newest(
        self, kind: AccountList, owner_id: int, after: ListPosition | None, limit: int
    ) -> list[ListPosition]:
        start = after or _START
        rows = await self._read(statements.NEWEST_FIRST[kind], owner_id, start.at, start.id, limit)
        return [ListPosition(row["at"], row["id"]) for row in rows]

    async def followee_ids_at(self, viewer_id: int, moment: datetime) -> list[int]:
        rows = await self._read(
            "SELECT followee_id FROM follows_out WHERE follower_id = $1 AND since <= $2 UNION SELECT target_id"
            " FROM pairs WHERE actor_id = $1 AND followed_until > $2 AND followed_from <= $2",
            viewer_id,
            moment,
        )
        return [row[0] for row in rows]

    async def list_followers(
        self, owner_id: int, known: Sequence[int], *, among_known: bool, after: ListPosition | None, limit: int
    ) -> list[ListPosition]:
        start = after or _START
        query = statements.KNOWN_FOLLOWERS if among_known else statements.OTHER_FOLLOWERS
        rows = await self._read(query, owner_id, start.at, start.id, limit, tuple(known))
        return [ListPosition(row["since"], row["follower_id"], known=among_known) for row in rows]

    async def follower_ids(self, account_id: int, *, after: int, limit: int) -> bytes:
        """Follower ids above `after`, ascending, as 8 bytes each (big-endian)."""
        [[packed]] = await self._read(
            "SELECT string_agg(int8send(follower_id), '' ORDER BY follower_id) FROM (SELECT follower_id"
            " FROM follows_in WHERE followee_id = $1 AND follower_id > $2 ORDER BY follower_id LIMIT $3) page",
            account_id,
            after,
            limit,
        )
        return packed or b""

    async def following_json(self, account_id: int) -> str:
        """The accounts that the account follows, mutes, or once did, each with the version of the pair, as JSON."""
        [[text]] = await self._read(statements.FOLLOWING_JSON, account_id)
        assert isinstance(text, str)
        return text

    async def neighbours(self, account_id: int) -> tuple[list[int], list[int], list[int]]:
        """Whom the account follows, the latest first; whom those follow whom it followed last, by how many of them do;
        and whom it blocks, without those who block it."""
        async with connection(self._pool) as conn:
            followed = [row["id"] for row in await conn.fetch(statements.FOLLOWED_LAST, account_id, MAX_NEIGHBOURS)]
            near: Counter[int] = Counter()
            for friend_id in followed[:_FRIENDS]:
                near.update(row["id"] for row in await conn.fetch(statements.FOLLOWED_LAST, friend_id, _OF_A_FRIEND))
            blocked = [row["id"] for row in await conn.fetch(statements.BLOCKED_LAST, account_id, MAX_NEIGHBOURS)]
        del near[account_id]
        nearest = sorted(near, key=lambda one: (-near[one], one))
        return followed, nearest[:MAX_NEIGHBOURS], blocked

    async def popular(self, at_least: int) -> list[tuple[int, int]]:
        """(account id, followers) of accounts with at least so many followers, most followers first."""
        rows = await self._read(
            "SELECT id, followers FROM accounts WHERE followers >= $1 ORDER BY followers DESC, id", at_least
        )
        return [(row["id"], row["followers"]) for row in rows]

    async def _read(self, query: str, *values: Hashable) -> list[asyncpg.Record]:
        """Coalesces concurrent identical reads."""

        async def read() -> list[asyncpg.Record]:
            async with connection(self._pool) as conn:
                return await conn.fetch(query, *values)

        return await self._reads.run((query, values), read)

    async def pairs_after(self, last: tuple[int, int], limit: int) -> list[tuple[int, int]]:
        """The next (actor, target) between whom anything is, or was."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT actor_id, target_id FROM pairs WHERE (actor_id, target_id) > ($1, $2)"
                " ORDER BY actor_id, target_id LIMIT $3",
                *last,
                limit,
            )
        return [(row["actor_id"], row["target_id"]) for row in rows]

    async def page_of_pairs(self, after: tuple[int, int], limit: int) -> tuple[list[OwnedPair], int]:
        """The next pairs, and how many there are, roughly."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(statements.PAIRS, *after, limit)
            total = await conn.fetchval(statements.PAIRS_TOTAL)
        return [OwnedPair(*row) for row in rows], max(total, len(rows))

    async def paired_after(self, account_id: int, last: int, limit: int) -> list[int]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "(SELECT target_id AS other FROM pairs WHERE actor_id = $1 AND target_id > $2 ORDER BY 1 LIMIT $3)"
                " UNION (SELECT actor_id FROM pairs WHERE target_id = $1 AND actor_id > $2 ORDER BY 1 LIMIT $3)"
                " ORDER BY other LIMIT $3",
                account_id,
                last,
                limit,
            )
        return [row["other"] for row in rows]

    async def erase_pairs(self, account_id: int) -> int:
        async with transaction(self._pool) as tx:
            done = [
                await tx.execute(f"DELETE FROM pairs WHERE {end} = $1", account_id)  # noqa: S608 — constant names
                for end in ("actor_id", "target_id")
            ]
        return sum(int(text.rpartition(" ")[2]) for text in done)

    async def end_unless_exists(self, relation: RelationState, version: int, now: datetime) -> bool:
        """Publishes the end of a relation that was published with this version, unless it exists. Returns whether it
        did. Neither account needs to be known."""
        actor_id, target_id, kind = relation
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                "SELECT id, followers FROM accounts WHERE id = ANY($1) ORDER BY id FOR UPDATE", [actor_id, target_id]
            )
            if await tx.fetchval(statements.EXISTS[kind], actor_id, target_id):
                return False
            followers = {row["id"]: row["followers"] for row in rows}.get(target_id, 0)
            known = await tx.fetchval(
                "SELECT version FROM pairs WHERE actor_id = $1 AND target_id = $2", actor_id, target_id
            )
            version = next_version(max(version, known or 0), now)
            await tx.execute(
                "INSERT INTO pairs (actor_id, target_id, version) VALUES ($1, $2, $3)"
                " ON CONFLICT (actor_id, target_id) DO UPDATE SET version = EXCLUDED.version",
                actor_id,
                target_id,
                version,
            )
            event = end_of(relation, followers, now)
            name = f"{event.subject()}.{version}"
            await outbox.add(tx, Envelope.of(event, entityversion=version, id=name, time=now))
        return True

    async def audit_counts(self, after: int, limit: int) -> list[CountAudit]:
        """Cached and actual counts of the next accounts by id, read in one snapshot."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT id, followers, following, {statements.COUNTS} FROM accounts WHERE id > $1 ORDER BY id"  # noqa: S608
                " LIMIT $2",
                after,
                limit,
                timeout=_AUDIT_SECONDS,
            )
        return [CountAudit(row[0], Counts(*row[1:3]), Counts(*row[3:5])) for row in rows]

    async def repair_counts(self, account_id: int) -> None:
        """Sets the cached counts to the counts of the edges."""
        async with transaction(self._pool) as tx:
            # A separate statement, so that the next one sees what was committed while this one waited.
            await tx.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account_id)
            await tx.execute(
                f"UPDATE accounts SET (followers, following) = (SELECT {statements.COUNTS}) WHERE id = $1",  # noqa: S608
                account_id,
                timeout=_AUDIT_SECONDS,
            )
