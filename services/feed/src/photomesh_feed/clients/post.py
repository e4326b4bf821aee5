"""Client of post: timelines, posts, likes and saves, names of authors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from photomesh_feed.domain.accounts import Account
from photomesh_feed.domain.engagement import ViewerState
from photomesh_shared.internal_api.post import (
    GET_ACCOUNTS,
    GET_POSTS,
    GET_TIMELINES,
    GET_VIEWER_STATE,
    AccountsQuery,
    Posts,
    PostSnapshot,
    PostsQuery,
    TimelinesQuery,
    ViewerStateQuery,
)
from photomesh_shared.service_client import ServiceClient

__all__ = ["PostClient"]


class PostClient:
    """Raises what the ServiceClient raises. Numbers of ids are limited by `internal_api.post`."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def find_posts(self, posts: Collection[int]) -> Posts:
        """Returns the published ones of some posts, and the ids of the deleted ones."""
        return await self._service.call(GET_POSTS, query=PostsQuery(ids=list(posts)))

    async def posts(self, posts: Collection[int]) -> Sequence[PostSnapshot]:
        """Returns the published ones of some posts."""
        return (await self.find_posts(posts)).posts

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> Mapping[int, Sequence[int]]:
        """Returns the newest `limit` published posts below the id `before` of each author, newest first. An author with
        fewer has no others."""
        query = TimelinesQuery(author_ids=list(authors), before=before, limit=limit)
        return (await self._service.call(GET_TIMELINES, body=query)).timelines

    async def viewer_states(self, account: int, posts: Collection[int]) -> list[ViewerState]:
        """Returns the states of these posts for an account."""
        query = ViewerStateQuery(account_id=account, post_ids=list(posts))
        found = await self._service.call(GET_VIEWER_STATE, body=query)
        liked, saved = set(found.liked), set(found.saved)
        return [
            ViewerState(
                post, post in liked, found.like_versions.get(post, 0), post in saved, found.save_versions.get(post, 0)
            )
            for post in posts
        ]

    async def accounts(self, accounts: Collection[int]) -> list[Account]:
        """Returns the public names of those accounts that are known."""
        found = await self._service.call(GET_ACCOUNTS, query=AccountsQuery(ids=list(accounts)))
        return [
            Account(one.id, one.username or "", one.display_name or "", one.avatar_url, one.hidden)
            for one in found.accounts
        ]
