"""Who sees which post, and with it the post's comments and likes.

The rule of private accounts and blocks is `accounts.domain.Standing.sees`, that of posts `posts.domain.may_see`.
"""

from __future__ import annotations

from typing import Protocol

from photomesh_post.accounts.visibility import AccountVisibility
from photomesh_post.errors import PostNotFound
from photomesh_post.posts.domain import Post, VisiblePost, may_see

__all__ = ["PostVisibility", "Store"]


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def post(self, post_id: int) -> Post | None: ...


class PostVisibility:
    """`viewer_id` is None for a request without a token."""

    def __init__(self, store: Store, accounts: AccountVisibility) -> None:
        self._store = store
        self._accounts = accounts

    async def find(self, viewer_id: int | None, post_id: int) -> VisiblePost | None:
        """Returns None if the viewer may not see the post."""
        post = await self._store.post(post_id)
        if post is None:
            return None
        author, standing = await self._accounts.author(viewer_id, post.author_id)
        return VisiblePost(post, author) if may_see(post, author, standing) else None

    async def post(self, viewer_id: int | None, post_id: int) -> VisiblePost:
        """Raises PostNotFound if the viewer may not see the post."""
        if (visible := await self.find(viewer_id, post_id)) is None:
            raise PostNotFound
        return visible

    async def author_in_any_state(self, viewer_id: int | None, post_id: int) -> tuple[int | None, bool]:
        """The author of a post, deleted or hidden as well, and whether the viewer sees the post: for what belongs to
        the viewer and is under the post. None if there never was such a post."""
        post = await self._store.post(post_id)
        if post is None:
            return None, False
        author, standing = await self._accounts.author(viewer_id, post.author_id)
        return post.author_id, may_see(post, author, standing)

    async def author_of(self, viewer_id: int | None, post_id: int) -> int:
        """The author of a post that the viewer sees. Raises PostNotFound."""
        return (await self.post(viewer_id, post_id)).author.id
