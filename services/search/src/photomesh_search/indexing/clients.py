"""Client of post: an author's posts, for those who become public."""

from __future__ import annotations

from collections.abc import AsyncIterator

from photomesh_search.indexing.domain import PostDocument, published_post
from photomesh_shared.internal_api.post import (
    GET_POSTS,
    GET_TIMELINES,
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

    async def posts_of(self, author_id: int) -> AsyncIterator[list[PostDocument]]:
        """Yield the published posts of an author, page by page."""
        before: int | None = None
        while True:
            query = TimelinesQuery(author_ids=[author_id], before=before, limit=MAX_TIMELINE)
            timelines = (await self._service.call(GET_TIMELINES, body=query)).timelines
            ids = timelines.get(author_id, [])
            if ids:
                found = await self._service.call(GET_POSTS, query=PostsQuery(ids=ids))
                yield [_document(snapshot) for snapshot in found.posts if not snapshot.deleted]
            if len(ids) < MAX_TIMELINE:
                return
            before = ids[-1]


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
