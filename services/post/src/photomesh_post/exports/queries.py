"""What post holds of an account, for its export. By ownership: also what nobody else sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from photomesh_post.comments.domain import Comment, OwnComment, ThreadEntry
from photomesh_post.likes.domain import OwnLike
from photomesh_post.paging import chunked
from photomesh_post.photos.domain import Photo
from photomesh_post.posts.domain import Post, PostRef
from photomesh_post.saves import domain as saves
from photomesh_post.saves.domain import NEVER, ListPosition, Membership
from photomesh_shared.clock import Clock
from photomesh_shared.errors import InvalidCursor
from photomesh_shared.events import PhotoMetadata
from photomesh_shared.ids import MAX_ID, encode, last_id_at, timestamp_of
from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section

__all__ = ["Comments", "ExportQueries", "Likes", "Photos", "Posts", "Saves"]

T = TypeVar("T")
Item = dict[str, Any]

_CHUNK = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Posts(Protocol):
    """See `posts.store.CassandraPosts`."""

    def posts_by_author(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]: ...
    async def posts(self, post_ids: Collection[int]) -> Mapping[int, Post]: ...


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    def photos_of_owner(self, owner_id: int, *, after: int, until: int) -> AsyncGenerator[int, None]: ...
    async def photo(self, photo_id: int) -> Photo | None: ...
    async def metadata(self, photo_id: int) -> PhotoMetadata | None: ...
    async def file_facts(self, photo_id: int) -> Mapping[str, Any]: ...


class Comments(Protocol):
    """See `comments.store.CassandraComments`."""

    def comments_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnComment, None]: ...
    async def texts(self, comments: Collection[OwnComment]) -> Mapping[int, ThreadEntry]: ...
    async def comments(self, comment_ids: Collection[int]) -> Mapping[int, Comment]: ...


class Likes(Protocol):
    """See `likes.store.CassandraLikes`."""

    def likes_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnLike, None]: ...


class Saves(Protocol):
    """See `saves.store.CassandraSaves`."""

    def positions(self, list_id: int, *, before: ListPosition | None) -> AsyncGenerator[ListPosition, None]: ...
    async def memberships(self, list_id: int, post_ids: Collection[int]) -> Mapping[int, Membership]: ...
    async def collections(self, account_id: int) -> Sequence[saves.Collection]: ...


class ExportQueries:
    def __init__(
        self,
        posts: Posts,
        photos: Photos,
        comments: Comments,
        likes: Likes,
        saved: Saves,
        clock: Clock,
    ) -> None:
        self._posts = posts
        self._photos = photos
        self._comments = comments
        self._likes = likes
        self._saves = saved
        self._clock = clock
        self._sections: dict[str, Callable[[int, ExportQuery], Awaitable[ExportPage]]] = {
            "photos": self._photo_page,
            "posts": self._post_page,
            "comments": self._comment_page,
            "likes": self._like_page,
            "saves": self._save_page,
            "collections": self._collection_page,
            "collection_posts": self._collection_post_page,
        }

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Raises NotFound, InvalidCursor, or DatabaseUnavailable."""
        return await require_section(self._sections, query.section)(account_id, query)

    async def _photo_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        after = int_cursor(query.cursor) if query.cursor else 0
        ids = await _first(
            self._photos.photos_of_owner(account_id, after=after, until=last_id_at(self._clock.now())), query.limit
        )
        found = await _in_chunks(ids, self._photo_items)
        return _page(query, found, str(ids[-1]) if len(ids) == query.limit else None)

    async def _photo_items(self, photo_ids: Sequence[int]) -> list[Item]:
        photos, metadata, facts = await asyncio.gather(
            asyncio.gather(*map(self._photos.photo, photo_ids)),
            asyncio.gather(*map(self._photos.metadata, photo_ids)),
            asyncio.gather(*map(self._photos.file_facts, photo_ids)),
        )
        return [
            _photo_item(photo, camera, facts_of)
            for photo, camera, facts_of in zip(photos, metadata, facts, strict=True)
            if photo and not photo.deleted
        ]

    async def _post_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Newest first."""
        before = int_cursor(query.cursor) if query.cursor else MAX_ID
        refs = await _first(self._posts.posts_by_author(account_id, before=before), query.limit)
        items = await _in_chunks([ref.id for ref in refs], self._post_items)
        return _page(query, items, str(refs[-1].id) if len(refs) == query.limit else None)

    async def _post_items(self, post_ids: Sequence[int]) -> list[Item]:
        posts = await self._posts.posts(post_ids)
        return [_post_item(posts[post_id]) for post_id in post_ids if post_id in posts and not posts[post_id].deleted]

    async def _comment_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        after = int_cursor(query.cursor) if query.cursor else 0
        comments = await _first(
            self._comments.comments_of_account(account_id, after=after, until=last_id_at(self._clock.now())),
            query.limit,
        )
        items = await _in_chunks(comments, self._comment_items)
        return _page(query, items, str(comments[-1].id) if len(comments) == query.limit else None)

    async def _comment_items(self, comments: Sequence[OwnComment]) -> list[Item]:
        texts = await self._comments.texts(comments)
        return [
            item_of(
                {
                    "comment_id": one.id,
                    "post_id": one.post_id,
                    "parent_id": one.parent_id,
                    "text": texts[one.id].text,
                    "entities": texts[one.id].entities.model_dump(mode="json"),
                    "created_at": timestamp_of(one.id),
                },
                {"comment_id": "c", "post_id": "o", "parent_id": "c"},
            )
            for one in comments
            if one.id in texts
        ]

    async def _like_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        after = int_cursor(query.cursor) if query.cursor else 0
        likes = await _first(
            self._likes.likes_of_account(account_id, after=after, until=last_id_at(self._clock.now())), query.limit
        )
        items = await _in_chunks(likes, self._like_items)
        return _page(query, items, str(likes[-1].subject_id) if len(likes) == query.limit else None)

    async def _like_items(self, likes: Sequence[OwnLike]) -> list[Item]:
        """Posts and comments have ids of one kind: what is a comment tells them apart."""
        comments = await self._comments.comments([one.subject_id for one in likes])
        items = []
        for subject_id, like in likes:
            comment = comments.get(subject_id)
            record = {
                "post_id": comment.post_id if comment else subject_id,
                "comment_id": comment.id if comment else None,
                "liked_at": _time(like.version),
            }
            items.append(item_of(record, {"post_id": "o", "comment_id": "c"}))
        return items

    async def _save_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """The last saved first."""
        before = _position(query.cursor) if query.cursor else None
        positions, items = await self._listed(account_id, before, query.limit)
        return _page(query, items, _cursor(positions[-1]) if len(positions) == query.limit else None)

    async def _collection_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """An account has few, so there is one page."""
        items = [
            item_of(
                {"collection_id": one.id, "name": one.name, "created_at": timestamp_of(one.id)}, {"collection_id": "k"}
            )
            for one in await self._saves.collections(account_id)
        ]
        return _page(query, items, None)

    async def _collection_post_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Collections by id; in each the last added first. A cursor is the collection, and a position in it."""
        collection_id, before = 0, None
        if query.cursor:
            first, _, rest = query.cursor.partition(":")
            collection_id, before = int_cursor(first), _position(rest) if rest else None
        for collection in sorted(await self._saves.collections(account_id), key=lambda one: one.id):
            if collection.id < collection_id:
                continue
            positions, items = await self._listed(
                collection.id, before if collection.id == collection_id else None, query.limit
            )
            owned = [{"collection_id": encode("k", collection.id), **item} for item in items]
            if len(positions) == query.limit:
                return _page(query, owned, f"{collection.id}:{_cursor(positions[-1])}")
            if owned:
                return _page(query, owned, str(collection.id + 1))
        return _page(query, [], None)

    async def _listed(
        self, list_id: int, before: ListPosition | None, limit: int
    ) -> tuple[list[ListPosition], list[Item]]:
        positions = await _first(self._saves.positions(list_id, before=before), limit)

        async def items_of(some: Sequence[ListPosition]) -> list[Item]:
            memberships = await self._saves.memberships(list_id, {position.post_id for position in some})
            return [
                item_of({"post_id": position.post_id, "saved_at": _time(position.version)}, {"post_id": "o"})
                for position in some
                if memberships.get(position.post_id, NEVER).is_at(position)
            ]

        return positions, await _in_chunks(positions, items_of)


