"""Reads feeds: one call for a page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from photomesh_feed.domain.candidates import StoredCandidate, StoredCandidates
from photomesh_feed.domain.order import MS_BITS
from photomesh_feed.domain.pages import (
    AfterRanked,
    ChosenPosts,
    FeedList,
    Gaps,
    RankedOrder,
    Row,
    Skeleton,
    StoredPage,
    SuggestedPosts,
)
from photomesh_feed.domain.suggestions import SuggestedRow, Suggestion
from photomesh_feed.domain.timelines import TimelineRange, TimelineSlice, TimelineState
from photomesh_feed.store import keys
from photomesh_feed.store.connection import redis_errors
from photomesh_feed.store.scripts import load_script

__all__ = ["FeedReader"]

_WIDTH = len(Row._fields)
_STATES = {
    b"": TimelineState.ABSENT,
    keys.INCOMPLETE.encode(): TimelineState.PARTIAL,
    keys.COMPLETE.encode(): TimelineState.COMPLETE,
}


class FeedReader:
    """Every method raises FeedsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._list = load_script(redis, "read/common", "read/rules", "read/hydration", "read/skeleton", "read/page")
        self._order = load_script(redis, "read/common", "read/rules", "read/hydration", "read/order")
        self._posts = load_script(redis, "read/common", "read/rules", "read/hydration", "read/posts")
        self._candidates = load_script(redis, "read/common", "read/rules", "read/skeleton", "read/candidates")
        self._timelines = load_script(redis, "read/timelines")

    async def page(self, viewer: int, skeleton: Skeleton, absent: Collection[int]) -> StoredPage:
        """Returns the page of a skeleton, without posts in `absent`, which do not exist."""
        match skeleton:
            case FeedList(after, limit):
                answer = await self._call(self._list, viewer, *_position(after), limit, _joined(absent))
            case RankedOrder(order, offset, limit):
                answer = await self._call(self._order, viewer, order, offset, limit, _joined(absent))
            case ChosenPosts(posts):
                answer = await self._call(self._posts, viewer, _joined(posts), _joined(absent))
            case SuggestedPosts(posts):
                answer = await self._call(self._posts, viewer, _joined(posts), _joined(absent), "suggested")
        return _page(answer)

    async def candidates(self, viewer: int, limit: int, absent: Collection[int]) -> StoredCandidates:
        """Returns the newest visible posts of the viewer's feed for ranking."""
        answer = await self._call(self._candidates, viewer, limit, _joined(absent))
        if len(answer) == 1:
            return StoredCandidates("cold")
        outcome, head, last, flat, hashtags, missing, impressions = answer
        return StoredCandidates(
            outcome.decode(),
            head.decode(),
            int(last or 0),
            [
                StoredCandidate(int(post), int(author), int(likes), int(comments), tags.decode(), float(affinity))
                for post, author, likes, comments, tags, affinity in zip(*[iter(flat)] * 6, strict=True)
            ],
            [text.decode() for text in hashtags],
            [int(post) for post in missing],
            int(impressions),
        )

    async def save_order(
        self,
        viewer: int,
        name: str,
        entries: Sequence[int | Suggestion | None],
        *,
        head: str,
        limit: int,
        continuation: int,
        current_seconds: int,
        kept_seconds: int,
    ) -> None:
        """Saves a ranked order: posts of the feed, suggestions, and None after each page. It can be read for
        `kept_seconds`, and is the latest for `current_seconds`."""
        latest, order = keys.latest_order(viewer), keys.order(viewer, name)
        suggested: dict[Any, Any] = {
            str(one.post_id): f"{one.source} {one.about}" for one in entries if isinstance(one, Suggestion)
        }
        with redis_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(order, continuation, *map(_entry, entries))
                pipe.expire(order, kept_seconds)
                if suggested:
                    pipe.hset(keys.suggested(viewer, name), mapping=suggested)
                    pipe.expire(keys.suggested(viewer, name), kept_seconds)
                pipe.hset(latest, mapping={"name": name, "head": head, "limit": limit})
                pipe.expire(latest, current_seconds)
                await pipe.execute()

    async def authors(self, viewer: int) -> list[int]:
        """Returns the authors whose posts the viewer sees: followed and not muted."""
        with redis_errors():
            members = await self._redis.sdiff([keys.following(viewer), keys.muted(viewer)])
        return [int(member) for member in members]

    async def timelines(self, ranges: Sequence[TimelineRange], limit: int) -> list[TimelineSlice]:
        """Returns for each range at most `limit` posts."""
        arguments: list[str | int] = [limit]
        for author, after in ranges:
            arguments += (author, *_position(after))
        with redis_errors():
            flat = await self._timelines(args=arguments)
        return [
            TimelineSlice(_STATES[marker], more == b"1", [int(post) for post in posts])
            for marker, more, posts in zip(*[iter(flat)] * 3, strict=True)
        ]

    async def _call(self, script: AsyncScript, viewer: int, *arguments: str | int) -> Any:
        with redis_errors():
            return await script(keys=[keys.feed(viewer)], args=[viewer, *arguments])


def _position(after: int | None) -> tuple[str, str]:
    return ("", "") if after is None else (str(after >> MS_BITS), str(after))


def _joined(posts: Collection[int]) -> str:
    return ",".join(map(str, posts)) if posts else ""


def _page(answer: list[Any]) -> StoredPage:
    outcome = answer[0].decode()
    if len(answer) == 1:
        return StoredPage(outcome)
    _, floor, flat, missing, unknown, nameless, *order = answer
    suggested = order[3] if order else []
    return StoredPage(
        outcome,
        [Row._make(flat[i : i + _WIDTH]) for i in range(0, len(flat), _WIDTH)],
        Gaps([int(post) for post in missing], [int(post) for post in unknown], [int(author) for author in nameless]),
        int(floor) if floor else None,
        AfterRanked(order[0].decode(), int(order[1]), int(order[2])) if order else None,
        [_suggested(*one) for one in zip(*[iter(suggested)] * 3, strict=True)],
    )


def _entry(entry: int | Suggestion | None) -> str:
    if entry is None:
        return keys.PAGE_END
    return str(entry.post_id if isinstance(entry, Suggestion) else entry)


def _suggested(post: bytes, stored: bytes, place: int) -> SuggestedRow:
    source, about = stored.decode().split(" ", 1)
    return SuggestedRow(Suggestion(int(post), source, about), place)
