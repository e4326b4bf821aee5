"""What an account did can be listed: by the events of others' processes, by replays, and from before it was listed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from photomesh_post.comments.domain import OwnComment
from photomesh_post.comments.projection import rows_of as comment_rows
from photomesh_post.comments.store import CassandraComments
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.counts.store import CassandraCounts
from photomesh_post.likes.domain import Like, OwnLike, bucket_of
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.photos.projection import rows_of as photo_rows
from photomesh_post.photos.store import CassandraPhotos
from photomesh_post.rebuilding.lists import fill_lists
from photomesh_post.saves.projection import added_rows
from photomesh_post.tables.store import write_rows
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import CommentCreated, Envelope, PostLiked
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser
from tests.support.post.memory_log import MemoryLog
from tests.support.post.sample_events import uploaded
from tests.support.waiting import eventually

NOW = ids.last_id_at(datetime(2099, 1, 1, tzinfo=UTC))


def like_handlers(database: CassandraSession) -> LikeEventHandlers:
    counts, clock = CassandraCounts(database), SystemClock()
    return LikeEventHandlers(CassandraLikes(database), counts, CountPublisher(counts, MemoryLog(), clock), clock)


def liked(post_id: int, account_id: int, version: int = 7) -> Envelope[PostLiked]:
    event = PostLiked.example().model_copy(update={"post_id": post_id, "account_id": account_id})
    return Envelope.of(event, entityversion=version)


def commented(post_id: int, account_id: int, comment_id: int, parent_id: int | None = None) -> Envelope[CommentCreated]:
    event = CommentCreated.example().model_copy(
        update={"post_id": post_id, "account_id": account_id, "comment_id": comment_id, "parent_id": parent_id}
    )
    return Envelope.of(event, entityversion=7)


async def test_what_an_account_did_is_listed_oldest_first(
    ada: ApiUser, grace: ApiUser, counting: None, database: CassandraSession
) -> None:
    post = await ada.publish_post()
    first = await grace.comment(post, "First")
    reply = await grace.comment(post, "A reply", first["id"])
    gone = await grace.comment(post, "Deleted")
    for path in (f"/v1/posts/{post}/like", f"/v1/comments/{first['id']}/like"):
        assert (await grace.request("PUT", path)).status_code == 200
    assert (await grace.request("DELETE", f"/v1/comments/{gone['id']}")).status_code == 204
    photo = await grace.photo()
    post_id, first_id, reply_id = ids.decode("o", post), ids.decode("c", first["id"]), ids.decode("c", reply["id"])

    likes, comments, photos = CassandraLikes(database), CassandraComments(database), CassandraPhotos(database)

    async def listed(after: int = 0) -> tuple[list[int], list[OwnComment]]:
        of_account = likes.likes_of_account(grace.account_id, after=after, until=NOW)
        own_comments = comments.comments_of_account(grace.account_id, after=after, until=NOW)
        return [one.subject_id async for one in of_account], [one async for one in own_comments]

    wanted = [OwnComment(first_id, post_id, None), OwnComment(reply_id, post_id, first_id)]
    assert await listed() == ([post_id, first_id], wanted)
    assert await listed(after=first_id) == ([], wanted[1:])
    texts = await comments.texts(wanted)
    assert [texts[one.id].text for one in wanted] == ["First", "A reply"]
    found = [one async for one in photos.photos_of_owner(grace.account_id, after=0, until=NOW)]
    assert found == [ids.decode("p", photo)]
    assert list(await comments.comments([post_id, first_id])) == [first_id]

    assert (await grace.request("DELETE", f"/v1/posts/{post}/like")).status_code == 200
    await eventually(lambda: listed(), until=lambda seen: seen[0] == [first_id])


async def test_a_like_whose_request_crashed_is_listed_by_the_consumer(
    database: CassandraSession, new_id: Callable[[], int]
) -> None:
    account_id, post_id = new_id(), new_id()
    await like_handlers(database).likes_changed([liked(post_id, account_id)])
    store = CassandraLikes(database)
    assert [one async for one in store.likes_of_account(account_id, after=0, until=NOW)] == [
        OwnLike(post_id, Like(7, liked=True))
    ]
    assert [one async for one in store.likes_of_account(account_id, after=0, until=post_id - 1)] == []


@pytest.mark.parametrize(("likes", "statements"), [(1, 1), (100, 10)])
async def test_listing_likes_takes_few_statements(
    likes: int, statements: int, database: CassandraSession, new_id: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement for a like, and for ten where many are counted together. Counting takes 3 for one, and 48 for 100."""
    executed: list[str] = []
    page = database.page

    async def counted(cql: str, *values: object, **options: int) -> object:
        executed.append(cql)
        return await page(cql, *values, **options)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(database, "page", counted)
    post_id = new_id()
    await like_handlers(database).likes_changed([liked(post_id, new_id()) for _ in range(likes)])
    assert sum("likes_by_account" in cql for cql in executed) == statements
    assert len(executed) - statements <= (3 if likes == 1 else 48)


async def test_what_was_stored_before_it_was_listed_is_filled_in(
    database: CassandraSession, new_id: Callable[[], int]
) -> None:
    account_id, post_id, comment_id, photo_id, collection_id = (new_id() for _ in range(5))
    await database.execute(
        "INSERT INTO likes (subject_id, bucket, account_id, liked, version) VALUES (?, ?, ?, ?, ?)",
        post_id,
        bucket_of(account_id),
        account_id,
        True,
        7,
    )
    await database.execute(
        "INSERT INTO collections (account_id, collection_id, name) VALUES (?, ?, ?)", account_id, collection_id, "Lakes"
    )
    rows = [
        *comment_rows(commented(post_id, account_id, comment_id)),
        *photo_rows(uploaded(photo_id, account_id)),
        *added_rows(account_id, post_id, 7),
        *added_rows(collection_id, post_id, 7, account_id=account_id),
    ]
    lists = ("comments_by_account", "photos_by_owner", "lists_by_post")
    await write_rows(database, [row for row in rows if row.table not in lists])

    assert await fill_lists(database) >= 5
    likes, comments, photos = CassandraLikes(database), CassandraComments(database), CassandraPhotos(database)
    assert [one.subject_id async for one in likes.likes_of_account(account_id, after=0, until=NOW)] == [post_id]
    assert [one.id async for one in comments.comments_of_account(account_id, after=0, until=NOW)] == [comment_id]
    assert [one async for one in photos.photos_of_owner(account_id, after=0, until=NOW)] == [photo_id]
    holding = await database.execute(
        "SELECT list_id, account_id FROM lists_by_post WHERE post_id = ? AND bucket IN ?",
        post_id,
        list(range(16)),
    )
    assert {(row["list_id"], row["account_id"]) for row in holding} == {
        (account_id, account_id),
        (collection_id, account_id),
    }
