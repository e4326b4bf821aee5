"""What search asks of social-graph, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import cast

from photomesh_search.indexing.clients import PostClient
from photomesh_search.searching.clients import SocialGraphClient
from photomesh_shared.events import PostPublished
from photomesh_shared.internal_api.post import (
    MAX_TIMELINE,
    Posts,
    PostSnapshot,
    PostsQuery,
    Timelines,
    TimelinesQuery,
)
from photomesh_shared.internal_api.social_graph import GET_NEIGHBOURS, Following, Neighbours, VersionedAccount
from photomesh_shared.service_client import ServiceClient
from tests.support.clock import FakeClock

NEIGHBOURS = Neighbours(followed=[3, 2], near=[5], blocked=[9])


class _SocialGraph:
    def __init__(self) -> None:
        self.calls = 0

    async def call(self, operation: object, **_arguments: object) -> Following | Neighbours:
        self.calls += 1
        if operation is GET_NEIGHBOURS:
            return NEIGHBOURS
        return Following(following=[], muted=[VersionedAccount(account_id=4, version=1)])


async def test_somebody_who_types_is_asked_for_once_in_a_while() -> None:
    service, clock = _SocialGraph(), FakeClock()
    graph = SocialGraphClient(cast(ServiceClient, service), clock)
    for _letter in range(8):
        assert await graph.neighbours(7) == NEIGHBOURS
        await clock.advance(1)
    assert service.calls == 1
    await clock.advance(30)
    await graph.neighbours(7)
    assert service.calls == 2


async def test_few_accounts_are_remembered_and_mutes_never() -> None:
    service = _SocialGraph()
    graph = SocialGraphClient(cast(ServiceClient, service), FakeClock())
    for account_id in [*range(600), 599, 0]:
        await graph.neighbours(account_id)
    assert service.calls == 601
    for _again in range(2):
        assert await graph.muted(7) == [4]
    assert service.calls == 603


class _PostService:
    """The service post: authors with so many posts each, whose ids begin with those of their authors."""

    def __init__(self, posts: Mapping[int, int]) -> None:
        self._posts = {
            author: [author * 1_000 + number for number in range(count, 0, -1)] for author, count in posts.items()
        }
        self.calls = 0

    async def call(
        self, operation: object, body: TimelinesQuery | None = None, query: PostsQuery | None = None
    ) -> Timelines | Posts:
        self.calls += 1
        if body is not None:
            return Timelines(
                timelines={
                    author: [one for one in self._posts[author] if body.before is None or one < body.before][
                        : body.limit
                    ]
                    for author in body.author_ids
                }
            )
        assert query is not None
        published = PostPublished.example().model_dump() | {"version": 1, "deleted": False}
        snapshot = PostSnapshot(**published, like_count=0, comment_count=0)
        return Posts(
            posts=[snapshot.model_copy(update={"post_id": one, "author_id": one // 1_000}) for one in query.ids]
        )


async def test_all_posts_of_many_authors_come_in_few_calls() -> None:
    counts = {**dict.fromkeys(range(1, 300), 0), 300: 3, 301: MAX_TIMELINE, 302: 2 * MAX_TIMELINE + 7, 303: 60}
    service = _PostService(counts)
    found = [one async for page in PostClient(cast(ServiceClient, service)).posts_of(list(counts)) for one in page]
    assert Counter(one.author_id for one in found) == {author: count for author, count in counts.items() if count}
    assert len({one.post_id for one in found}) == len(found)
    assert service.calls < 15
