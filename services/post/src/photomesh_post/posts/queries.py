"""Reads of the API: posts as a viewer sees them.

Each read takes four steps: skeleton (which posts), hydrate (fetch what they show), rules (drop what the viewer may not
see), present (build views). Rules run as soon as post, author and standing are there: photos and reactions are fetched
only for what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.accounts.visibility import AccountVisibility
from photomesh_post.counts.domain import Reactions
from photomesh_post.photos.domain import Photo
from photomesh_post.posts.domain import Post, PostRef, PostStatus, PostView, VisiblePost, may_see, photo_views
from photomesh_post.posts.visibility import PostVisibility
from photomesh_shared.ids import MAX_ID

__all__ = ["Engagement", "Photos", "PostQueries", "Store"]


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def post(self, post_id: int) -> Post | None: ...
    def posts_by_author(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]: ...


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def photo(self, photo_id: int) -> Photo | None: ...


class Engagement(Protocol):
    """See `saves.queries.PostReactions`."""

    async def reactions(self, viewer_id: int | None, post_ids: Collection[int]) -> Mapping[int, Reactions]: ...


class PostQueries:
    """`viewer_id` is None for a request without a token."""

    def __init__(
        self,
        store: Store,
        photos: Photos,
        accounts: AccountVisibility,
        visibility: PostVisibility,
        engagement: Engagement,
    ) -> None:
        self._store = store
        self._photos = photos
        self._accounts = accounts
        self._visibility = visibility
        self._engagement = engagement

    async def post(self, viewer_id: int | None, post_id: int) -> PostView:
        """Raises PostNotFound."""
        [view] = await self._present(viewer_id, [await self._visibility.post(viewer_id, post_id)])
        return view

    async def posts(self, viewer_id: int | None, post_ids: Sequence[int]) -> list[PostView | None]:
        """In the order of the ids; None where the viewer may not see the post."""
        found = await asyncio.gather(*(self._visibility.find(viewer_id, post_id) for post_id in post_ids))
        views = await self._present(viewer_id, [visible for visible in found if visible])
        by_id = {view.post.id: view for view in views}
        return [by_id.get(post_id) for post_id in post_ids]

    async def posts_by_author(
        self, viewer_id: int | None, author_id: int, *, before: int | None, limit: int
    ) -> tuple[list[PostView], int | None]:
        """A page of an author's posts, newest first, and the `before` of the next page if there is one.

        Authors see those that are processing or failed as well. The list of an account that is hidden or without posts
        is empty. Raises AccountNotFound where the profile looks absent.
        """
        author, standing = await self._accounts.present(viewer_id, author_id)
        if not standing.sees(author):
            return [], None
        skeleton, has_more = await self._skeleton(author_id, before or MAX_ID, limit, every_status=standing.own)
        posts = await asyncio.gather(*(self._store.post(ref.id) for ref in skeleton))
        visible = [VisiblePost(post, author) for post in posts if post and may_see(post, author, standing)]
        return await self._present(viewer_id, visible), skeleton[-1].id if has_more else None

    async def _skeleton(
        self, author_id: int, before: int, limit: int, *, every_status: bool
    ) -> tuple[list[PostRef], bool]:
        """The posts of a page, and whether there are more."""
        refs: list[PostRef] = []
        async with aclosing(self._store.posts_by_author(author_id, before=before)) as listed:
            async for ref in listed:
                if every_status or ref.status is PostStatus.PUBLISHED:
                    refs.append(ref)
                if len(refs) > limit:
                    break
        return refs[:limit], len(refs) > limit

    async def _present(self, viewer_id: int | None, visible: Sequence[VisiblePost]) -> list[PostView]:
        photos, reactions = await asyncio.gather(
            self._hydrate_photos([post for post, _ in visible]),
            self._engagement.reactions(viewer_id, [post.id for post, _ in visible]),
        )
        return [PostView(post, author, photo_views(post, photos), reactions[post.id]) for post, author in visible]

    async def without_reactions(self, post: Post, author: Author) -> PostView:
        """A view of a post that is known already."""
        return PostView(post, author, photo_views(post, await self._hydrate_photos([post])))

    async def _hydrate_photos(self, posts: Sequence[Post]) -> dict[int, Photo]:
        """A published post holds its photos itself."""
        wanted = {key for post in posts if post.status is not PostStatus.PUBLISHED for key in post.photo_ids}
        photos = await asyncio.gather(*(self._photos.photo(photo_id) for photo_id in wanted))
        return {photo.id: photo for photo in photos if photo}
