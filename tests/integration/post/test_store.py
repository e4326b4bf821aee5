"""The store in memory, which unit tests use, and the one in Cassandra behave the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from photomesh_post.posts.domain import STRANGER, Claim, PhotoStatus, PostStatus, Standing
from photomesh_post.posts.event_log import microseconds
from photomesh_post.posts.projection import rows_of
from photomesh_post.posts.service import Store
from photomesh_post.posts.store import CassandraStore
from photomesh_shared import ids
from photomesh_shared.cassandra import CassandraSession
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, PostCreated, PostDeleted, PostEdited, PostFailed, PostPublished
from tests.unit.post.fakes import MemoryStore
from tests.unit.post.world import (
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


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemoryStore() if request.param == "memory" else CassandraStore(database, SystemClock())


async def apply(store: Store, *events: Envelope[Event]) -> None:
    for envelope in events:
        await store.write(rows_of(envelope))


def life(post_id: int, author_id: int) -> list[Envelope[Event]]:
    """What may happen to a post, and more."""
    who = {"post_id": post_id, "author_id": author_id}
    first = microseconds(ids.timestamp_of(post_id))
    facts: list[tuple[Event, int]] = [
        (PostCreated.example().model_copy(update=who), 0),
        (PostEdited.example().model_copy(update=who), 10),
        (PostFailed.example().model_copy(update=who), 20),
        (PostPublished.example().model_copy(update=who), 30),
    ]
    return [Envelope.of(event, entityversion=first + later) for event, later in facts]


async def test_an_absent_thing(store: Store, new_id: Callable[[], int]) -> None:
    assert await store.photo(new_id()) is None
    assert await store.metadata(new_id()) is None
    assert await store.post(new_id()) is None
    assert await store.claim_of(new_id()) is None
    author = await store.author(new_id())
    assert (author.username, author.private) == (None, True)
    assert [ref async for ref in store.posts_of(new_id(), before=ids.MAX_ID)] == []


@pytest.mark.parametrize("seed", range(8))
async def test_photos_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    photo, owner = new_id(), new_id()
    events = [uploaded(photo, owner), failed(photo, owner), rejected(photo, owner), ready(photo, owner)] * 2
    random.Random(seed).shuffle(events)
    await apply(store, *events)
    found, metadata = await store.photo(photo), await store.metadata(photo)
    fact = ready(photo, owner).data
    assert found is not None
    assert (found.status, found.variants, found.owner_id) == (PhotoStatus.READY, fact.variants, owner)
    assert found.raw_key == uploaded(photo, owner).data.key
    assert found.created_at == uploaded(photo, owner).data.uploaded_at
    assert metadata == fact.metadata


@pytest.mark.parametrize("seed", range(8))
async def test_posts_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    post_id, author = new_id(), new_id()
    events = life(post_id, author) * 2
    random.Random(seed).shuffle(events)
    await apply(store, *events)
    post, edited = await store.post(post_id), PostEdited.example()
    assert post is not None
    assert (post.status, post.photos) == (PostStatus.PUBLISHED, PostPublished.example().photos)
    assert (post.caption, post.hashtags, post.mentions) == (edited.caption, edited.hashtags, edited.mentions)
    assert post.version == microseconds(ids.timestamp_of(post_id)) + 30
    assert post.place == edited.place
    assert post.alt_texts == dict(zip(edited.photo_ids, edited.alt_texts, strict=True))
    assert [ref.id async for ref in store.posts_of(author, before=ids.MAX_ID)] == [post_id]


@pytest.mark.parametrize("seed", range(8))
async def test_deletion_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    post_id, author, photo = new_id(), new_id(), new_id()
    deleted = PostDeleted.example().model_copy(update={"post_id": post_id, "author_id": author, "photo_ids": (photo,)})
    events = [*life(post_id, author), uploaded(photo), ready(photo), Envelope.of(deleted, entityversion=1)] * 2
    random.Random(seed).shuffle(events)
    await apply(store, *events)
    post, found = await store.post(post_id), await store.photo(photo)
    assert post is not None
    assert found is not None
    assert (post.deleted, post.caption, post.hashtags, post.alt_texts, post.photos) == (True, "", (), {}, ())
    assert found.deleted
    assert [ref async for ref in store.posts_of(author, before=ids.MAX_ID)] == []
    metadata = await store.metadata(photo)
    assert metadata is not None
    assert metadata.camera_model is None


async def test_accounts(store: Store, new_id: Callable[[], int]) -> None:
    user = new_id()
    await apply(store, account(user, private=True, version=3), account(user), account(user, version=2))
    author = await store.author(user)
    assert (author.username, author.private) == (f"user{user}", True)


@pytest.mark.parametrize("seed", range(4))
async def test_relations_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    ada, grace, linus, barbara = (new_id() for _ in range(4))
    events = [
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
    await apply(store, *events)
    assert await store.standing(ada, grace) == Standing(follows=True)
    assert await store.standing(grace, ada) == STRANGER
    assert await store.standing(ada, linus) == await store.standing(linus, ada) == Standing(blocked=True)
    assert await store.standing(barbara, ada) == Standing(follows=True)
    assert await store.blocked_among(ada, [grace, linus, barbara, new_id()]) == {linus}
    assert await store.blocked_among(linus, [ada]) == {ada}


async def test_lists_are_longer_than_a_read(store: Store, new_id: Callable[[], int]) -> None:
    author, posts = new_id(), [new_id() for _ in range(230)]
    await asyncio.gather(*(apply(store, life(post_id, author)[0]) for post_id in posts))
    newest_first = sorted(posts, reverse=True)
    assert [ref.id async for ref in store.posts_of(author, before=ids.MAX_ID)] == newest_first
    assert [ref.id async for ref in store.posts_of(author, before=newest_first[99])] == newest_first[100:]


async def test_of_many_claims_one_stands(store: Store, new_id: Callable[[], int]) -> None:
    photo, claims = new_id(), [Claim(new_id(), f"draft {number}") for number in range(12)]
    standing = await asyncio.gather(*(store.claim(photo, claim) for claim in claims))
    assert len(set(standing)) == 1
    assert await store.claim_of(photo) == standing[0]
    assert await store.claim(photo, standing[0]) == standing[0]


async def test_claims_move_and_end(store: Store, new_id: Callable[[], int]) -> None:
    photo, first, second, third = new_id(), *(Claim(new_id(), name) for name in ("one", "two", "three"))
    assert not await store.take_over(photo, first, second), "nobody has it"
    await store.claim(photo, first)
    outcomes = await asyncio.gather(store.take_over(photo, first, second), store.take_over(photo, first, third))
    assert sorted(outcomes) == [False, True]
    holder = await store.claim_of(photo)
    assert holder == (second if outcomes[0] else third)
    assert holder is not None
    assert await store.take_over(photo, first, holder), "again is no failure"
    await store.release(photo, first)
    assert await store.claim_of(photo) == holder
    await store.release(photo, holder)
    assert await store.claim_of(photo) is None
    assert await store.claim(photo, first) == first


async def test_one_writer_at_a_time(store: Store, new_id: Callable[[], int]) -> None:
    post_id, at_work = new_id(), 0

    async def write() -> None:
        nonlocal at_work
        async with store.writing(post_id):
            at_work += 1
            assert at_work == 1
            await store.post(post_id)
            at_work -= 1

    await asyncio.gather(*(write() for _ in range(5)))
    async with store.writing(new_id()), store.writing(post_id):
        assert at_work == 0, "writers of different posts are in nobody's way"