async def _first(entries: AsyncGenerator[T, None], limit: int) -> list[T]:
    async with aclosing(chunked(entries, limit)) as chunks:
        return await anext(chunks, [])


async def _in_chunks(entries: Sequence[T], load: Callable[[Sequence[T]], Awaitable[list[Item]]]) -> list[Item]:
    """One chunk after the other: an export must not take the database's time from requests."""
    items: list[Item] = []
    for start in range(0, len(entries), _CHUNK):
        items += await load(entries[start : start + _CHUNK])
    return items


def _page(query: ExportQuery, items: list[Item], next_cursor: str | None) -> ExportPage:
    return ExportPage(section=query.section, items=items, next_cursor=next_cursor)


def _time(version: int) -> datetime:
    return _EPOCH + timedelta(microseconds=version)


def _position(cursor: str) -> ListPosition:
    version, dot, post_id = cursor.partition(".")
    if not dot:
        raise InvalidCursor
    return ListPosition(int_cursor(version), int_cursor(post_id))


def _cursor(position: ListPosition) -> str:
    return f"{position.version}.{position.post_id}"


def _photo_item(photo: Photo, metadata: PhotoMetadata | None, facts: Mapping[str, Any]) -> Item:
    record = {
        "photo_id": photo.id,
        "status": str(photo.status),
        "purpose": photo.purpose,
        "reason": photo.reason.model_dump(mode="json") if photo.reason else None,
        "uploaded_at": photo.created_at,
        "width": photo.width,
        "height": photo.height,
        "placeholder": photo.placeholder,
        "variants": [variant.model_dump(mode="json") for variant in photo.variants],
        "camera": metadata.model_dump(mode="json", exclude_none=True) if metadata else None,
        **facts,
    }
    return item_of(record, {"photo_id": "p"})


def _post_item(post: Post) -> Item:
    record = {
        "post_id": post.id,
        "status": str(post.status),
        "reason": post.reason.model_dump(mode="json") if post.reason else None,
        "caption": post.caption,
        "hashtags": post.hashtags,
        "mentions": post.mentions,
        "entities": post.entities.model_dump(mode="json"),
        "place": post.place.model_dump(mode="json") if post.place else None,
        "photo_ids": post.photo_ids,
        "created_at": post.created_at,
        "edited_at": post.edited_at,
        "published_at": post.published_at,
    }
    texts = {encode("p", photo_id): text for photo_id, text in post.alt_texts.items() if text}
    return {**item_of(record, {"post_id": "o", "photo_ids": "p"}), "alt_texts": texts}
