"""What feed holds of an account beyond copies of other services' data, for its export: what ranking goes by, which
posts were served, and which were reported as seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from photomesh_feed.domain.affinity import Affinity, decayed
from photomesh_feed.domain.exports import SeenPage
from photomesh_feed.domain.order import id_ms
from photomesh_shared.clock import Clock
from photomesh_shared.events import Event, FeedServed, ImpressionRecorded, ImpressionsRecorded
from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section
from photomesh_shared.packed_ids import unpack
from photomesh_shared.ranking.features import FEATURE_SCHEMA, FEATURES, unpack_features

__all__ = ["AccountRecords", "ExportQueries", "RankingStore"]

Item = dict[str, Any]

_IDS = {"author_id": "u", "post_id": "o", "post_ids": "o", "suggested_post_ids": "o"}


class RankingStore(Protocol):
    """See `store.exports.RankingRecords`. Raises FeedsUnavailable."""

    async def affinities(self, account_id: int, start: int, limit: int) -> list[Affinity]: ...
    async def latest_order(self, account_id: int) -> list[int]: ...
    async def engagements(self, account_id: int) -> int: ...
    async def impressions(self, account_id: int) -> int: ...


class AccountRecords(Protocol):
    async def records(self, account_id: int, offset: int) -> SeenPage:
        """Search the topic from an offset on, for a second or two. Raises Unavailable."""
        ...


class ExportQueries:
    def __init__(self, store: RankingStore, impressions: AccountRecords, served: AccountRecords, clock: Clock) -> None:
        self._store = store
        self._topics = {"impressions": impressions, "served": served}
        self._clock = clock
        self._sections: dict[str, Callable[[int, ExportQuery], Awaitable[ExportPage]]] = {
            "ranking": self._ranking_page,
            "impressions": self._topic_page,
            "served": self._topic_page,
        }

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Raises NotFound, InvalidCursor, or Unavailable."""
        return await require_section(self._sections, query.section)(account_id, query)

    async def _ranking_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """The affinities, the strongest first, with the latest order before them."""
        start = int_cursor(query.cursor) if query.cursor else 0
        now_ms = id_ms(self._clock.now())
        items: list[Item] = []
        if start == 0:
            order = await self._store.latest_order(account_id)
            if order:
                items.append(item_of({"kind": "latest_order", "post_ids": order}, _IDS))
            if count := await self._store.engagements(account_id):
                items.append({"kind": "known_likes_and_comments", "count": count})
            if count := await self._store.impressions(account_id):
                items.append({"kind": "known_impressions", "count": count})
        found = await self._store.affinities(account_id, start, query.limit)
        items += [
            item_of(
                {"kind": "affinity", "author_id": one.author_id, "affinity": round(decayed(one.score, now_ms), 6)}, _IDS
            )
            for one in found
        ]
        more = len(found) == query.limit
        return ExportPage(section=query.section, items=items, next_cursor=str(start + query.limit) if more else None)

    async def _topic_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """A cursor is an offset in the account's partition of the topic."""
        source = self._topics[query.section]
        page = await source.records(account_id, int_cursor(query.cursor) if query.cursor else 0)
        items = [item for event in page.events for item in _items(event)]
        next_cursor = None if page.next_offset is None else str(page.next_offset)
        return ExportPage(section=query.section, items=items, next_cursor=next_cursor)


def _items(event: Event) -> list[Item]:
    match event:
        case ImpressionsRecorded():
            return [
                item_of(
                    {
                        "post_id": one.post_id,
                        "position": one.position,
                        "mode": one.mode,
                        "seen_at": one.seen_at,
                        "recorded_at": event.recorded_at,
                        "request_id": one.request_id,
                        "dwell_ms": one.dwell_ms,
                    },
                    _IDS,
                )
                for one in event.impressions
            ]
        case ImpressionRecorded():
            record = {
                "post_id": event.post_id,
                "position": event.position,
                "mode": event.mode,
                "seen_at": event.seen_at,
            }
            return [item_of(record, _IDS)]
        case FeedServed():
            return [_served(event)]
        case _:
            return []


def _served(event: FeedServed) -> Item:
    names = [feature.name for feature in FEATURES]
    known = event.feature_schema == FEATURE_SCHEMA
    rows = [dict(zip(names, row, strict=True)) for row in unpack_features(event.features)] if known else []
    shown = {
        "request_id": event.request_id,
        "served_at": event.served_at,
        "surface": event.surface,
        "model": event.model,
        "known_impressions": event.known_impressions,
        "post_ids": list(unpack(event.post_ids)),
        "suggested_post_ids": list(unpack(event.suggested_ids)),
        "suggested_positions": list(event.suggested_positions),
    }
    return {**item_of(shown, _IDS), "features": rows}
