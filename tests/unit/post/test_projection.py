"""The same rows come of the same events, in whatever order and however often they are applied."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_post.posts.domain import PhotoStatus, PostStatus
from photomesh_post.posts.event_log import microseconds
from photomesh_post.posts.projection import month_of, rows_of
from photomesh_shared import ids
from photomesh_shared.events import (
    Envelope,
    Event,
    PhotoReprocessRequested,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPublished,
)
from tests.unit.post.fakes import MemoryStore
from tests.unit.post.world import ADA, account, failed, ready, rejected, uploaded

PHOTO = 382_764_231_807_565_824
POST = PostCreated.example().post_id
FIRST = microseconds(ids.timestamp_of(POST))


def life_of_a_post() -> list[Envelope[Event]]:
    """Created, edited, published, edited again, deleted; and what should not have happened: failed as well."""
    created, edited = PostCreated.example(), PostEdited.example()
    facts: list[tuple[Event, int]] = [
        (created, 0),
        (edited, 10),
        (PostFailed.example(), 20),
        (PostPublished.example(), 30),
        (edited.model_copy(update={"caption": "Last words", "hashtags": (), "place": None}), 40),
    ]
    return [Envelope.of(event, entityversion=FIRST + later) for event, later in facts]


def deletion(version: int) -> Envelope[Event]:
    return Envelope.of(PostDeleted.example(), entityversion=version)


def state_after(events: list[Envelope[Event]]) -> dict[Any, Any]:
    store = MemoryStore()

    async def apply() -> None:
        for envelope in events:
            await store.write(rows_of(envelope))

    asyncio.run(apply())
    return dict(store.cells)


def shuffled(events: list[Envelope[Event]], seed: int) -> list[Envelope[Event]]:
    """All of them, some several times, in some order."""
    dice = random.Random(seed)
    mixed = events + [dice.choice(events) for _ in range(dice.randrange(6))]
    dice.shuffle(mixed)
    return mixed


photo_events = st.sampled_from([ready, rejected, failed])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(photo_events, st.integers(2, 5)), max_size=5), st.integers())
def test_photos_in_any_order(outcomes: list[tuple[Any, int]], seed: int) -> None:
    events = [uploaded(PHOTO), *(make(PHOTO, ADA, version=version) for make, version in outcomes)]
    assert state_after(shuffled(events, seed)) == state_after(events)


@settings(max_examples=200, deadline=None)
@given(st.booleans(), st.integers())
def test_posts_in_any_order(is_deleted: bool, seed: int) -> None:
    events = [*life_of_a_post(), *([deletion(FIRST + 35)] if is_deleted else [])]
    assert state_after(shuffled(events, seed)) == state_after(events)


@settings(max_examples=50, deadline=None)
@given(st.integers())
def test_accounts_in_any_order(seed: int) -> None:
    events = [account(ADA), account(ADA, private=True, version=2), account(ADA, version=3)]
    assert state_after(shuffled(events, seed)) == state_after(events)


async def _photo(*events: Envelope[Event]) -> PhotoStatus:
    store = MemoryStore()
    for envelope in events:
        await store.write(rows_of(envelope))
    photo = await store.photo(PHOTO)
    assert photo is not None
    return photo.status


async def test_ready_before_uploaded_stays_ready() -> None:
    assert await _photo(ready(PHOTO), uploaded(PHOTO)) is PhotoStatus.READY


async def test_a_worker_that_gave_up_does_not_undo_one_that_succeeded() -> None:
    assert await _photo(ready(PHOTO), failed(PHOTO)) is PhotoStatus.READY
    assert await _photo(failed(PHOTO), ready(PHOTO)) is PhotoStatus.READY
    assert await _photo(failed(PHOTO), rejected(PHOTO)) is PhotoStatus.REJECTED


async def test_a_later_version_wins() -> None:
    assert await _photo(rejected(PHOTO, version=4), ready(PHOTO)) is PhotoStatus.REJECTED
    assert await _photo(rejected(PHOTO), ready(PHOTO, version=4)) is PhotoStatus.READY


async def test_a_deleted_post_stays_deleted_and_blank_whatever_comes_later() -> None:
    store = MemoryStore()
    late = Envelope.of(PostEdited.example(), entityversion=FIRST + 1_000_000_000)
    for envelope in [*life_of_a_post(), deletion(FIRST + 50), late, *life_of_a_post()]:
        await store.write(rows_of(envelope))
    post = await store.post(POST)
    assert post is not None
    assert post.deleted
    assert (post.caption, post.hashtags, post.mentions, post.place, post.photos) == ("", (), (), None, ())
    assert post.alt_texts == {}
    listed = [ref async for ref in store.posts_of(post.author_id, before=POST + 1)]
    assert listed == []


async def test_a_deleted_photo_loses_its_metadata_even_if_it_is_ready_later() -> None:
    store = MemoryStore()
    for envelope in [uploaded(PHOTO), deletion(FIRST), ready(PHOTO)]:
        await store.write(rows_of(envelope))
    photo, row = await store.photo(PHOTO), store.row("photo_metadata", photo_id=PHOTO)
    assert photo is not None
    assert photo.deleted
    assert row == {"photo_id": PHOTO, "camera": "{}", "content_type": "", "size_bytes": 0, "sha256": "", "phash": ""}


async def test_what_was_written_is_read() -> None:
    store = MemoryStore()
    for envelope in life_of_a_post():
        await store.write(rows_of(envelope))
    post = await store.post(POST)
    created, published = PostCreated.example(), PostPublished.example()
    assert post is not None
    assert post.status is PostStatus.PUBLISHED
    assert post.photos == published.photos
    assert post.version == FIRST + 40
    assert (post.caption, post.place, post.mentions) == ("Last words", None, ())
    assert post.photo_ids == created.photo_ids
    assert post.created_at == created.created_at


async def test_a_post_whose_beginning_is_not_known_yet_is_no_post() -> None:
    store = MemoryStore()
    for envelope in life_of_a_post()[1:]:
        await store.write(rows_of(envelope))
    assert await store.post(POST) is None


def test_months() -> None:
    assert month_of(POST) == 202611


def test_an_event_of_others_has_no_rows() -> None:
    with pytest.raises(LookupError):
        rows_of(Envelope.of(PhotoReprocessRequested.example(), entityversion=1))
