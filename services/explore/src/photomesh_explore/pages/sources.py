"""Collects candidates for a viewer from all sources, ranks and mixes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from photomesh_explore.candidates.domain import SHOWABLE_MS, Engagement, PostInfo
from photomesh_explore.feedback.domain import Rules
from photomesh_explore.pages.domain import (
    LIST_SIZE,
    Candidate,
    Interests,
    Mode,
    Source,
    diversified,
    interests_of,
    ranked,
    with_quotas,
)
from photomesh_explore.pages.seen import was_seen

__all__ = ["Candidates", "Reader"]

_MAX_LIKED = 20
_LIKES_UNTIL_HALF = 5
"""A like counts half as much as the one that was given so many likes later."""
_MAX_FOLLOWEES = 20
_MAX_OF_FOLLOWEES = 10
_FRESH_UNTIL_SHOWN = 1_000


class Reader(Protocol):
    """See `store.reader.CandidateReader`. Every method raises ExploreUnavailable."""

    async def seen_filters(self, viewer_id: int) -> Sequence[bytes]: ...
    async def engagements(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Engagement]]: ...
    async def following(self, account_ids: Collection[int]) -> Mapping[int, Sequence[int]]: ...
    async def muted(self, viewer_id: int) -> Collection[int]: ...
    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]: ...
    async def posts_written(self, author_ids: Collection[int]) -> Mapping[int, Sequence[int]]: ...
    async def posts_tagged(self, tags: Collection[str]) -> Mapping[str, Sequence[int]]: ...
    async def posts_in(self, cells: Collection[str]) -> Mapping[str, Sequence[int]]: ...
    async def neighbours(self, post_ids: Collection[int]) -> Mapping[int, Sequence[tuple[int, float]]]: ...
    async def trending(self) -> Sequence[int]: ...
    async def newest(self) -> Sequence[int]: ...
    async def shown_counts(self, author_ids: Collection[int]) -> Mapping[int, int]: ...


class Candidates:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def collect(
        self, viewer_id: int, mode: Mode, rules: Rules, excluded: Collection[int], now_ms: int
    ) -> list[Candidate]:
        """Return what the viewer could be shown, the best first: nothing that it has seen, of itself, or of accounts
        that it follows or mutes. Whether it may see it is for post to say. Raises ExploreUnavailable."""
        reader = self._reader
        filters = await reader.seen_filters(viewer_id)
        following = (await reader.following([viewer_id])).get(viewer_id, ())
        avoided = {viewer_id, *following, *await reader.muted(viewer_id)}
        found: dict[Source, Sequence[tuple[int, str]]] = {}
        together: Mapping[int, float] = {}
        interests = Interests()
        liked_ids: set[int] = set()
        if mode.personalised:
            engaged = (await reader.engagements([viewer_id])).get(viewer_id, ())
            liked_ids = {one.post_id for one in engaged}
            interests = interests_of(engaged, await reader.posts(liked_ids), now_ms)
            together = await self._liked_together(engaged)
            found = await self._personal(interests, mode, following)
            found[Source.TOGETHER] = [(one, "") for one in sorted(together, key=lambda one: -together[one])]
        found[Source.TRENDING] = [(post_id, "") for post_id in await reader.trending()]
        infos: dict[int, PostInfo] = {}

        def wanted(post_id: int) -> bool:
            post = infos.get(post_id)
            return (
                post is not None
                and post.published_ms >= now_ms - SHOWABLE_MS
                and post.author_id not in avoided
                and not rules.hides(post_id, post.author_id, post.tags)
            )

        def is_new(post_id: int) -> bool:
            return post_id not in excluded and post_id not in liked_ids and not was_seen(filters, post_id)

        new = {post_id for pairs in found.values() for post_id, _ in pairs if is_new(post_id)}
        infos.update(await reader.posts(new))
        kept = {source: [pair for pair in pairs if wanted(pair[0])] for source, pairs in found.items()}
        if mode.personalised:
            newest: list[tuple[int, str]] = []
            ids = [post_id for post_id in await reader.newest() if is_new(post_id)]
            for start in range(0, len(ids), LIST_SIZE):
                chunk = ids[start : start + LIST_SIZE]
                infos.update(await reader.posts(chunk))
                newest += [(post_id, "") for post_id in chunk if wanted(post_id)]
                if len(newest) >= LIST_SIZE:
                    break
            kept[Source.FRESH] = await self._least_shown_first(newest, infos)
        chosen = with_quotas(
            {
                source: _candidates(source, kept[source], infos, together if source == Source.TOGETHER else None)
                for source in Source
                if source in kept
            }
        )
        return diversified(ranked(chosen, interests, rules, now_ms))

    async def unseen(self, viewer_id: int, post_ids: Collection[int]) -> Collection[int]:
        """Return those that the viewer was not shown. Raises ExploreUnavailable."""
        filters = await self._reader.seen_filters(viewer_id) if post_ids else ()
        return {one for one in post_ids if not was_seen(filters, one)}

    async def _liked_together(self, engaged: Sequence[Engagement]) -> Mapping[int, float]:
        """Return the neighbours of what the viewer liked last, with how strong they are: the latest counts most."""
        latest = sorted((one for one in engaged if not one.saved), key=lambda one: -one.at_ms)[:_MAX_LIKED]
        near = await self._reader.neighbours([one.post_id for one in latest])
        strengths: dict[int, float] = {}
        for place, like in enumerate(latest):
            for post_id, strength in near.get(like.post_id, ()):
                strengths[post_id] = strengths.get(post_id, 0.0) + strength * 0.5 ** (place / _LIKES_UNTIL_HALF)
        return strengths

    async def _personal(
        self, interests: Interests, mode: Mode, following: Sequence[int]
    ) -> dict[Source, Sequence[tuple[int, str]]]:
        reader = self._reader
        written = await reader.posts_written(interests.authors)
        tagged = await reader.posts_tagged({*interests.tags, *mode.interests})
        located = await reader.posts_in(interests.cells)
        followed_too = await self._followed_by(following)
        of_followees = await reader.posts_written(followed_too)
        return {
            Source.AUTHOR: _in_turn((written.get(author, ()), "") for author in interests.authors),
            Source.TAG: _in_turn((tagged.get(tag, ()), tag) for tag in interests.tags),
            Source.CHOSEN: _in_turn((tagged.get(tag, ()), tag) for tag in mode.interests),
            Source.FOLLOWEES: _in_turn((of_followees.get(author, ()), "") for author in followed_too),
            Source.NEAR: _in_turn((located.get(cell, ()), "") for cell in interests.cells),
        }

    async def _followed_by(self, following: Sequence[int]) -> list[int]:
        """Return accounts that several of the latest followees follow."""
        counts: dict[int, int] = {}
        for others in (await self._reader.following(following[:_MAX_FOLLOWEES])).values():
            for other in others:
                counts[other] = counts.get(other, 0) + 1
        known = {*following}
        several = [one for one, count in counts.items() if count >= 2 and one not in known]
        return sorted(several, key=lambda one: (-counts[one], one))[:_MAX_OF_FOLLOWEES]

    async def _least_shown_first(
        self, pairs: Sequence[tuple[int, str]], infos: Mapping[int, PostInfo]
    ) -> list[tuple[int, str]]:
        """Order the newest posts so that authors whom few people were shown come first, each with one post."""
        shown = await self._reader.shown_counts({infos[post_id].author_id for post_id, _ in pairs})
        had: set[int] = set()
        first: list[tuple[int, str]] = []
        rest: list[tuple[int, str]] = []
        for pair in pairs:
            author = infos[pair[0]].author_id
            if author in had or shown.get(author, 0) >= _FRESH_UNTIL_SHOWN:
                rest.append(pair)
            else:
                had.add(author)
                first.append(pair)
        return first + rest


def _in_turn(lists: Iterable[tuple[Sequence[int], str]]) -> list[tuple[int, str]]:
    """Take one of each list in turn."""
    everything = [
        (place, number, post_id, why) for number, (ids, why) in enumerate(lists) for place, post_id in enumerate(ids)
    ]
    return [(post_id, why) for _, _, post_id, why in sorted(everything)]


def _candidates(
    source: Source,
    pairs: Sequence[tuple[int, str]],
    infos: Mapping[int, PostInfo],
    strengths: Mapping[int, float] | None,
) -> list[Candidate]:
    """`strengths`: those of the posts, if they are known; else a post's place says how strong it is."""
    most = max((strengths[post_id] for post_id, _ in pairs), default=0.0) if strengths else 0.0

    def strength(place: int, post_id: int) -> float:
        return strengths[post_id] / most if strengths and most else 1.0 - place / len(pairs)

    return [
        Candidate(infos[post_id], source, strength(place, post_id), about)
        for place, (post_id, about) in enumerate(pairs)
    ]
