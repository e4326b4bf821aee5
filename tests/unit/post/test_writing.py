"""Creating, editing and deleting, with everything in memory: above all what happens at the same time, and halfway."""

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
from photomesh_post.posts.domain import Changes, Claim, Draft, PhotoStatus, PostStatus, PostView
from photomesh_post.posts.projection import RowWrite
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
from tests.support.clock import settle
from tests.unit.post.fakes import MemoryStore
from tests.unit.post.world import ADA, GRACE, World, account, failed, ready, rejected, uploaded


@pytest.fixture
async def world() -> World:
    world = World()
    await world.consume(account(ADA), account(GRACE))
    return world


def always(seen: PostView) -> None:
    """A precondition that holds."""


# Creating


async def test_of_ready_photos_it_is_published_at_once(world: World) -> None:
    first, second = await world.photo(), await world.photo()
    draft = Draft.checked([second, first], "At dusk with @grace #sunset", Place(name="Como"), {first: "A lake"})
    view = await world.service.create(ADA, draft)
    assert view.post.status is PostStatus.PUBLISHED
    assert [(photo.id, photo.alt_text) for photo in view.photos] == [(second, None), (first, "A lake")]
    created, published = (envelope.data for envelope in world.log.events)
    assert isinstance(created, PostCreated)
    assert isinstance(published, PostPublished)
    assert (created.hashtags, created.mentions, created.alt_texts) == (("sunset",), ("grace",), (None, "A lake"))
    assert [photo.photo_id for photo in published.photos] == [second, first]
    assert published.photos[0].variants[0].size == 1080
    versions = [envelope.entityversion for envelope in world.log.events]
    assert versions == sorted(set(versions))


async def test_before_its_photos_are_ready_it_waits_for_the_last(world: World) -> None:
    photos = [world.ids.next() for _ in range(3)]
    await world.consume(*(uploaded(photo) for photo in photos))
    post_id = await world.post(*photos)
    for photo in reversed(photos):
        assert (await world.views.post(ADA, post_id)).post.status is PostStatus.PROCESSING
        await world.consume(ready(photo))
    assert (await world.views.post(ADA, post_id)).post.status is PostStatus.PUBLISHED
    assert world.log.types() == ["created", "published"]


@pytest.mark.parametrize("make", [rejected, failed])
async def test_a_photo_that_does_not_make_it_fails_its_post_with_its_reason(
    world: World, make: Callable[[int], Envelope[PhotoRejected] | Envelope[PhotoFailed]]
) -> None:
    good, bad = await world.photo(), world.ids.next()
    await world.consume(uploaded(bad))
    post_id = await world.post(good, bad)
    outcome = make(bad)
    await world.consume(outcome)
    view = await world.views.post(ADA, post_id)
    assert view.post.status is PostStatus.FAILED
    assert view.post.reason == outcome.data.reason
    event = world.log.events[-1].data
    assert isinstance(event, PostFailed)
    assert (event.photo_id, event.reason) == (bad, outcome.data.reason)
    again = await world.post(good)
    assert (await world.views.post(ADA, again)).post.status is PostStatus.PUBLISHED, "its other photos are free again"


async def test_photos_that_cannot_be_posted(world: World) -> None:
    good, bad, graces = await world.photo(), world.ids.next(), await world.photo(GRACE)
    await world.consume(uploaded(bad), rejected(bad))
    await world.clock.advance(100_000)
    with pytest.raises(UnknownPhoto) as unknown:
        await world.post(good, graces, 12345)
    assert [error.pointer for error in unknown.value.errors] == ["/photo_ids/1", "/photo_ids/2"]
    assert "retryable" not in unknown.value.extensions
    with pytest.raises(UnusablePhoto) as unusable:
        await world.post(good, bad)
    assert [error.pointer for error in unusable.value.errors] == ["/photo_ids/1"]
    with pytest.raises(TooManyPhotos):
        await world.post(*range(11))
    with pytest.raises(InvalidRequest) as twice:
        await world.post(good, good)
    assert [error.pointer for error in twice.value.errors] == ["/photo_ids/1"]
    assert world.log.events == []
    assert world.store.claims == {}


