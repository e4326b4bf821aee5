"""Client of post: an author's posts, for those who become public."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping

from photomesh_search.indexing.domain import PostDocument, published_post
from photomesh_shared.internal_api.post import (
    GET_POSTS,
    GET_TIMELINES,
    MAX_AUTHORS,
    MAX_IDS,
    MAX_TIMELINE,
    PostSnapshot,
    PostsQuery,
    TimelinesQuery,
)
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient"]


class PostClient:
    """Implements `event_handlers.PostSource`. Raises what the ServiceClient raises."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]:
        """Yield the published posts of these authors, page by page. Most accounts are new and have none, so many are
        asked for at once."""
        for authors in _parts(list(author_ids), MAX_AUTHORS):
            timelines = await self._timelines(authors)
            for ids in _parts([post_id for one in timelines.values() for post_id in one], MAX_IDS):
                yield await self._documents(ids)
            for author_id, ids in timelines.items():
                while len(ids) == MAX_TIMELINE:
                    ids = (await self._timelines([author_id], before=ids[-1])).get(author_id, [])
                    if ids:
                        yield await self._documents(ids)

    async def _timelines(self, author_ids: list[int], before: int | None = None) -> Mapping[int, list[int]]:
        query = TimelinesQuery(author_ids=author_ids, before=before, limit=MAX_TIMELINE)
        return (await self._service.call(GET_TIMELINES, body=query)).timelines

    async def _documents(self, post_ids: list[int]) -> list[PostDocument]:
        found = await self._service.call(GET_POSTS, query=PostsQuery(ids=post_ids))
        return [_document(snapshot) for snapshot in found.posts if not snapshot.deleted]


def _parts(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _document(post: PostSnapshot) -> PostDocument:
    return published_post(
        post.post_id,
        post.author_id,
        post.version,
        caption=post.caption,
        hashtags=post.hashtags,
        alt_texts=[photo.alt_text for photo in post.photos],
        place=post.place,
        created_at=post.created_at,
    )
