"""What viewers were shown: pages of the last minutes, reasons of the last days, and Bloom filters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from photomesh_explore.candidates.domain import DAY_MS, ms_of
from photomesh_explore.pages.domain import Mode
from photomesh_explore.pages.seen import FILTER_POSTS, positions_of
from photomesh_explore.pages.service import Entry, PageList
from photomesh_explore.store import keys
from photomesh_explore.store.connection import Scripts, redis_errors
from photomesh_shared.clock import Clock

__all__ = ["PageStore"]

_FILTER_MS = 7 * DAY_MS


class PageStore:
    """Implements `pages.service.PageStore`. Every method raises ExploreUnavailable."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._scripts = Scripts(redis, "shown")

    async def load(self, viewer_id: int) -> PageList | None:
        with redis_errors():
            stored = await self._redis.get(f"{keys.PAGES}{viewer_id}")
        if not stored:
            return None
        id_, personalised, interests, revision, until_ms, pages, rest, dropped = json.loads(stored)
        return PageList(
            id_,
            Mode(personalised, tuple(interests)),
            revision,
            until_ms,
            tuple(tuple(_entry(one) for one in page) for page in pages),
            tuple(_entry(one) for one in rest),
            tuple(dropped),
        )

    async def save(self, viewer_id: int, listed: PageList) -> None:
        stored = [
            listed.id,
            listed.mode.personalised,
            listed.mode.interests,
            listed.revision,
            listed.until_ms,
            [[_fields(one) for one in page] for page in listed.pages],
            [_fields(one) for one in listed.rest],
            listed.dropped,
        ]
        left_ms = max(1, listed.until_ms - ms_of(self._clock.now()))
        with redis_errors():
            await self._redis.set(f"{keys.PAGES}{viewer_id}", json.dumps(stored), px=left_ms)

    async def mark_shown(self, viewer_id: int, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        arguments: list[object] = [viewer_id, FILTER_POSTS, _FILTER_MS]
        for one in entries:
            bits = positions_of(one.post_id)
            arguments += [one.post_id, one.author_id, f"{one.source} {one.about}", len(bits), *bits]
        await self._scripts.run("shown", ms_of(self._clock.now()), *arguments)

    async def why(self, viewer_id: int, post_id: int) -> tuple[str, str] | None:
        """Return from which source a post was shown, and what it was due to."""
        with redis_errors():
            stored: Any = await self._redis.hget(f"{keys.WHY}{viewer_id}", str(post_id))
        if not stored:
            return None
        _, source, about = stored.decode().split(" ", 2)
        return source, about


def _fields(entry: Entry) -> Sequence[object]:
    return [entry.post_id, entry.author_id, entry.tags, entry.source, entry.about]


def _entry(fields: Any) -> Entry:
    post_id, author_id, tags, source, about = fields
    return Entry(post_id, author_id, tuple(tags), source, about)
