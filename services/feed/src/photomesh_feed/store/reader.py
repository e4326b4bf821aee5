"""Reading feeds: one call for a page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from photomesh_feed.domain.pages import MS_BITS, Row
from photomesh_feed.store import keys
from photomesh_feed.store.connection import answering

__all__ = ["Candidates", "FeedReads", "Found", "Ranked", "Shelf"]

_WIDTH = len(Row._fields)


@dataclass(frozen=True)
class Found:
    """A page as far as Redis has it."""

    ended: str
    """`more`, `floor` (below it only timelines know), `end`, `cold` (there is no feed), `gone` (no such order)."""
    floor: int | None
    rows: list[Row]
    missing: list[int]
    """Posts whose snapshot is not here."""
    unknown: list[int]
    """Posts of which it is not known whether the viewer likes and saved them; they are in `rows` all the same."""
    nameless: list[int]
    """Authors of whom no names are here; their posts are in `rows` all the same."""


class Ranked(NamedTuple):
    """A page of an order, the order's name, where the next page begins, and behind which post the feed goes on when the
    order ends; 0 if nothing is behind it."""

    found: Found
    name: str
    next: int
    last: int


@dataclass(frozen=True)
class Candidates:
    ended: str
    head: str
    last: int | None
    posts: list[tuple[int, int, int, int, str, float]]
    """Id, author, likes, comments, hashtags, affinity."""
    liked_hashtags: list[str]
    missing: list[int]


class Shelf(NamedTuple):
    """What Redis has of an author's timeline behind some place."""

    marker: str
    more: bool
    posts: list[int]


class FeedReads:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._page = _script(redis, "read_prelude", "read_merge", "read_page")
        self._posts = _script(redis, "read_prelude", "read_posts")
        self._ranked = _script(redis, "read_prelude", "read_ranked")
        self._candidates = _script(redis, "read_prelude", "read_merge", "read_candidates")
        self._timelines = _script(redis, "read_timelines")

    async def ping(self) -> None:
        with answering():
            await self._redis.ping()

    async def page(self, viewer: int, after: int | None, limit: int, absent: Collection[int]) -> Found:
        """A page in chronological order, behind `after`."""
        ms, post = _place(after)
        answer = await self._call(self._page, viewer, ms, post, limit, _listed(absent))
        return _found(answer, int(answer[2]) if len(answer) > 1 and answer[1] else None)

    async def posts(self, viewer: int, posts: Sequence[int], absent: Collection[int]) -> Found:
        """These posts, in this order, without those that the viewer does not see."""
        return _found(await self._call(self._posts, viewer, _listed(posts), _listed(absent)), None)

    async def ranked(self, viewer: int, name: str, index: int, limit: int, absent: Collection[int]) -> Ranked:
        """A page of an order that was kept; of the latest, if no name is given."""
        answer = await self._call(self._ranked, viewer, name, index, limit, _listed(absent))
        if len(answer) == 1:
            return Ranked(_found(answer, None), "", 0, 0)
        return Ranked(_found(answer[:7], None), answer[1].decode(), int(answer[2]), int(answer[7]))

    async def candidates(self, viewer: int, count: int, absent: Collection[int]) -> Candidates:
        answer = await self._call(self._candidates, viewer, count, _listed(absent))
        if len(answer) == 1:
            return Candidates("cold", "", None, [], [], [])
        ended, head, last, flat, liked, missing = answer
        posts = [
            (int(a), int(b), int(c), int(d), e.decode(), float(f))
            for a, b, c, d, e, f in zip(*[iter(flat)] * 6, strict=True)
        ]
        return Candidates(
            ended.decode(),
            head.decode(),
            int(last) if last else None,
            posts,
            [text.decode() for text in liked],
            [int(post) for post in missing],
        )

    async def keep_order(
        self, viewer: int, name: str, entries: Sequence[str], *, head: str, limit: int, last: int, fresh: int, kept: int
    ) -> None:
        """Keeps an order for `kept` seconds, and gives it to first reads for `fresh` seconds. The feed goes on behind
        `last`, 0 if it does not."""
        latest, order = keys.latest_order(viewer), keys.order(viewer, name)
        with answering():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(order, last, *entries)
                pipe.expire(order, kept)
                pipe.hset(latest, mapping={"name": name, "head": head, "limit": limit})
                pipe.expire(latest, fresh)
                await pipe.execute()

    async def authors(self, viewer: int) -> list[int]:
        """Whose posts the viewer sees."""
        with answering():
            members = await self._redis.sdiff([keys.following(viewer), keys.muted(viewer)])
        return [int(member) for member in members]

    async def timelines(self, wanted: Sequence[tuple[int, int | None]], count: int) -> list[Shelf]:
        """Of each author (with the post to begin behind) what is here, in the order in which they are given."""
        arguments: list[str | int] = [count]
        for author, after in wanted:
            arguments += (author, *_place(after))
        with answering():
            flat = await self._timelines(args=arguments)
        return [
            Shelf(marker.decode(), more == b"1", [int(post) for post in posts])
            for marker, more, posts in zip(*[iter(flat)] * 3, strict=True)
        ]

    async def _call(self, script: AsyncScript, viewer: int, *arguments: str | int) -> Any:
        with answering():
            return await script(keys=[keys.feed(viewer)], args=[viewer, *arguments])


def _script(redis: Redis, *names: str) -> AsyncScript:
    folder = files(__package__).joinpath("scripts")
    return redis.register_script("\n".join(folder.joinpath(f"{name}.lua").read_text() for name in names))


def _place(after: int | None) -> tuple[str, str]:
    return ("", "") if after is None else (str(after >> MS_BITS), str(after))


def _listed(posts: Collection[int]) -> str:
    return ",".join(map(str, posts)) if posts else ""


def _found(answer: Any, floor: int | None) -> Found:
    ended = answer[0].decode()
    if len(answer) == 1:
        return Found(ended, None, [], [], [], [])
    _, _, _, flat, missing, unknown, nameless = answer
    rows = [Row._make(flat[i : i + _WIDTH]) for i in range(0, len(flat), _WIDTH)]
    return Found(
        ended, floor, rows, [int(post) for post in missing], [int(post) for post in unknown], [int(u) for u in nameless]
    )
