"""Creating, editing and deleting posts: above all concurrent requests, and requests that end halfway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from photomesh_post.errors import (
    NotYourPost,
    PhotoInUse,
    PhotoNotFound,
    PostNotFound,
    TooManyPhotos,
    UnknownPhoto,
    UnusablePhoto,
)
from photomesh_post.photos.domain import PhotoStatus
from photomesh_post.posts.domain import Claim, PostStatus, PostView
from photomesh_post.posts.drafts import Draft, Edit
from photomesh_post.tables.rows import RowWrite
from photomesh_shared import ids
from photomesh_shared.errors import InvalidRequest, PreconditionFailed, Unavailable
from photomesh_shared.events import (
    Envelope,
    PhotoFailed,
    PhotoRejected,
    Place,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPublished,
)
from photomesh_shared.ids import CreationId
from tests.support.clock import settle
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.memory_posts import MemoryPosts
from tests.support.post.sample_events import ADA, GRACE, account, failed, ready, rejected, uploaded


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    return service


def always(current: PostView) -> None:
    """A precondition that holds."""


# Creating


async def test_a_post_of_ready_photos_is_published_at_once(service: InMemoryService) -> None:
    first, second = await service.ready_photo(), await service.ready_photo()
    draft = Draft.checked([second, first], "At dusk with @grace #sunset", Place(name="Como"), [(first, "A lake")])
    view = await service.posts.create_post(CreationId(service.ids.next()), ADA, draft)
    assert view.post.status is PostStatus.PUBLISHED
    assert [(photo.id, photo.alt_text) for photo in view.photos] == [(second, None), (first, "A lake")]
    created, published = (envelope.data for envelope in service.post_log.events)
    assert isinstance(created, PostCreated)
    assert isinstance(published, PostPublished)
    assert (created.hashtags, created.mentions, created.alt_texts) == (("sunset",), ("grace",), (None, "A lake"))
    assert [photo.photo_id for photo in published.photos] == [second, first]
    assert published.photos[0].variants[0].size == 1080
    versions = [envelope.entityversion for envelope in service.post_log.events]
    assert versions == sorted(set(versions))


async def test_a_post_is_published_with_its_last_photo(service: InMemoryService) -> None:
    photos = [service.ids.next() for _ in range(3)]
    await service.consume(*(uploaded(photo) for photo in photos))
    post_id = await service.create_post(*photos)
    for photo in reversed(photos):
        assert (await service.post_queries.post(ADA, post_id)).post.status is PostStatus.PROCESSING
        await service.consume(ready(photo))
    assert (await service.post_queries.post(ADA, post_id)).post.status is PostStatus.PUBLISHED
    assert service.post_log.types() == ["created", "published"]


@pytest.mark.parametrize("make", [rejected, failed])
async def test_a_photo_that_fails_fails_its_post_for_the_same_reason(
    service: InMemoryService, make: Callable[[int], Envelope[PhotoRejected] | Envelope[PhotoFailed]]
) -> None:
    good, bad = await service.ready_photo(), service.ids.next()
    await service.consume(uploaded(bad))
    post_id = await service.create_post(good, bad)
    outcome = make(bad)
    await service.consume(outcome)
    view = await service.post_queries.post(ADA, post_id)
    assert view.post.status is PostStatus.FAILED
    assert view.post.reason == outcome.data.reason
    event = service.post_log.events[-1].data
    assert isinstance(event, PostFailed)
    assert (event.photo_id, event.reason) == (bad, outcome.data.reason)
    again = await service.create_post(good)
    assert (await service.post_queries.post(ADA, again)).post.status is PostStatus.PUBLISHED, (
        "its other photos are free again"
    )


async def test_a_repeat_finds_the_post(service: InMemoryService) -> None:
    """As with an idempotency key whose first request was answered: it shows the post as it is now."""
    draft = Draft.checked([await service.ready_photo()], "Before", None, [])
    creation = CreationId(service.ids.next())
    repeat = CreationId(creation.id, repeated=True)
    await service.posts.create_post(repeat, ADA, draft)  # the first attempt did not get as far as its event
    await service.posts.edit_post(ADA, creation.id, Edit(caption="After"), lambda _: None)
    events = len(service.post_log.events)
    assert (await service.posts.create_post(repeat, ADA, draft)).post.caption == "After"
    assert len(service.post_log.events) == events
    await service.posts.delete_post(ADA, creation.id)
    with pytest.raises(PostNotFound):
        await service.posts.create_post(repeat, ADA, draft)


async def test_photos_that_cannot_be_posted(service: InMemoryService) -> None:
    good, bad, graces = await service.ready_photo(), service.ids.next(), await service.ready_photo(GRACE)
    await service.consume(uploaded(bad), rejected(bad))
    await service.clock.advance(100_000)
    with pytest.raises(UnknownPhoto) as unknown:
        await service.create_post(good, graces, 12345)
    assert [error.pointer for error in unknown.value.errors] == ["/photo_ids/1", "/photo_ids/2"]
    assert "retryable" not in unknown.value.extensions
    with pytest.raises(UnusablePhoto) as unusable:
        await service.create_post(good, bad)
    assert [error.pointer for error in unusable.value.errors] == ["/photo_ids/1"]
    with pytest.raises(TooManyPhotos):
        await service.create_post(*range(11))
    with pytest.raises(InvalidRequest) as repeated:
        await service.create_post(good, good)
    assert [error.pointer for error in repeated.value.errors] == ["/photo_ids/1"]
    assert service.post_log.events == []
    assert service.post_store.claims == {}


async def test_creating_waits_for_a_photo_that_is_on_its_way(service: InMemoryService) -> None:
    photo = service.ids.next()
    creating = asyncio.create_task(service.create_post(photo))
    await settle()
    await service.clock.advance(1)
    assert not creating.done()
    await service.consume(uploaded(photo))
    await service.clock.advance(1)
    assert (await service.post_queries.post(ADA, await creating)).post.status is PostStatus.PROCESSING


async def test_a_photo_that_may_still_arrive_makes_the_request_retryable(service: InMemoryService) -> None:
    with pytest.raises(UnknownPhoto) as refused:
        await service.outlast(service.create_post(service.ids.next()))
    assert refused.value.extensions == {"retryable": True}
    assert refused.value.headers["Retry-After"] == "1"


# One photo, one post


async def test_of_concurrent_posts_with_one_photo_one_is_created(service: InMemoryService) -> None:
    shared, others = await service.ready_photo(), [await service.ready_photo() for _ in range(10)]
    outcomes = await asyncio.gather(
        *(service.create_post(*sorted((shared, other))[:: 1 - 2 * (n % 2)]) for n, other in enumerate(others)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PhotoInUse"] * 9 + ["int"]
    assert service.post_log.types() == ["created", "published"]
    free = [photo for photo in others if photo not in service.post_store.claims]
    assert len(free) == 9, "the losers released their claims"


async def test_a_repeated_request_returns_the_same_post(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    made = await asyncio.gather(*(service.create_post(photo, caption="Once") for _ in range(5)))
    assert len(set(made)) == 1
    assert await service.create_post(photo, caption="Once") == made[0]
    assert len({(envelope.id, envelope.entityversion) for envelope in service.post_log.events[:-1]}) == 1
    with pytest.raises(PhotoInUse):
        await service.create_post(photo, caption="Twice")


@pytest.mark.parametrize("written", [False, True], ids=["not in the log", "in the log"])
async def test_repeating_after_a_lost_acknowledgement_makes_one_post(service: InMemoryService, written: bool) -> None:
    photo = await service.ready_photo()
    service.post_log.lost = [written]
    with pytest.raises(Unavailable):
        await service.create_post(photo, caption="Once")
    post_id = await service.create_post(photo, caption="Once")
    await service.replay()
    assert {envelope.data.subject() for envelope in service.post_log.events} == {ids.encode("o", post_id)}
    assert (await service.post_queries.post(ADA, post_id)).post.status is PostStatus.PUBLISHED


async def test_claims_of_a_crashed_request_expire(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    service.post_store.claims[photo] = Claim(service.ids.next(), "of another draft")
    with pytest.raises(PhotoInUse):
        await service.create_post(photo)
    await service.clock.advance(31)
    await service.create_post(photo)


async def test_a_stalled_request_does_not_get_its_photo_back(service: InMemoryService) -> None:
    photo, stalled = await service.ready_photo(), service.ids.next()
    service.post_store.claims[photo] = Claim(stalled, "of another draft")
    await service.clock.advance(31)
    winner = await service.create_post(photo)
    event = PostCreated.example().model_copy(
        update={"post_id": stalled, "author_id": ADA, "photo_ids": (photo,), "alt_texts": (None,)}
    )
    await service.consume(Envelope.of(event, entityversion=1))
    lost = (await service.post_queries.post(ADA, stalled)).post
    assert lost.status is PostStatus.FAILED
    assert lost.reason is not None
    assert lost.reason.code == "photo-in-use"
    assert (await service.post_queries.post(ADA, winner)).post.status is PostStatus.PUBLISHED


# Editing


async def test_an_edit_changes_only_its_members(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    draft = Draft.checked([photo], "Before #one", Place(name="Como"), [(photo, "A lake")])
    post_id = (await service.posts.create_post(CreationId(service.ids.next()), ADA, draft)).post.id
    view = await service.posts.edit_post(ADA, post_id, Edit(caption="After #two @grace"), always)
    assert (view.post.caption, view.post.hashtags, view.post.mentions) == ("After #two @grace", ("two",), ("grace",))
    assert (view.post.place, view.photos[0].alt_text) == (Place(name="Como"), "A lake")
    view = await service.posts.edit_post(ADA, post_id, Edit(sets_place=True, alt_texts=[(photo, None)]), always)
    assert (view.post.place, view.photos[0].alt_text, view.post.caption) == (None, None, "After #two @grace")
    event = service.post_log.events[-1].data
    assert isinstance(event, PostEdited)
    assert (event.caption, event.place, event.alt_texts) == ("After #two @grace", None, (None,))
    versions = [envelope.entityversion for envelope in service.post_log.events]
    assert versions == sorted(set(versions))


async def test_an_edit_that_changes_nothing_produces_no_event(service: InMemoryService) -> None:
    post_id = await service.create_post(await service.ready_photo(), caption="Same")
    before = list(service.post_log.events)
    view = await service.posts.edit_post(ADA, post_id, Edit(caption="Same"), always)
    assert view.post.edited_at is None
    assert service.post_log.events == before


async def test_only_the_author_may_edit_and_only_if_the_precondition_holds(service: InMemoryService) -> None:
    post_id = await service.create_post(await service.ready_photo())

    def never(current: PostView) -> None:
        assert current.post.id == post_id
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        await service.posts.edit_post(ADA, post_id, Edit(caption="x"), never)
    with pytest.raises(NotYourPost):
        await service.posts.edit_post(GRACE, post_id, Edit(caption="x"), always)
    with pytest.raises(PostNotFound):
        await service.posts.edit_post(ADA, 12345, Edit(caption="x"), always)
    with pytest.raises(InvalidRequest) as refused:
        await service.posts.edit_post(ADA, post_id, Edit(alt_texts=[(5, "x")]), always)
    assert [error.pointer for error in refused.value.errors] == ["/alt_texts/0/photo_id"]
    await service.consume(account(ADA, private=True, version=2))
    with pytest.raises(PostNotFound):
        await service.posts.edit_post(GRACE, post_id, Edit(caption="x"), always)
    await service.posts.delete_post(ADA, post_id)
    with pytest.raises(PostNotFound):
        await service.posts.edit_post(ADA, post_id, Edit(caption="x"), always)


async def test_an_edit_during_publication_gets_a_later_version(service: InMemoryService) -> None:
    """Whatever the interleaving, a subscriber that applies the newest version has the caption of the tables."""
    photo = service.ids.next()
    await service.consume(uploaded(photo))
    post_id = await service.create_post(photo, caption="Before")
    await asyncio.gather(
        service.consume(ready(photo)), service.posts.edit_post(ADA, post_id, Edit(caption="After"), always)
    )
    captioned = [envelope for envelope in service.post_log.events if hasattr(envelope.data, "caption")]
    newest = max(captioned, key=lambda envelope: envelope.entityversion)
    assert getattr(newest.data, "caption", None) == "After"
    view = await service.post_queries.post(ADA, post_id)
    assert (view.post.caption, view.post.status) == ("After", PostStatus.PUBLISHED)


# Deleting


async def test_deleting_a_post_deletes_its_photos(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    post_id = await service.create_post(photo)
    await service.posts.delete_post(ADA, post_id)
    for viewer in (ADA, GRACE, None):
        with pytest.raises(PostNotFound):
            await service.post_queries.post(viewer, post_id)
    with pytest.raises(PhotoNotFound):
        await service.photo_queries.photo(ADA, photo)
    assert service.objects.removed == [], "the consumer removes objects, so that a crash cannot skip it"
    await service.replay()
    assert service.objects.removed == [photo]
    assert len(service.cdn.purged) == 4
    event = service.post_log.events[-1].data
    assert isinstance(event, PostDeleted)
    assert event.photo_ids == (photo,)


async def test_deleting_is_idempotent(service: InMemoryService) -> None:
    post_id = await service.create_post(await service.ready_photo())
    await asyncio.gather(*(service.posts.delete_post(ADA, post_id) for _ in range(3)))
    assert service.post_log.types().count("deleted") == 1
    with pytest.raises(PostNotFound):
        await service.posts.delete_post(GRACE, post_id)


async def test_only_the_author_may_delete(service: InMemoryService) -> None:
    post_id = await service.create_post(await service.ready_photo())
    with pytest.raises(NotYourPost):
        await service.posts.delete_post(GRACE, post_id)
    with pytest.raises(PostNotFound):
        await service.posts.delete_post(ADA, 12345)


async def test_a_photo_in_processing_is_removed_once_processing_ends(service: InMemoryService) -> None:
    photo = service.ids.next()
    await service.consume(uploaded(photo))
    await service.posts.delete_post(ADA, await service.create_post(photo))
    await service.replay()
    assert service.objects.removed == []
    await service.consume(ready(photo))
    assert service.objects.removed == [photo]
    assert len(service.cdn.purged) == 4


async def test_a_photo_in_another_post_survives_the_deletion_of_its_first(service: InMemoryService) -> None:
    good, bad = await service.ready_photo(), service.ids.next()
    await service.consume(uploaded(bad))
    first = await service.create_post(good, bad)
    await service.consume(rejected(bad))
    second = await service.create_post(good)
    await service.posts.delete_post(ADA, first)
    await service.replay()
    assert service.objects.removed == [bad]
    assert (await service.post_queries.post(ADA, second)).photos[0].status is PhotoStatus.READY


async def test_a_deleted_photo_cannot_be_posted_again(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    await service.posts.delete_post(ADA, await service.create_post(photo))
    with pytest.raises(UnknownPhoto) as refused:
        await service.create_post(photo, caption="Once more")
    assert "retryable" not in refused.value.extensions


# Crashes and replays


async def test_replaying_everything_changes_nothing(service: InMemoryService) -> None:
    kept, gone = await service.ready_photo(), await service.ready_photo()
    post_id = await service.create_post(kept, caption="Kept")
    await service.posts.edit_post(ADA, post_id, Edit(caption="Still here"), always)
    await service.posts.delete_post(ADA, await service.create_post(gone, caption="Gone"))
    await service.replay()
    before, length = dict(service.tables.cells), len(service.post_log.events)
    await service.replay()
    await service.consume(uploaded(kept), ready(kept), uploaded(gone), ready(gone))
    assert dict(service.tables.cells) == before
    assert len(service.post_log.events) == length


async def test_the_tables_can_be_rebuilt_from_the_log(service: InMemoryService) -> None:
    good, bad, gone = await service.ready_photo(), service.ids.next(), await service.ready_photo()
    await service.consume(uploaded(bad))
    first = await service.create_post(good, bad)
    await service.consume(rejected(bad))
    second = await service.create_post(good, caption="Second try")
    deleted = await service.create_post(gone)
    await service.posts.delete_post(ADA, deleted)
    rebuilt = InMemoryService(post_log=service.post_log)
    length = len(service.post_log.events)
    await rebuilt.consume(account(ADA))
    await rebuilt.replay()
    assert len(rebuilt.post_log.events) == length, "reading the log adds nothing to it"
    assert rebuilt.post_store.claims.keys() == service.post_store.claims.keys()
    assert (await rebuilt.post_queries.post(ADA, second)).post == (await service.post_queries.post(ADA, second)).post
    assert (await rebuilt.post_queries.post(ADA, first)).post.status is PostStatus.FAILED
    with pytest.raises(PostNotFound):
        await rebuilt.post_queries.post(ADA, deleted)


async def test_the_consumer_completes_a_request_that_crashed_between_log_and_tables(service: InMemoryService) -> None:
    photo = await service.ready_photo()

    class Crashing(MemoryPosts):
        async def write(self, rows: Sequence[RowWrite]) -> None:
            raise Unavailable

    store = Crashing(claims=service.post_store.claims)
    crashing = InMemoryService(tables=service.tables, post_store=store, post_log=service.post_log)
    with pytest.raises(Unavailable):
        await crashing.create_post(photo, caption="Once")
    assert service.post_log.types() == ["created"]
    await service.replay()
    [post_id] = {envelope.data.subject() for envelope in service.post_log.events}
    assert (await service.post_queries.post(ADA, ids.decode("o", post_id))).post.status is PostStatus.PUBLISHED


async def test_nothing_is_lost_while_the_tables_are_unavailable(service: InMemoryService) -> None:
    photo = service.ids.next()
    service.tables.unavailable = True
    with pytest.raises(Unavailable):
        await service.consume(uploaded(photo))
    service.tables.unavailable = False
    await service.consume(uploaded(photo), ready(photo))
    assert (await service.photo_queries.photo(ADA, photo)).photo.status is PhotoStatus.READY


# Turns


async def test_a_writer_whose_turn_has_ended_produces_nothing(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    post_id = await service.create_post(photo)
    pending = service.ids.next()
    await service.consume(uploaded(pending))
    waiting = await service.create_post(pending)
    produced = len(service.post_log.events)
    service.post_store.ended_turns |= {post_id, waiting}
    with pytest.raises(Unavailable):
        await service.posts.edit_post(ADA, post_id, Edit(caption="Late"), always)
    with pytest.raises(Unavailable):
        await service.posts.delete_post(ADA, post_id)
    with pytest.raises(Unavailable):
        await service.consume(ready(pending))
    assert len(service.post_log.events) == produced
    service.post_store.ended_turns.clear()
    await service.consume(ready(pending))  # as the consumer handles the record again
    assert (await service.post_queries.post(ADA, waiting)).post.status is PostStatus.PUBLISHED
