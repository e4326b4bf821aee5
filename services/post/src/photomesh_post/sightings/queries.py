"""Which of some accounts, posts, comments and photos a viewer may see: for services that keep ids of what happened, and
show it later. A few reads, however many ids there are."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Protocol

from photomesh_post.accounts.domain import Author, Standing
from photomesh_post.comments.domain import Comment, OwnComment, ThreadEntry
from photomesh_post.counts.domain import Counts
from photomesh_post.photos.domain import Photo
from photomesh_post.posts.domain import Post, may_see
from photomesh_post.sightings.domain import SeenComment, Sightings, excerpt_of, is_present

__all__ = ["Accounts", "Comments", "LikeCounts", "Photos", "Posts", "SightingQueries"]


class Accounts(Protocol):
    """See `accounts.visibility.AccountVisibility`."""

    async def authors(
        self, viewer_id: int | None, account_ids: Collection[int]
    ) -> Mapping[int, tuple[Author, Standing]]: ...
    async def blocked_among(self, viewer_id: int | None, account_ids: Collection[int]) -> set[int]: ...


class Posts(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, Post]: ...


class Comments(Protocol):
    """See `comments.store.CassandraComments`."""

    async def comments(self, comment_ids: Collection[int]) -> Mapping[int, Comment]: ...
    async def texts(self, comments: Collection[OwnComment]) -> Mapping[int, ThreadEntry]: ...


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def photo(self, photo_id: int) -> Photo | None: ...


class LikeCounts(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...


class SightingQueries:
    """The rules are those of the API: `accounts.domain.Standing`, `posts.domain.may_see`, and of comments those of
    `comments.queries.CommentQueries.live_root`."""

    def __init__(
        self, accounts: Accounts, posts: Posts, comments: Comments, photos: Photos, counts: LikeCounts
    ) -> None:
        self._accounts = accounts
        self._posts = posts
        self._comments = comments
        self._photos = photos
        self._counts = counts

    async def sightings(
        self,
        viewer_id: int,
        *,
        account_ids: Collection[int] = (),
        post_ids: Collection[int] = (),
        comment_ids: Collection[int] = (),
        likers: Mapping[int, Collection[int]] | None = None,
        photo_ids: Collection[int] = (),
        counted_ids: Collection[int] = (),
    ) -> Sightings:
        """`likers`: by comment, the accounts whose likes of it are to be shown. Of photos, the viewer sees the own
        ones. `counted_ids`: of posts and comments, whose likes to count. Raises DatabaseUnavailable."""
        likers = likers or {}
        named = set(account_ids).union(*likers.values())
        if post_ids or comment_ids:  # most of which are the viewer's own: then no further account is found by them
            named.add(viewer_id)
        (posts, comments), photos, authors = await asyncio.gather(
            self._found(post_ids, comment_ids),
            self._own_photos(viewer_id, photo_ids),
            self._accounts.authors(viewer_id, named),
        )
        others = {post.author_id for post in posts.values()} | {one.author_id for one in comments.values()}
        others -= named
        under = _accounts_under(viewer_id, posts, comments, likers)
        more_authors, blocked = await asyncio.gather(
            self._accounts.authors(viewer_id, others) if others else _nobody(),
            asyncio.gather(*(self._accounts.blocked_among(owner_id, ids) for owner_id, ids in under.items())),
        )
        authors = {**authors, **more_authors}
        present = {key: one for key, one in authors.items() if is_present(*one)}
        hidden_under = dict(zip(under, blocked, strict=True))
        visible = {key: post for key, post in posts.items() if may_see(post, *authors[post.author_id])}

        def is_shown(comment: Comment) -> bool:
            post = visible.get(comment.post_id)
            if post is None or comment.deleted:
                return False
            return comment.author_id in present and comment.author_id not in hidden_under.get(post.author_id, ())

        shown = {}
        for key in comment_ids:
            comment = comments.get(key)
            root = comments.get(comment.parent_id) if comment and comment.parent_id is not None else comment
            if comment and root and is_shown(comment) and is_shown(root):
                shown[key] = comment
        counted = [key for key in counted_ids if key in shown or (key in visible and key in post_ids)]
        texts, likes = await asyncio.gather(
            self._comments.texts([OwnComment(one.id, one.post_id, one.parent_id) for one in shown.values()]),
            self._likes(counted),
        )
        return Sightings(
            accounts={key: present[key] for key in account_ids if key in present},
            posts={key: visible[key] for key in post_ids if key in visible},
            comments={
                key: SeenComment(
                    comment,
                    excerpt_of(texts[key].text),
                    frozenset(
                        liker
                        for liker in likers.get(key, ())
                        if liker not in present or liker in hidden_under.get(visible[comment.post_id].author_id, ())
                    ),
                )
                for key, comment in shown.items()
                if key in texts
            },
            photos=photos,
            likes=likes,
        )

    async def _likes(self, subject_ids: Collection[int]) -> Mapping[int, int]:
        counts = await self._counts.counts(subject_ids) if subject_ids else {}
        return {key: counts[key].likes if key in counts else 0 for key in subject_ids}

    async def _found(
        self, post_ids: Collection[int], comment_ids: Collection[int]
    ) -> tuple[dict[int, Post], dict[int, Comment]]:
        """The posts, and those of the comments; the comments, and those that they reply to."""
        posts, comments = await asyncio.gather(
            self._posts.posts(post_ids) if post_ids else _nothing(), self._comments.comments(comment_ids)
        )
        parents = {one.parent_id for one in comments.values() if one.parent_id is not None} - comments.keys()
        others = {one.post_id for one in comments.values()} - posts.keys()
        more_posts, roots = await asyncio.gather(
            self._posts.posts(others) if others else _nothing(), self._comments.comments(parents)
        )
        return {**posts, **more_posts}, {**comments, **roots}

    async def _own_photos(self, viewer_id: int, photo_ids: Collection[int]) -> dict[int, Photo]:
        photos = await asyncio.gather(*(self._photos.photo(photo_id) for photo_id in set(photo_ids)))
        return {one.id: one for one in photos if one and one.owner_id == viewer_id and not one.deleted}


async def _nothing() -> Mapping[int, Post]:
    return {}


async def _nobody() -> Mapping[int, tuple[Author, Standing]]:
    return {}


def _accounts_under(
    viewer_id: int,
    posts: Mapping[int, Post],
    comments: Mapping[int, Comment],
    likers: Mapping[int, Collection[int]],
) -> Mapping[int, set[int]]:
    """By author of other people's posts, the accounts that did something under them: that author's blocks hide it from
    everybody. Under the viewer's own posts, the viewer's blocks do."""
    under: defaultdict[int, set[int]] = defaultdict(set)
    for comment in comments.values():
        post = posts.get(comment.post_id)
        if post and post.author_id != viewer_id:
            under[post.author_id] |= {comment.author_id, *likers.get(comment.id, ())}
    return under
