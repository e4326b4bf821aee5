"""Puts people, follows and posts where the services would have put them, without their going through the API.

accounts, follows   rows of social-graph by COPY, with the first version of each pair
accounts, posts     the rows that post's projection makes of their events, in batches

Feeds are not filled: they are built when they are first read, as after the loss of feed's Redis. What only private
accounts need (post's own table of relations) is left out, for nobody here is private.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import repeat
from typing import TypeVar

import asyncpg
from redis.asyncio import Redis

import photomesh_local as local
from benchmarks.society.graph import Graph
from benchmarks.society.posts import (
    MACHINE,
    MACHINE_MASK,
    Posts,
    World,
    caption_of,
    display_name_of,
    photo_of,
    username_of,
)
from benchmarks.users import cassandra_user
from photomesh_feed.store import keys
from photomesh_local.configuration.environment import redis_url
from photomesh_local.configuration.stack import Stack
from photomesh_post.accounts import projection as accounts
from photomesh_post.posts import projection as posts
from photomesh_post.posts.domain import PostRef, PostStatus
from photomesh_post.posts.months import MonthCount
from photomesh_post.posts.projection import PostEvent
from photomesh_post.tables.rows import RowWrite, month_of
from photomesh_post.texts.domain import entities_in, hashtags_of
from photomesh_shared.events import AccountRegistered, Envelope, PostCreated, PostPublished
from photomesh_shared.ids import timestamp_of
from photomesh_shared.stores.cassandra import CassandraSession, open_session

__all__ = ["Mesh"]

T = TypeVar("T")
_ROWS_PER_BATCH = 30  # of posts, about 40 kB; Cassandra refuses 50
_BATCHES_AT_ONCE = 8
_PART = 20_000  # posts or accounts that a process takes at once
_PROCESSES = 2
_SOURCE = "benchmark"
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_CREATED, _PUBLISHED = PostCreated.example(), PostPublished.example()


class Mesh:
    """The stores of a stack that is up."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._graph_dsn = local.environment(stack, "social-graph")["PHOTOMESH_POSTGRES_DSN"]
        self._feed_redis_url = redis_url(Stack(stack), None, database=2)
        self._posts: list[tuple[int, int]] = []

    async def add_people(self, world: World, graph: Graph, names: Mapping[int, tuple[str, str]] | None = None) -> None:
        """Accounts, and who follows whom. `names`: username and display name by account, where they matter."""
        ids = world.accounts[: graph.people].tolist()
        named = [
            (account, *(names or {}).get(account, (username_of(account), display_name_of(account)))) for account in ids
        ]
        await self._in_processes(_write_accounts, named)
        followers, followees = world.accounts[graph.followers].tolist(), world.accounts[graph.followees].tolist()
        in_counts, out_counts = graph.follower_counts().tolist(), graph.following_counts().tolist()
        connection = await asyncpg.connect(self._graph_dsn)
        try:
            await connection.copy_records_to_table(
                "accounts",
                columns=["id", "username", "display_name", "private", "version", "followers", "following"],
                records=((*one, False, 1, in_counts[n], out_counts[n]) for n, one in enumerate(named)),
            )
            for table, columns, one, other, value in (
                ("follows_out", ("follower_id", "followee_id", "since"), followers, followees, _SINCE),
                ("follows_in", ("followee_id", "follower_id", "since"), followees, followers, _SINCE),
                ("pairs", ("actor_id", "target_id", "version"), followers, followees, 1),
            ):
                records = zip(one, other, repeat(value), strict=False)
                await connection.copy_records_to_table(table, columns=columns, records=records)
            await connection.execute("VACUUM ANALYZE accounts, follows_out, follows_in, pairs")
        finally:
            await connection.close()

    async def add_posts(self, posts: Posts) -> None:
        """Published ones, each with a photo. A feed or timeline that is in feed's Redis already does not get them."""
        added = list(posts)
        await self._in_processes(_write_posts, added)
        self._posts += added
        await _write(self._stack, _month_rows(self._posts))

    async def forget_feeds(self) -> None:
        """What the loss of feed's Redis takes away."""
        async with Redis.from_url(self._feed_redis_url) as redis:
            await redis.flushdb()

    async def feeds_to_be_filled(self, account_ids: Iterable[int]) -> list[int]:
        """Whose feeds are not whole yet."""
        ids = list(account_ids)
        async with Redis.from_url(self._feed_redis_url) as redis, redis.pipeline(transaction=False) as pipeline:
            for account in ids:
                pipeline.zscore(keys.feed(account), keys.COMPLETE)
            whole = await pipeline.execute()
        return [account for account, mark in zip(ids, whole, strict=True) if mark is None]

    async def bytes_of_entries(self, account_ids: Sequence[int]) -> float:
        """What an entry of these people's feeds takes in Redis, with its share of the feed's key; 0 without any."""
        async with Redis.from_url(self._feed_redis_url) as redis:
            used = [await redis.memory_usage(keys.feed(account), samples=0) or 0 for account in account_ids]
            entries = [await redis.zcard(keys.feed(account)) for account in account_ids]
        return sum(used) / max(1, sum(entries))

    async def remove_people(self) -> None:
        """Of all runs. Their posts stay in Cassandra, where nothing leads to them; `make clean` takes them away."""
        connection = await asyncpg.connect(self._graph_dsn)
        try:
            for table, column in (
                ("accounts", "id"),
                ("follows_out", "follower_id"),
                ("follows_in", "follower_id"),
                ("pairs", "actor_id"),
            ):
                await connection.execute(f"DELETE FROM {table} WHERE {column} & {MACHINE_MASK} = {MACHINE}")
                await connection.execute(f"VACUUM ANALYZE {table}")
        finally:
            await connection.close()
        await self.forget_feeds()

    async def _in_processes(self, write: Callable[[str, Sequence[T]], None], things: Sequence[T]) -> None:
        loop = asyncio.get_running_loop()
        context = multiprocessing.get_context("spawn")
        parts = [things[start : start + _PART] for start in range(0, len(things), _PART)]
        with ProcessPoolExecutor(_PROCESSES, context) as processes:
            await asyncio.gather(*(loop.run_in_executor(processes, write, self._stack, part) for part in parts))


