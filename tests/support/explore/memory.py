"""Explore's stores in memory, for use cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from photomesh_explore.candidates.domain import Engagement, PostInfo, Trend, ms_of
from photomesh_explore.discovery.queries import DiscoveryQueries
from photomesh_explore.feedback.domain import Feedback
from photomesh_explore.feedback.event_log import FeedbackEventLog
from photomesh_explore.feedback.service import FeedbackService
from photomesh_explore.pages.domain import Mode
from photomesh_explore.pages.seen import FILTER_BITS, positions_of
from photomesh_explore.pages.service import Entry, ExplorePage, ExploreService, PageList
from photomesh_explore.pages.sources import Candidates
from photomesh_explore.pages.suggestions import SuggestionService
from photomesh_shared.ids import EPOCH
from photomesh_shared.internal_api.post import SeenAccount, SeenPost
from tests.support.clock import FakeClock

__all__ = ["MemoryExplore", "MemorySights", "id_at"]

_BITS = 22


def id_at(time: datetime, number: int = 0) -> int:
    """An id that was made at a time."""
    return ((time - EPOCH) // timedelta(milliseconds=1) << _BITS) + number


@dataclass
class MemorySights:
    """post: everything may be seen but what is hidden."""

    hidden: set[int] = field(default_factory=set)
    """Posts and accounts, to everybody."""
    follows: set[tuple[int, int]] = field(default_factory=set)
    authors: dict[int, int] = field(default_factory=dict)
    calls: int = 0

    async def look(
        self, viewer_id: int, post_ids: Collection[int], account_ids: Collection[int]
    ) -> tuple[dict[int, SeenPost], dict[int, SeenAccount]]:
        self.calls += 1
        assert len(post_ids) <= 100
        assert len(account_ids) <= 500
        posts = {
            one: SeenPost(id=one, author_id=self.authors[one], photo_url="https://cdn.example/1.jpg", reason=None)
            for one in post_ids
            if one in self.authors and one not in self.hidden and self.authors[one] not in self.hidden
        }
        accounts = {
            one: SeenAccount(
                id=one,
                username=f"account{one}",
                display_name=None,
                avatar_url=None,
                followed=(viewer_id, one) in self.follows,
            )
            for one in account_ids
            if one not in self.hidden
        }
        return posts, accounts


class _Nowhere:
    """A publisher whose log nobody reads."""

    async def publish(self, envelope: object) -> None: ...

    async def publish_many(self, envelopes: object) -> None: ...

    async def send(self, records: object) -> None: ...


class MemoryFeedback:
    def __init__(self) -> None:
        self.said: dict[int, dict[str, Feedback]] = defaultdict(dict)
        self.revision = 0

    async def given(self, account_id: int) -> tuple[Sequence[Feedback], int]:
        found = self.said[account_id].values()
        return sorted(found, key=lambda one: -one.version), self.revision

    async def save(self, account_id: int, feedback: Feedback) -> None:
        self.said[account_id][feedback.feedback_id] = feedback
        self.revision = max(self.revision, feedback.version)

    async def remove(self, account_id: int, feedback_id: str, version: int) -> None:
        self.said[account_id].pop(feedback_id, None)
        self.revision = max(self.revision, version)


class MemoryExplore:
    """A reader, a store of pages and one of feedback, and the use cases on them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.infos: dict[int, PostInfo] = {}
        self.engaged: dict[int, list[Engagement]] = defaultdict(list)
        self.followees: dict[int, list[int]] = defaultdict(list)
        self.mutes: dict[int, set[int]] = defaultdict(set)
        self.together: dict[int, list[tuple[int, float]]] = {}
        self.top: list[int] = []
        self.trends: dict[str, Trend] = {}
        self.filters: dict[int, bytearray] = {}
        self.reasons: dict[tuple[int, int], tuple[str, str]] = {}
        self.lists: dict[int, PageList] = {}
        self.sights = MemorySights()
        store = MemoryFeedback()
        self.feedback = FeedbackService(store, FeedbackEventLog(store, _Nowhere(), self.clock), self, self.clock)
        self.unsearchable: set[int] = set()
        self.explore = ExploreService(Candidates(self), self, self.sights, self.feedback, self.clock)
        self.suggestions = SuggestionService(Candidates(self), self, self, self.sights, self.feedback, self.clock)
        self.discovery = DiscoveryQueries(self, self.sights, self.feedback, self.clock)
        self._numbers: Iterator[int] = count(1)

    # What there is

    def account(self) -> int:
        return id_at(datetime(2025, 1, 1, tzinfo=UTC), next(self._numbers))

    def post(self, author: int, *tags: str, minutes_ago: float = 10, place: str = "", cell: str = "") -> int:
        at = self.clock.now() - timedelta(minutes=minutes_ago)
        post_id = id_at(at, next(self._numbers))
        self.infos[post_id] = PostInfo(post_id, author, ms_of(at), tags, cell, place)
        self.sights.authors[post_id] = author
        return post_id

    def like(self, account: int, *posts: int, saved: bool = False) -> None:
        self.engaged[account] += [Engagement(one, ms_of(self.clock.now()), saved) for one in posts]

    async def page(
        self,
        viewer: int,
        position: tuple[str, int] | None = None,
        *,
        limit: int = 20,
        personalised: bool = True,
        interests: tuple[str, ...] = (),
    ) -> ExplorePage:
        return await self.explore.page(viewer, Mode(personalised, interests), position, limit)

    async def everything(self, viewer: int, *, limit: int = 20, personalised: bool = True) -> list[int]:
        """The posts of all pages."""
        found: list[int] = []
        position = None
        while True:
            page = await self.page(viewer, position, limit=limit, personalised=personalised)
            found += [one.post.id for one in page.items]
            position = page.next_position
            if position is None:
                return found

    # Reader

    async def seen_filters(self, viewer_id: int) -> Sequence[bytes]:
        return [bytes(self.filters[viewer_id])] if viewer_id in self.filters else []

    async def engagements(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Engagement]]:
        return {one: self.engaged[one] for one in account_ids}

    async def following(self, account_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        return {one: self.followees[one] for one in account_ids}

    async def muted(self, viewer_id: int) -> Collection[int]:
        return self.mutes[viewer_id]

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]:
        return {one: self.infos[one] for one in post_ids if one in self.infos}

    async def posts_written(self, author_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        return {one: self._newest({one}.__contains__, lambda info: (info.author_id,)) for one in author_ids}

    async def posts_tagged(self, tags: Collection[str]) -> Mapping[str, Sequence[int]]:
        return {one: self._newest({one}.__contains__, lambda info: info.tags) for one in tags}

    async def posts_in(self, cells: Collection[str]) -> Mapping[str, Sequence[int]]:
        return {one: self._newest({one}.__contains__, lambda info: (info.cell,)) for one in cells}

    async def neighbours(self, post_ids: Collection[int]) -> Mapping[int, Sequence[tuple[int, float]]]:
        return {one: self.together.get(one, []) for one in post_ids}

    async def trending(self) -> Sequence[int]:
        return self.top

    async def newest(self) -> Sequence[int]:
        return self._newest(lambda _: True, lambda info: (info.post_id,))

    async def shown_counts(self, author_ids: Collection[int]) -> Mapping[int, int]:
        return dict.fromkeys(author_ids, 0)

    async def public(self, account_ids: Collection[int]) -> Collection[int]:
        return set(account_ids) - self.unsearchable

    async def tag_trends(self) -> Mapping[str, Trend]:
        return self.trends

    async def cell_trends(self) -> Mapping[str, Trend]:
        return {}

    async def was_shown(self, viewer_id: int, post_id: int) -> bool:
        return (viewer_id, post_id) in self.reasons

    def _newest(self, wanted: Callable[[object], bool], having: Callable[[PostInfo], Sequence[object]]) -> list[int]:
        found = [info for info in self.infos.values() if any(wanted(one) for one in having(info))]
        return [info.post_id for info in sorted(found, key=lambda one: (-one.published_ms, one.post_id))]

    # Pages

    async def load(self, viewer_id: int) -> PageList | None:
        listed = self.lists.get(viewer_id)
        return listed if listed and listed.until_ms > ms_of(self.clock.now()) else None

    async def mark_shown(self, viewer_id: int, entries: Sequence[Entry]) -> None:
        bits = self.filters.setdefault(viewer_id, bytearray(FILTER_BITS // 8))
        for one in entries:
            self.reasons[viewer_id, one.post_id] = one.source, one.about
            for position in positions_of(one.post_id):
                bits[position // 8] |= 0x80 >> position % 8

    async def why(self, viewer_id: int, post_id: int) -> tuple[str, str] | None:
        return self.reasons.get((viewer_id, post_id))

    async def save(self, viewer_id: int, listed: PageList) -> None:
        self.lists[viewer_id] = listed
