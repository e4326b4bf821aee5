"""post and social-graph in memory, as feed's clients see them."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence

from photomesh_feed.clients.social_graph import FOLLOWERS_PAGE
from photomesh_feed.domain.accounts import Account, FollowerCount, Relation
from photomesh_feed.domain.engagement import ViewerState
from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.events import PostPublished
from photomesh_shared.ids import MAX_ID, encode
from photomesh_shared.internal_api.post import MAX_AUTHORS, MAX_IDS, MAX_TIMELINE, Posts, PostSnapshot
from photomesh_shared.packed_ids import ID_BYTES, pack, unpack
from tests.support.feed.events import post_fact, post_snapshot

__all__ = ["InMemorySources"]


class InMemorySources:
    """Change the attributes at will. `calls` counts the calls by method. While `unavailable` is set every call fails;
    while `gate` is not set none returns."""

    def __init__(self) -> None:
        self.published: dict[int, PostPublished] = {}
        self.post_versions: dict[int, int] = {}
        """The default is 1."""
        self.deleted: set[int] = set()
        self.by_author: dict[int, list[int]] = defaultdict(list)
        """Published posts, in any order."""
        self.following: dict[int, dict[int, int]] = defaultdict(dict)
        """Versions by follower and followee."""
        self.muted: dict[int, dict[int, int]] = defaultdict(dict)
        self.ended: dict[int, dict[int, int]] = defaultdict(dict)
        self.followers: dict[int, list[int]] = {}
        """Ascending."""
        self.liked: dict[int, set[int]] = defaultdict(set)
        self.saved: dict[int, set[int]] = defaultdict(set)
        self.like_versions: dict[int, dict[int, int]] = defaultdict(dict)
        """By account and post, of likes and unlikes."""
        self.counts: dict[int, tuple[int, int]] = {}
        """Likes of posts, and the version of the counts; the default is 1 and 0."""
        self.unknown_accounts: set[int] = set()
        self.hidden: set[int] = set()
        self.calls: Counter[str] = Counter()
        self.unavailable = False
        self.gate = asyncio.Event()
        self.gate.set()

    def follow(self, account: int, authors: Iterable[int]) -> None:
        self.following[account].update((author, 1) for author in authors)

    def publish(self, post_id: int, author_id: int, caption: str = "") -> PostPublished:
        fact = self.published[post_id] = post_fact(post_id, author_id, caption)
        self.by_author[author_id].append(post_id)
        return fact

    def delete(self, post_id: int) -> None:
        fact = self.published.pop(post_id)
        self.deleted.add(post_id)
        self.by_author[fact.author_id].remove(post_id)

    # As `PostClient`

    async def find_posts(self, posts: Collection[int]) -> Posts:
        await self._call("posts")
        assert len(posts) <= MAX_IDS
        found = [(self.published[post], *self.counts.get(post, (1, 0))) for post in posts if post in self.published]
        return Posts(
            posts=[
                post_snapshot(
                    fact,
                    self.post_versions.get(fact.post_id, 1),
                    likes=likes,
                    counts_version=version,
                    edited_at=fact.edited_at,
                )
                for fact, likes, version in found
            ],
            deleted=[post for post in posts if post in self.deleted],
        )

    async def posts(self, posts: Collection[int]) -> list[PostSnapshot]:
        return (await self.find_posts(posts)).posts

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> dict[int, list[int]]:
        await self._call("timelines")
        assert len(authors) <= MAX_AUTHORS
        assert limit <= MAX_TIMELINE
        end = MAX_ID if before is None else before
        return {
            author: [post for post in sorted(self.by_author[author], reverse=True) if post < end][:limit]
            for author in authors
        }

    async def viewer_states(self, account: int, posts: Collection[int]) -> list[ViewerState]:
        await self._call("viewer_states")
        assert len(posts) <= MAX_IDS
        versions = self.like_versions[account]
        return [
            ViewerState(post, post in self.liked[account], versions.get(post, 0), post in self.saved[account], 0)
            for post in posts
        ]

    async def accounts(self, accounts: Collection[int]) -> list[Account]:
        await self._call("accounts")
        assert len(accounts) <= MAX_IDS
        return [
            Account(account, f"name_{encode('u', account)[2:]}", "Name", None, account in self.hidden)
            for account in accounts
            if account not in self.unknown_accounts
        ]

    # As `SocialGraphClient`

    async def relations(self, account: int) -> list[Relation]:
        await self._call("relations")
        following, muted = self.following[account], self.muted[account]
        versions = self.ended[account] | muted | following
        return [Relation(other, version, other in following, other in muted) for other, version in versions.items()]

    async def followers_page(self, author_id: int, after: int, limit: int) -> bytes:
        await self._call("followers")
        followers = self.followers.get(author_id, [])
        start = bisect_right(followers, after)
        return pack(followers[start : start + limit])

    async def follower_pages(self, author_id: int) -> AsyncGenerator[bytes, None]:
        after = 0
        while page := await self.followers_page(author_id, after, FOLLOWERS_PAGE):
            yield page
            after = unpack(page[-ID_BYTES:])[0]

    async def popular_accounts(self, at_least: int) -> list[FollowerCount]:
        await self._call("popular_accounts")
        return [FollowerCount(who, len(them)) for who, them in self.followers.items() if len(them) >= at_least]

    async def _call(self, name: str) -> None:
        self.calls[name] += 1
        await self.gate.wait()
        if self.unavailable:
            raise SourceUnavailable