def _write_accounts(stack: str, accounts: Sequence[tuple[int, str, str]]) -> None:
    """In a process of its own; so is `_write_posts`."""
    asyncio.run(_write(stack, (row for account in accounts for row in _account_rows(*account))))


def _write_posts(stack: str, posts: Sequence[tuple[int, int]]) -> None:
    by_author = sorted(posts, key=lambda post: post[1])
    asyncio.run(_write(stack, (row for post_id, author_id in by_author for row in _post_rows(post_id, author_id))))


def _account_rows(account: int, username: str, display_name: str) -> list[RowWrite]:
    registered = AccountRegistered.example().model_copy(
        update={"user_id": account, "username": username, "display_name": display_name}
    )
    return accounts.rows_of(Envelope.of(registered, entityversion=1, source=_SOURCE))


def _post_rows(post_id: int, author_id: int) -> list[RowWrite]:
    """The rows of a post once its two events have been applied: the newer cell of each is written, once."""
    made = timestamp_of(post_id)
    version = int(made.timestamp() * 1_000_000)
    photo = _PUBLISHED.photos[0].model_copy(update={"photo_id": photo_of(post_id), "alt_text": None})
    entities = entities_in(caption_of(post_id))
    words = {"caption": caption_of(post_id), "hashtags": hashtags_of(entities), "mentions": (), "place": None}
    common = {"post_id": post_id, "author_id": author_id, "created_at": made} | words | {"entities": entities}
    created = _CREATED.model_copy(update=common | {"photo_ids": (photo.photo_id,), "alt_texts": (None,)})
    published = _PUBLISHED.model_copy(update=common | {"photos": (photo,), "published_at": made})
    rows: dict[tuple[str, tuple[int, ...]], RowWrite] = {}
    for row in [*_post_event_rows(created, version), *_post_event_rows(published, version + 1)]:
        where = row.table, tuple(row.key.values())
        older = rows[where].cells if where in rows else {}
        rows[where] = RowWrite(row.table, row.key, row.timestamp, {**older, **row.cells})
    return list(rows.values())


def _month_rows(posts: Iterable[tuple[int, int]]) -> Iterator[RowWrite]:
    """What post counts of each author's month after it has applied the events."""
    months: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for post_id, author_id in posts:
        months[author_id, month_of(post_id)].append(post_id)
    for (author_id, month), post_ids in months.items():
        counted = MonthCount.of(PostRef(one, PostStatus.PUBLISHED) for one in sorted(post_ids, reverse=True))
        cells = {"published": counted.published, "newest": list(counted.newest)}
        yield RowWrite("months_by_author", {"author_id": author_id, "month": month}, counted.progress, cells)


def _post_event_rows(event: PostEvent, version: int) -> list[RowWrite]:
    return posts.rows_of(Envelope.of(event, entityversion=version, source=_SOURCE))


async def _write(stack: str, rows: Iterable[RowWrite]) -> None:
    async with open_session(cassandra_user("post", stack)) as session:
        batches = _batches(rows)

        async def write() -> None:
            for batch in batches:
                await _insert(session, batch)

        await asyncio.gather(*(write() for _ in range(_BATCHES_AT_ONCE)))


def _batches(rows: Iterable[RowWrite]) -> Iterator[list[RowWrite]]:
    """Rows of one table with the same cells."""
    waiting: dict[tuple[str, ...], list[RowWrite]] = {}
    for row in rows:
        kind = (row.table, *row.key, *row.cells)
        batch = waiting.setdefault(kind, [])
        batch.append(row)
        if len(batch) == _ROWS_PER_BATCH:
            yield waiting.pop(kind)
    yield from waiting.values()


async def _insert(session: CassandraSession, rows: Sequence[RowWrite]) -> None:
    names = [*rows[0].key, *rows[0].cells]
    marks = ", ".join("?" * len(names))
    insert = f"INSERT INTO {rows[0].table} ({', '.join(names)}) VALUES ({marks}) USING TIMESTAMP ?;"
    values = [value for row in rows for value in (*row.key.values(), *row.cells.values(), row.timestamp)]
    await session.execute(f"BEGIN UNLOGGED BATCH {insert * len(rows)} APPLY BATCH", *values)
