"""Reads of other services. They apply visibility themselves: feed and identity know their viewer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.posts.domain import Post, PostRef, PostStatus
from photomesh_post.posts.months import NEWEST, Month, MonthHead, MonthPage, head_of, months_needed, months_until
from photomesh_post.tables.rows import month_of
from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.ids import MAX_ID

__all__ = ["PostSnapshots", "Store"]


_HEAD_MONTHS = 12
"""Of an author, for a first page: somebody who posts less than twice a month is read as for later pages."""


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, Post]: ...

    async def months_of(self, author_ids: Collection[int]) -> Mapping[int, Sequence[Month]]:
        """The months in which each author has posts, newest first."""
        ...

    async def month_heads(self, author_ids: Collection[int], *, months: int) -> Mapping[int, Sequence[MonthHead]]:
        """The newest `months` months of each author, newest first, with their newest posts."""
        ...

    async def month_pages(
        self, author_ids: Collection[int], month: int, *, before: int, limit: int
    ) -> Mapping[int, MonthPage]:
        """The newest `limit` posts of each author's month with smaller ids than `before`."""
        ...

    async def count_month(self, author_id: int, month: int) -> int: ...
    def posts_by_author(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]: ...


class PostSnapshots:
    """Every method raises DatabaseUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts = SingleFlight[int]()

    async def posts(self, post_ids: Collection[int]) -> tuple[list[Post], list[int]]:
        """The published ones among the posts, in the order of the ids, and the ids of the deleted ones."""
        found = await self._store.posts(post_ids)
        posts = [found[post_id] for post_id in dict.fromkeys(post_ids) if post_id in found]
        return [post for post in posts if post.is_published], [post.id for post in posts if post.deleted]

    async def count_by_author(self, author_id: int) -> int:
        """How many published posts an author has: exact as soon as a publication or deletion is in the tables."""
        return await self._counts.run(author_id, lambda: self._count_by_author(author_id))

    async def _count_by_author(self, author_id: int) -> int:
        months = (await self._store.months_of([author_id])).get(author_id, [])
        # A month that was never counted is from before counts were kept.
        counts = [self._store.count_month(author_id, month.number) for month in months if month.published is None]
        return sum(month.published or 0 for month in months) + sum(await asyncio.gather(*counts))

    async def timelines(
        self, author_ids: Collection[int], *, before: int | None, limit: int
    ) -> dict[int, Sequence[int]]:
        """The newest `limit` published posts of each author with smaller ids than `before`; fewer only if there are
        no more.

        The first page of a timeline is in the rows that count months: one read for all authors.
        """
        if before is not None or limit > NEWEST:
            return await self._pages(author_ids, before or MAX_ID, limit)
        months = await self._store.month_heads(author_ids, months=_HEAD_MONTHS)
        heads: dict[int, Sequence[int]] = {}
        for author_id in author_ids:
            known = months.get(author_id, [])
            head = head_of(known, limit, all_months=len(known) < _HEAD_MONTHS)
            if head is not None:
                heads[author_id] = head
        rest = [author_id for author_id in author_ids if author_id not in heads]
        return heads | (await self._pages(rest, MAX_ID, limit) if rest else {})

    async def _pages(self, author_ids: Collection[int], bound: int, limit: int) -> dict[int, Sequence[int]]:
        """One read returns the months of all authors with their counts, then one read for each month returns the posts
        of all authors who need it. An author whose deleted posts fill that read is read alone."""
        months = await self._store.months_of(author_ids)
        needed = {key: months_needed(months.get(key, []), month_of(bound), limit) for key in author_ids}
        pages = await self._month_pages(needed, bound, limit)
        timelines: dict[int, Sequence[int]] = {}
        incomplete: list[int] = []
        for author_id, numbers in needed.items():
            newest, complete = _merged([pages[number].get(author_id, MonthPage()) for number in numbers])
            complete = complete and len(numbers) == len(months_until(months.get(author_id, []), month_of(bound)))
            timelines[author_id] = newest[:limit]
            if len(newest) < limit and not complete:
                incomplete.append(author_id)
        walks = await asyncio.gather(*(self._walk(author_id, before=bound, limit=limit) for author_id in incomplete))
        return timelines | dict(zip(incomplete, walks, strict=True))

    async def _month_pages(
        self, needed: Mapping[int, Sequence[int]], before: int, limit: int
    ) -> dict[int, Mapping[int, MonthPage]]:
        """The page of each month and author. `needed`: the months of each author."""
        authors: defaultdict[int, list[int]] = defaultdict(list)
        for author_id, numbers in needed.items():
            for number in numbers:
                authors[number].append(author_id)
        pages = await asyncio.gather(
            *(self._store.month_pages(those, number, before=before, limit=limit) for number, those in authors.items())
        )
        return dict(zip(authors, pages, strict=True))

    async def _walk(self, author_id: int, *, before: int, limit: int) -> Sequence[int]:
        newest: list[int] = []
        async with aclosing(self._store.posts_by_author(author_id, before=before)) as listed:
            async for ref in listed:
                if ref.status is PostStatus.PUBLISHED:
                    newest.append(ref.id)
                if len(newest) == limit:
                    break
        return newest


def _merged(pages: Sequence[MonthPage]) -> tuple[list[int], bool]:
    """The newest posts of consecutive months, newest first, and whether none of the months was cut off. What comes
    after a page that was cut off is not next in line."""
    newest: list[int] = []
    for page in pages:
        newest += page.published
        if not page.whole:
            return newest, False
    return newest, True
