"""What other services ask about posts. Who may see what is for them to decide: feed and identity know their viewer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from itertools import takewhile
from typing import Protocol

from photomesh_post.posts.domain import Author, Listed, Month, Post, PostRef, PostStatus
from photomesh_post.posts.projection import month_of
from photomesh_shared.ids import MAX_ID
from photomesh_shared.single_flight import SingleFlight

__all__ = ["SnapshotReads", "Snapshots"]


class SnapshotReads(Protocol):
    """What is asked of the store; see `store.CassandraStore`."""

    async def posts(self, post_ids: Collection[int]) -> dict[int, Post]: ...

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]: ...

    async def months_of(self, author_ids: Collection[int]) -> dict[int, list[Month]]:
        """The months in which each author has posts, newest first."""
        ...

    async def listed(self, author_ids: Collection[int], month: int, *, before: int, limit: int) -> dict[int, Listed]:
        """Of each author's month the newest `limit` posts with smaller ids than `before`."""
        ...

    async def count_posts(self, author_id: int, month: int) -> int: ...
    def posts_of(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]: ...


class Snapshots:
    def __init__(self, store: SnapshotReads) -> None:
        self._store = store
        self._counts = SingleFlight[int]()

    async def posts(self, post_ids: Collection[int]) -> list[Post]:
        """Those of the posts that are published and not deleted, in the order in which they were asked for."""
        found = await self._store.posts(post_ids)
        posts = (found.get(post_id) for post_id in dict.fromkeys(post_ids))
        return [post for post in posts if post and post.status is PostStatus.PUBLISHED and not post.deleted]

    async def authors(self, account_ids: Collection[int]) -> list[Author]:
        """Those of the accounts that are known."""
        return list((await self._store.authors(account_ids)).values())

    async def published_posts(self, author_id: int) -> int:
        """How many published posts an author has: exact as soon as a publication or deletion is in the tables."""
        return await self._counts.run(author_id, lambda: self._published_posts(author_id))

    async def _published_posts(self, author_id: int) -> int:
        months = (await self._store.months_of([author_id])).get(author_id, [])
        # A month that nobody has counted was published in before counts were kept.
        counts = [self._store.count_posts(author_id, month.number) for month in months if month.published is None]
        return sum(month.published or 0 for month in months) + sum(await asyncio.gather(*counts))

    async def timelines(
        self, author_ids: Collection[int], *, before: int | None, limit: int
    ) -> dict[int, Sequence[int]]:
        """Of each author the newest `limit` published posts with smaller ids than `before`; fewer only if there are
        no more.

        One read says in which months each author published how much, then one read for each month gets that month's
        posts of all authors who need it. An author whose deleted posts fill that read is read alone.
        """
        bound = before or MAX_ID
        months = await self._store.months_of(author_ids)
        needed = {author_id: _needed(months.get(author_id, []), month_of(bound), limit) for author_id in author_ids}
        by_month: defaultdict[int, list[int]] = defaultdict(list)
        for author_id, wanted in needed.items():
            for number in wanted:
                by_month[number].append(author_id)
        read = await asyncio.gather(
            *(self._store.listed(authors, number, before=bound, limit=limit) for number, authors in by_month.items())
        )
        found = dict(zip(by_month, read, strict=True))

        async def timeline(author_id: int) -> Sequence[int]:
            parts = [found[number].get(author_id, Listed()) for number in needed[author_id]]
            whole = list(takewhile(lambda part: part.whole, parts))
            # The first part that was cut off still gives its newest posts; what comes after it is not next in line.
            newest = [post_id for part in parts[: len(whole) + 1] for post_id in part.published]
            is_all = len(whole) == len(parts) == len(_until(months.get(author_id, []), month_of(bound)))
            if len(newest) >= limit or is_all:
                return newest[:limit]
            return await self._walk(author_id, before=bound, limit=limit)

        timelines = await asyncio.gather(*(timeline(author_id) for author_id in needed))
        return dict(zip(needed, timelines, strict=True))

    async def _walk(self, author_id: int, *, before: int, limit: int) -> Sequence[int]:
        newest: list[int] = []
        async with aclosing(self._store.posts_of(author_id, before=before)) as listed:
            async for ref in listed:
                if ref.status is PostStatus.PUBLISHED:
                    newest.append(ref.id)
                if len(newest) == limit:
                    break
        return newest


def _until(months: Sequence[Month], last: int) -> list[Month]:
    return [month for month in months if month.number <= last]


def _needed(months: Sequence[Month], last: int, limit: int) -> list[int]:
    """The newest months, up to `last`, that hold `limit` published posts together; of the last one itself, nobody
    knows how many come before the bound."""
    numbers: list[int] = []
    posts = 0
    for month in _until(months, last):
        if posts >= limit:
            break
        numbers.append(month.number)
        posts += (month.published or 0) if month.number < last else 0
    return numbers
