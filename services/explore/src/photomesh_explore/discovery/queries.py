"""Reads: what trends, and whom one could follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from photomesh_explore.candidates.domain import Engagement, PostInfo, Trend, ms_of, trending_now
from photomesh_explore.feedback.domain import Rules
from photomesh_explore.pages.domain import interests_of
from photomesh_shared.clock import Clock
from photomesh_shared.internal_api.post import SeenAccount, SeenPost

__all__ = ["DiscoveryQueries", "NamedTrend", "SuggestedAccount"]

_MAX_FOLLOWEES = 30
_MAX_CHECKED = 200


@dataclass(frozen=True)
class NamedTrend:
    """`name`: the hashtag, or the place. `accounts`: how many posted."""

    name: str
    accounts: int


@dataclass(frozen=True)
class SuggestedAccount:
    """`followees`: how many of those whom the viewer follows follow it; else `tag` is what it posts of."""

    account: SeenAccount
    followees: int = 0
    tag: str | None = None


class Reader(Protocol):
    """See `store.reader.CandidateReader`. Every method raises ExploreUnavailable."""

    async def engagements(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Engagement]]: ...
    async def following(self, account_ids: Collection[int]) -> Mapping[int, Sequence[int]]: ...
    async def muted(self, viewer_id: int) -> Collection[int]: ...
    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]: ...
    async def posts_tagged(self, tags: Collection[str]) -> Mapping[str, Sequence[int]]: ...
    async def public(self, account_ids: Collection[int]) -> Collection[int]: ...
    async def tag_trends(self) -> Mapping[str, Trend]: ...
    async def cell_trends(self) -> Mapping[str, Trend]: ...


class Sights(Protocol):
    """See `clients.PostClient`."""

    async def look(
        self, viewer_id: int, post_ids: Collection[int], account_ids: Collection[int]
    ) -> tuple[dict[int, SeenPost], dict[int, SeenAccount]]: ...


class RulesOf(Protocol):
    """See `feedback.service.FeedbackService`."""

    async def rules(self, account_id: int) -> Rules: ...


class DiscoveryQueries:
    """Every method raises ExploreUnavailable."""

    def __init__(self, reader: Reader, sights: Sights, feedback: RulesOf, clock: Clock) -> None:
        self._reader = reader
        self._sights = sights
        self._feedback = feedback
        self._clock = clock

    async def trends(self, viewer_id: int, limit: int) -> tuple[list[NamedTrend], list[NamedTrend]]:
        """Return hashtags and places that trend, the strongest first, without hashtags that the viewer hides."""
        now_ms = ms_of(self._clock.now())
        hidden = (await self._feedback.rules(viewer_id)).hidden_tags
        tags = [
            NamedTrend(tag, trend.accounts)
            for tag, trend in (await self._reader.tag_trends()).items()
            if trending_now(trend.score, now_ms) and tag not in hidden
        ]
        places = [
            NamedTrend(trend.name, trend.accounts)
            for trend in (await self._reader.cell_trends()).values()
            if trending_now(trend.score, now_ms)
        ]
        return tags[:limit], places[:limit]

    async def people(self, viewer_id: int, limit: int) -> list[SuggestedAccount]:
        """Return public accounts that the viewer could follow: those that most of its followees follow, then authors of
        hashtags that it likes. Nobody whom it follows, mutes or dismissed, or with a block to or from it."""
        reader = self._reader
        rules = await self._feedback.rules(viewer_id)
        following = (await reader.following([viewer_id])).get(viewer_id, ())
        avoided = {viewer_id, *following, *await reader.muted(viewer_id), *rules.dismissed, *rules.hidden_authors}
        counts: dict[int, int] = {}
        for others in (await reader.following(following[:_MAX_FOLLOWEES])).values():
            for other in set(others) - avoided:
                counts[other] = counts.get(other, 0) + 1
        by_count = sorted(counts, key=lambda one: (-counts[one], one))
        of_tags = await self._authors_of_tags(viewer_id, avoided)
        wanted = list(dict.fromkeys([*by_count, *of_tags]))[:_MAX_CHECKED]
        public = await reader.public(wanted)
        _, seen = await self._sights.look(viewer_id, [], [one for one in wanted if one in public])
        return [
            SuggestedAccount(account, counts.get(one, 0), None if one in counts else of_tags[one])
            for one in wanted
            if (account := seen.get(one)) and not account.followed
        ][:limit]

    async def _authors_of_tags(self, viewer_id: int, avoided: Collection[int]) -> Mapping[int, str]:
        """Return authors of posts with hashtags that the viewer likes, with the hashtag: the latest of each."""
        engaged = (await self._reader.engagements([viewer_id])).get(viewer_id, ())
        infos = await self._reader.posts({one.post_id for one in engaged})
        interests = interests_of(engaged, infos, ms_of(self._clock.now()))
        found: dict[int, str] = {}
        for tag, post_ids in (await self._reader.posts_tagged(interests.tags)).items():
            for post in (await self._reader.posts(post_ids[:50])).values():
                if post.author_id not in avoided:
                    found.setdefault(post.author_id, tag)
        return found