async def test_a_photo_that_is_on_its_way_is_waited_for(world: World) -> None:
    photo = world.ids.next()
    creating = asyncio.create_task(world.post(photo))
    await settle()
    await world.clock.advance(1)
    assert not creating.done()
    await world.consume(uploaded(photo))
    await world.clock.advance(1)
    assert (await world.views.post(ADA, await creating)).post.status is PostStatus.PROCESSING


async def test_a_young_photo_that_does_not_come_may_come_yet(world: World) -> None:
    with pytest.raises(UnknownPhoto) as refused:
        await world.outlast(world.post(world.ids.next()))
    assert refused.value.extensions == {"retryable": True}
    assert refused.value.headers["Retry-After"] == "1"


# One photo, one post


async def test_of_many_posts_at_once_with_one_photo_one_is_made(world: World) -> None:
    shared, others = await world.photo(), [await world.photo() for _ in range(10)]
    made = await asyncio.gather(
        *(world.post(*sorted((shared, other))[:: 1 - 2 * (n % 2)]) for n, other in enumerate(others)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in made) == ["PhotoInUse"] * 9 + ["int"]
    assert world.log.types() == ["created", "published"]
    free = [photo for photo in others if photo not in world.store.claims]
    assert len(free) == 9, "whoever lost gave back what they had"


async def test_the_same_post_again_is_the_same_post(world: World) -> None:
    photo = await world.photo()
    made = await asyncio.gather(*(world.post(photo, caption="Once") for _ in range(5)))
    assert len(set(made)) == 1
    assert await world.post(photo, caption="Once") == made[0]
    assert len({(envelope.id, envelope.entityversion) for envelope in world.log.events[:-1]}) == 1
    with pytest.raises(PhotoInUse):
        await world.post(photo, caption="Twice")


@pytest.mark.parametrize("written", [False, True], ids=["not in the log", "in the log"])
async def test_when_the_log_did_not_answer_the_same_again_makes_one_post(world: World, written: bool) -> None:
    photo = await world.photo()
    world.log.lost = [written]
    with pytest.raises(Unavailable):
        await world.post(photo, caption="Once")
    post_id = await world.post(photo, caption="Once")
    await world.replay()
    assert {envelope.data.subject() for envelope in world.log.events} == {ids.encode("o", post_id)}
    assert (await world.views.post(ADA, post_id)).post.status is PostStatus.PUBLISHED


async def test_what_a_crashed_request_had_claimed_is_free_after_a_while(world: World) -> None:
    photo = await world.photo()
    world.store.claims[photo] = Claim(world.ids.next(), "of another draft")
    with pytest.raises(PhotoInUse):
        await world.post(photo)
    await world.clock.advance(31)
    await world.post(photo)


async def test_a_post_that_comes_out_of_a_long_sleep_does_not_get_its_photo_back(world: World) -> None:
    photo, sleeper = await world.photo(), world.ids.next()
    world.store.claims[photo] = Claim(sleeper, "of another draft")
    await world.clock.advance(31)
    winner = await world.post(photo)
    event = PostCreated.example().model_copy(
        update={"post_id": sleeper, "author_id": ADA, "photo_ids": (photo,), "alt_texts": (None,)}
    )
    await world.consume(Envelope.of(event, entityversion=1))
    lost = (await world.views.post(ADA, sleeper)).post
    assert lost.status is PostStatus.FAILED
    assert lost.reason is not None
    assert lost.reason.code == "photo-in-use"
    assert (await world.views.post(ADA, winner)).post.status is PostStatus.PUBLISHED


# Editing


async def test_edits_change_what_they_name(world: World) -> None:
    photo = await world.photo()
    draft = Draft.checked([photo], "Before #one", Place(name="Como"), {photo: "A lake"})
    post_id = (await world.service.create(ADA, draft)).post.id
    view = await world.service.edit(ADA, post_id, Changes(caption="After #two @grace"), always)
    assert (view.post.caption, view.post.hashtags, view.post.mentions) == ("After #two @grace", ("two",), ("grace",))
    assert (view.post.place, view.photos[0].alt_text) == (Place(name="Como"), "A lake")
    view = await world.service.edit(ADA, post_id, Changes(sets_place=True, alt_texts={photo: None}), always)
    assert (view.post.place, view.photos[0].alt_text, view.post.caption) == (None, None, "After #two @grace")
    event = world.log.events[-1].data
    assert isinstance(event, PostEdited)
    assert (event.caption, event.place, event.alt_texts) == ("After #two @grace", None, (None,))
    versions = [envelope.entityversion for envelope in world.log.events]
    assert versions == sorted(set(versions))


async def test_an_edit_that_changes_nothing_is_no_event(world: World) -> None:
    post_id = await world.post(await world.photo(), caption="Same")
    before = list(world.log.events)
    view = await world.service.edit(ADA, post_id, Changes(caption="Same"), always)
    assert view.post.edited_at is None
    assert world.log.events == before


async def test_who_may_edit_and_when(world: World) -> None:
    post_id = await world.post(await world.photo())

    def never(seen: PostView) -> None:
        assert seen.post.id == post_id
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        await world.service.edit(ADA, post_id, Changes(caption="x"), never)
    with pytest.raises(NotYourPost):
        await world.service.edit(GRACE, post_id, Changes(caption="x"), always)
    with pytest.raises(PostNotFound):
        await world.service.edit(ADA, 12345, Changes(caption="x"), always)
    with pytest.raises(InvalidRequest) as refused:
        await world.service.edit(ADA, post_id, Changes(alt_texts={5: "x"}), always)
    assert [error.pointer for error in refused.value.errors] == ["/alt_texts/p_5"]
    await world.consume(account(ADA, private=True, version=2))
    with pytest.raises(PostNotFound):
        await world.service.edit(GRACE, post_id, Changes(caption="x"), always)
    await world.service.delete(ADA, post_id)
    with pytest.raises(PostNotFound):
        await world.service.edit(ADA, post_id, Changes(caption="x"), always)


async def test_an_edit_while_the_post_is_published_is_in_order(world: World) -> None:
    """Whatever the interleaving: who folds by version ends with the words that the tables have."""
    photo = world.ids.next()
    await world.consume(uploaded(photo))
    post_id = await world.post(photo, caption="Before")
    await asyncio.gather(
        world.consume(ready(photo)), world.service.edit(ADA, post_id, Changes(caption="After"), always)
    )
    newest = max(
        (event for event in world.log.events if hasattr(event.data, "caption")), key=lambda event: event.entityversion
    )
    assert getattr(newest.data, "caption", None) == "After"
    view = await world.views.post(ADA, post_id)
    assert (view.post.caption, view.post.status) == ("After", PostStatus.PUBLISHED)


# Deleting


async def test_deleting_takes_the_photos_along(world: World) -> None:
    photo = await world.photo()
    post_id = await world.post(photo)
    await world.service.delete(ADA, post_id)
    for viewer in (ADA, GRACE, None):
        with pytest.raises(PostNotFound):
            await world.views.post(viewer, post_id)
    with pytest.raises(PhotoNotFound):
        await world.views.photo(ADA, photo)
    assert world.objects.removed == [], "that is the consumer's work, which a crash cannot lose"
    await world.replay()
    assert world.objects.removed == [photo]
    assert len(world.cdn.purged) == 4
    event = world.log.events[-1].data
    assert isinstance(event, PostDeleted)
    assert event.photo_ids == (photo,)


async def test_deleting_twice_is_one_event_and_no_error(world: World) -> None:
    post_id = await world.post(await world.photo())
    await asyncio.gather(*(world.service.delete(ADA, post_id) for _ in range(3)))
    assert world.log.types().count("deleted") == 1
    with pytest.raises(PostNotFound):
        await world.service.delete(GRACE, post_id)


async def test_who_may_delete(world: World) -> None:
    post_id = await world.post(await world.photo())
    with pytest.raises(NotYourPost):
        await world.service.delete(GRACE, post_id)
    with pytest.raises(PostNotFound):
        await world.service.delete(ADA, 12345)


async def test_a_photo_that_is_still_processed_is_removed_when_that_is_over(world: World) -> None:
    photo = world.ids.next()
    await world.consume(uploaded(photo))
    await world.service.delete(ADA, await world.post(photo))
    await world.replay()
    assert world.objects.removed == []
    await world.consume(ready(photo))
    assert world.objects.removed == [photo]
    assert len(world.cdn.purged) == 4


async def test_a_photo_that_went_on_to_another_post_survives_its_first(world: World) -> None:
    good, bad = await world.photo(), world.ids.next()
    await world.consume(uploaded(bad))
    unlucky = await world.post(good, bad)
    await world.consume(rejected(bad))
    lucky = await world.post(good)
    await world.service.delete(ADA, unlucky)
    await world.replay()
    assert world.objects.removed == [bad]
    assert (await world.views.post(ADA, lucky)).photos[0].status is PhotoStatus.READY


async def test_a_deleted_photo_cannot_be_posted_again(world: World) -> None:
    photo = await world.photo()
    await world.service.delete(ADA, await world.post(photo))
    with pytest.raises(UnknownPhoto) as refused:
        await world.post(photo, caption="Once more")
    assert "retryable" not in refused.value.extensions


# Crashes and replays


async def test_everything_twice_changes_nothing(world: World) -> None:
    kept, gone = await world.photo(), await world.photo()
    post_id = await world.post(kept, caption="Kept")
    await world.service.edit(ADA, post_id, Changes(caption="Still here"), always)
    await world.service.delete(ADA, await world.post(gone, caption="Gone"))
    await world.replay()
    before, length = dict(world.store.cells), len(world.log.events)
    await world.replay()
    await world.consume(uploaded(kept), ready(kept), uploaded(gone), ready(gone))
    assert dict(world.store.cells) == before
    assert len(world.log.events) == length


async def test_the_tables_can_be_built_anew_from_the_log(world: World) -> None:
    good, bad, gone = await world.photo(), world.ids.next(), await world.photo()
    await world.consume(uploaded(bad))
    unlucky = await world.post(good, bad)
    await world.consume(rejected(bad))
    lucky = await world.post(good, caption="Second try")
    deleted = await world.post(gone)
    await world.service.delete(ADA, deleted)
    anew = World(log=world.log)
    length = len(world.log.events)
    await anew.consume(account(ADA))
    await anew.replay()
    assert len(anew.log.events) == length, "reading the log adds nothing to it"
    assert anew.store.claims.keys() == world.store.claims.keys()
    assert (await anew.views.post(ADA, lucky)).post == (await world.views.post(ADA, lucky)).post
    assert (await anew.views.post(ADA, unlucky)).post.status is PostStatus.FAILED
    with pytest.raises(PostNotFound):
        await anew.views.post(ADA, deleted)


async def test_a_crash_between_log_and_tables_is_made_good_by_the_consumer(world: World) -> None:
    photo = await world.photo()

    class Crashing(MemoryStore):
        async def write(self, rows: Sequence[RowWrite]) -> None:
            raise Unavailable

    crashing = World(store=Crashing(world.store.cells, world.store.claims), log=world.log)
    with pytest.raises(Unavailable):
        await crashing.post(photo, caption="Once")
    assert world.log.types() == ["created"]
    await world.replay()
    [post_id] = {envelope.data.subject() for envelope in world.log.events}
    assert (await world.views.post(ADA, ids.decode("o", post_id))).post.status is PostStatus.PUBLISHED


async def test_while_the_tables_are_away_nothing_is_lost(world: World) -> None:
    photo = world.ids.next()
    world.store.away = True
    with pytest.raises(Unavailable):
        await world.consume(uploaded(photo))
    world.store.away = False
    await world.consume(uploaded(photo), ready(photo))
    assert (await world.views.photo(ADA, photo)).photo.status is PhotoStatus.READY
