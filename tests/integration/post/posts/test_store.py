"""The stores of accounts, photos and posts in memory, which unit tests use, and those in Cassandra behave the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from photomesh_post.accounts import projection as account_rows
from photomesh_post.accounts.domain import STRANGER, Standing
from photomesh_post.accounts.projection import AccountEvent
from photomesh_post.accounts.store import CassandraAccounts
from photomesh_post.photos import projection as photo_rows
from photomesh_post.photos.domain import PhotoStatus
from photomesh_post.photos.projection import PhotoEvent
from photomesh_post.photos.store import CassandraPhotos
from photomesh_post.posts import projection as post_rows
from photomesh_post.posts.domain import Claim, PostStatus
from photomesh_post.posts.projection import PostEvent
from photomesh_post.posts.store import CassandraPosts
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, PostCreated, PostDeleted, PostEdited, PostFailed, PostPublished
from photomesh_shared.events.versions import version_at
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.clock import FakeClock
from tests.support.post.memory_posts import MemoryAccounts, MemoryPhotos, MemoryPosts
from tests.support.post.memory_tables import MemoryTables
from tests.support.post.sample_events import (
    account,
    blocked,
    failed,
    followed,
    ready,
    rejected,
    unblocked,
    unfollowed,
    uploaded,
)


@dataclass(frozen=True)
class Stores:
    accounts: MemoryAccounts | CassandraAccounts
    photos: MemoryPhotos | CassandraPhotos
    posts: MemoryPosts | CassandraPosts

    async def apply_account_events(self, *events: Envelope[AccountEvent]) -> None:
        for envelope in events:
            await self.accounts.write(account_rows.rows_of(envelope))

    async def apply_photo_event(self, envelope: Envelope[PhotoEvent]) -> None:
        await self.photos.write(photo_rows.rows_of(envelope))

    async def apply_post_event(self, envelope: Envelope[PostEvent]) -> None:
        await self.posts.write(post_rows.rows_of(envelope))


@pytest.fixture(params=["memory", "cassandra"])
def stores(request: pytest.FixtureRequest, database: CassandraSession) -> Stores:
    if request.param == "memory":
        tables = MemoryTables()
        return Stores(MemoryAccounts(tables), MemoryPhotos(tables), MemoryPosts(tables))
    return Stores(CassandraAccounts(database), CassandraPhotos(database), CassandraPosts(database, SystemClock()))


def life_of_a_post(post_id: int, author_id: int) -> list[Envelope[PostEvent]]:
    """Created, edited, published, and what cannot happen beside that: failed as well. The last two have the whole post,
    as it was edited."""
    who = {"post_id": post_id, "author_id": author_id}
    edited = PostEdited.example()
    words = {name: getattr(edited, name) for name in ("caption", "hashtags", "mentions", "entities", "place")}
    first = version_at(ids.timestamp_of(post_id))
    facts: list[tuple[PostEvent, int]] = [
        (PostCreated.example().model_copy(update=who), 0),
        (PostEdited.example().model_copy(update=who), 10),
        (PostFailed.example().model_copy(update=who | words), 20),
        (PostPublished.example().model_copy(update=who | words), 30),
    ]
    return [Envelope.of(event, entityversion=first + later) for event, later in facts]


async def test_an_empty_store(stores: Stores, new_id: Callable[[], int]) -> None:
    assert await stores.photos.photo(new_id()) is None
    assert await stores.photos.metadata(new_id()) is None
    assert await stores.posts.post(new_id()) is None
    assert await stores.posts.claim_of(new_id()) is None
    author = await stores.accounts.author(new_id())
    assert (author.username, author.private) == (None, True)
    assert [ref async for ref in stores.posts.posts_by_author(new_id(), before=ids.MAX_ID)] == []


@pytest.mark.parametrize("seed", range(8))
async def test_photos_in_any_order(stores: Stores, new_id: Callable[[], int], seed: int) -> None:
    photo, owner = new_id(), new_id()
    events: list[Envelope[PhotoEvent]] = [
        uploaded(photo, owner),
        failed(photo, owner),
        rejected(photo, owner),
        ready(photo, owner),
    ] * 2
    random.Random(seed).shuffle(events)
    for envelope in events:
        await stores.apply_photo_event(envelope)
    found, metadata = await stores.photos.photo(photo), await stores.photos.metadata(photo)
    fact = ready(photo, owner).data
    assert found is not None
    assert (found.status, found.variants, found.owner_id) == (PhotoStatus.READY, fact.variants, owner)
    assert found.raw_key == uploaded(photo, owner).data.key
    assert found.created_at == uploaded(photo, owner).data.uploaded_at
    assert metadata == fact.metadata


@pytest.mark.parametrize("seed", range(8))
async def test_posts_in_any_order(stores: Stores, new_id: Callable[[], int], seed: int) -> None:
    post_id, author = new_id(), new_id()
    events = life_of_a_post(post_id, author) * 2
    random.Random(seed).shuffle(events)
    for envelope in events:
        await stores.apply_post_event(envelope)
    post, edited = await stores.posts.post(post_id), PostEdited.example()
    assert post is not None
    assert (post.status, post.photos) == (PostStatus.PUBLISHED, PostPublished.example().photos)
    assert (post.caption, post.hashtags, post.mentions) == (edited.caption, edited.hashtags, edited.mentions)
    assert post.version == version_at(ids.timestamp_of(post_id)) + 30
    assert post.place == edited.place
    assert post.alt_texts == dict(zip(edited.photo_ids, edited.alt_texts, strict=True))
    assert [ref.id async for ref in stores.posts.posts_by_author(author, before=ids.MAX_ID)] == [post_id]


@pytest.mark.parametrize("seed", range(8))
async def test_deletion_in_any_order(stores: Stores, new_id: Callable[[], int], seed: int) -> None:
    post_id, author, photo = new_id(), new_id(), new_id()
    deleted = PostDeleted.example().model_copy(update={"post_id": post_id, "author_id": author, "photo_ids": (photo,)})
    post_events = [*life_of_a_post(post_id, author), Envelope.of(deleted, entityversion=1)]
    writes = [stores.apply_post_event(envelope) for envelope in post_events * 2]
    writes += [stores.apply_photo_event(envelope) for envelope in (uploaded(photo), ready(photo)) * 2]
    random.Random(seed).shuffle(writes)
    for write in writes:
        await write
    post, found = await stores.posts.post(post_id), await stores.photos.photo(photo)
    assert post is not None
    assert found is not None
    assert (post.deleted, post.caption, post.hashtags, post.alt_texts, post.photos) == (True, "", (), {}, ())
    assert found.deleted
    assert [ref async for ref in stores.posts.posts_by_author(author, before=ids.MAX_ID)] == []
    metadata = await stores.photos.metadata(photo)
    assert metadata is not None
    assert metadata.camera_model is None


async def test_accounts(stores: Stores, new_id: Callable[[], int]) -> None:
    user = new_id()
    await stores.apply_account_events(account(user, private=True, version=3), account(user), account(user, version=2))
    author = await stores.accounts.author(user)
    assert (author.username, author.private) == (f"user{user}", True)


async def test_the_avatar_of_a_version(stores: Stores, new_id: Callable[[], int]) -> None:
    user, url = new_id(), "https://cdn.example/variants/avatars/u_1/token/150.jpg"
    assert await stores.accounts.avatar(user) is None
    await stores.apply_account_events(account(user, version=2, avatar_url=url))
    assert await stores.accounts.avatar(user) == (url, 2)
    await stores.apply_account_events(account(user, version=3), account(user, avatar_url="https://cdn.example/older"))
    assert await stores.accounts.avatar(user) == (None, 3)


@pytest.mark.parametrize("seed", range(4))
async def test_relations_in_any_order(stores: Stores, new_id: Callable[[], int], seed: int) -> None:
    ada, grace, linus, barbara = (new_id() for _ in range(4))
    events: list[Envelope[AccountEvent]] = [
        followed(ada, grace, 1),
        blocked(ada, grace, 2),
        unfollowed(ada, grace, 3),
        unblocked(ada, grace, 4),
        followed(ada, grace, 5),
        blocked(linus, ada, 1),
        blocked(ada, barbara, 1),
        unblocked(ada, barbara, 2),
        followed(barbara, ada, 1),
    ] * 2
    random.Random(seed).shuffle(events)
    await stores.apply_account_events(*events)
    assert await stores.accounts.standing(ada, grace) == Standing(follows=True)
    assert await stores.accounts.standing(grace, ada) == STRANGER
    assert await stores.accounts.standing(ada, linus) == Standing(blocked=True, blocked_by=True)
    assert await stores.accounts.standing(linus, ada) == Standing(blocked=True)
    assert await stores.accounts.standing(barbara, ada) == Standing(follows=True)
    assert await stores.accounts.blocked_among(ada, [grace, linus, barbara, new_id()]) == {linus}
    assert await stores.accounts.blocked_among(linus, [ada]) == {ada}


async def test_lists_are_longer_than_a_read(stores: Stores, new_id: Callable[[], int]) -> None:
    author, posts = new_id(), [new_id() for _ in range(230)]
    await asyncio.gather(*(stores.apply_post_event(life_of_a_post(post_id, author)[0]) for post_id in posts))
    newest_first = sorted(posts, reverse=True)
    assert [ref.id async for ref in stores.posts.posts_by_author(author, before=ids.MAX_ID)] == newest_first
    assert [ref.id async for ref in stores.posts.posts_by_author(author, before=newest_first[99])] == newest_first[100:]


async def test_one_of_many_claims_stands(stores: Stores, new_id: Callable[[], int]) -> None:
    photo, claims = new_id(), [Claim(new_id(), f"draft {number}") for number in range(12)]
    standing = await asyncio.gather(*(stores.posts.claim(photo, claim) for claim in claims))
    assert len(set(standing)) == 1
    assert await stores.posts.claim_of(photo) == standing[0]
    assert await stores.posts.claim(photo, standing[0]) == standing[0]


async def test_claims_move_and_end(stores: Stores, new_id: Callable[[], int]) -> None:
    photo, first, second, third = new_id(), *(Claim(new_id(), name) for name in ("one", "two", "three"))
    assert not await stores.posts.take_over(photo, first, second), "no post has it"
    await stores.posts.claim(photo, first)
    outcomes = await asyncio.gather(
        stores.posts.take_over(photo, first, second), stores.posts.take_over(photo, first, third)
    )
    assert sorted(outcomes) == [False, True]
    holder = await stores.posts.claim_of(photo)
    assert holder == (second if outcomes[0] else third)
    assert holder is not None
    assert await stores.posts.take_over(photo, first, holder), "repeating it is no failure"
    await stores.posts.release(photo, first)
    assert await stores.posts.claim_of(photo) == holder
    await stores.posts.release(photo, holder)
    assert await stores.posts.claim_of(photo) is None
    assert await stores.posts.claim(photo, first) == first


async def test_one_writer_at_a_time(stores: Stores, new_id: Callable[[], int]) -> None:
    post_id, writers = new_id(), 0

    async def write() -> None:
        nonlocal writers
        async with stores.posts.lock(post_id):
            writers += 1
            assert writers == 1
            await stores.posts.post(post_id)
            writers -= 1

    await asyncio.gather(*(write() for _ in range(5)))
    async with stores.posts.lock(new_id()), stores.posts.lock(post_id):
        assert writers == 0, "writers of different posts do not wait for each other"


# A writer's turn on a post


async def _expire(database: CassandraSession, post_id: int) -> None:
    """Ends a turn as time does."""
    await database.execute("DELETE FROM post_writers WHERE post_id = ? IF EXISTS", post_id)


async def test_a_stopped_writer_loses_its_turn(database: CassandraSession, new_id: Callable[[], int]) -> None:
    clock, other, post_id = FakeClock(), CassandraPosts(database, SystemClock()), new_id()
    async with CassandraPosts(database, clock).lock(post_id) as turn:
        await turn.check()
        await clock.advance(60)  # the process was stopped, and continues
        await _expire(database, post_id)
        async with other.lock(post_id) as others:
            with pytest.raises(Unavailable):
                await turn.check()
            await others.check()
        with pytest.raises(Unavailable):
            await turn.check()  # also once the other has finished: what this writer has read is old


async def test_a_slow_writer_extends_its_turn(database: CassandraSession, new_id: Callable[[], int]) -> None:
    clock, post_id = FakeClock(), new_id()
    posts = CassandraPosts(database, clock)
    async with posts.lock(post_id) as turn:
        await database.execute(
            "UPDATE post_writers USING TTL 1000 SET writer = 'x' WHERE post_id = ? IF EXISTS", post_id
        )
        await turn.check()  # a new turn is not looked up
        await database.execute(
            "UPDATE post_writers USING TTL 4 SET writer = ? WHERE post_id = ? IF EXISTS", turn.token, post_id
        )
        await clock.advance(6)
        await turn.check()
        [row] = await database.execute("SELECT TTL(writer) AS left FROM post_writers WHERE post_id = ?", post_id)
        assert row["left"] > 10
    async with posts.lock(post_id):
        pass
