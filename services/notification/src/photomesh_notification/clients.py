"""Client of post: what an account may see now of what its notifications are about."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from photomesh_notification.inbox.domain import Hydrated
from photomesh_shared.internal_api.post import (
    GET_SIGHTINGS,
    MAX_SEEN_ACCOUNTS,
    SeenPost,
    Sightings,
    SightingsQuery,
)
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient"]


class PostClient:
    """Every method raises what the ServiceClient raises. Numbers of ids are limited by `internal_api.post`, except
    those of accounts."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def posts(self, viewer_id: int, post_ids: Collection[int]) -> Mapping[int, SeenPost]:
        """Those of the posts that the viewer may see."""
        found = await self._call(SightingsQuery(viewer_id=viewer_id, post_ids=list(post_ids)))
        return {post.id: post for post in found.posts}

    async def hydrate(
        self,
        viewer_id: int,
        *,
        account_ids: Collection[int],
        post_ids: Collection[int],
        comment_ids: Collection[int],
        photo_ids: Collection[int],
        likers: Mapping[int, Collection[int]],
        counted_post_ids: Collection[int] = (),
        counted_comment_ids: Collection[int] = (),
    ) -> Hydrated:
        """What the viewer may see of these. `likers`: by comment, the accounts whose likes of it are to be shown;
        `counted_…`: those of the posts and comments whose likes to count."""
        accounts = list(account_ids)
        first = SightingsQuery(
            viewer_id=viewer_id,
            account_ids=accounts[:MAX_SEEN_ACCOUNTS],
            post_ids=list(post_ids),
            comment_ids=list(comment_ids),
            photo_ids=list(photo_ids),
            likers={comment_id: list(ids) for comment_id, ids in likers.items()},
            counted_post_ids=list(counted_post_ids),
            counted_comment_ids=list(counted_comment_ids),
        )
        others = (
            SightingsQuery(viewer_id=viewer_id, account_ids=accounts[start : start + MAX_SEEN_ACCOUNTS])
            for start in range(MAX_SEEN_ACCOUNTS, len(accounts), MAX_SEEN_ACCOUNTS)
        )
        found, *more = await asyncio.gather(*(self._call(query) for query in (first, *others)))
        return Hydrated(
            accounts={one.id: one for part in (found, *more) for one in part.accounts},
            posts={one.id: one for one in found.posts},
            comments={one.id: one for one in found.comments},
            photos={one.id: one for one in found.photos},
        )

    async def _call(self, query: SightingsQuery) -> Sightings:
        return await self._service.call(GET_SIGHTINGS, body=query)
