"""Saved posts, collections, and their counts, with stores and logs in memory."""

from __future__ import annotations

import asyncio
import random

import pytest

from photomesh_post.errors import CollectionNotFound, PostNotFound, TooManyCollections
from photomesh_post.saves.domain import MAX_COLLECTIONS
from photomesh_shared.errors import InvalidRequest, Unavailable
from photomesh_shared.ids import CreationId
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.memory_saves import MemorySaves
from tests.support.post.sample_events import ADA, GRACE, account, blocked


class Scene(InMemoryService):
    """Three posts of Ada's, and a collection of Grace's."""

    post_ids: list[int]
    lakes: int

    async def add(self, *post_ids: int) -> None:
        for post_id in post_ids:
            await self.saves.add_to_collection(GRACE, self.lakes, post_id)

    async def saved(self, account_id: int) -> list[int]:
        return [view.post.id for view in (await self.save_queries.saved_posts(account_id, before=None, limit=50))[0]]

    async def inside(self, account_id: int, collection_id: int) -> list[int]:
        views, _ = await self.save_queries.collection_posts(account_id, collection_id, before=None, limit=50)
        return [view.post.id for view in views]

    async def sizes(self, account_id: int) -> dict[str, int]:
        views, _ = await self.save_queries.collections(account_id, before=None, limit=50)
        return {view.collection.name: view.collection.posts for view in views}

    async def assert_consistent(self) -> None:
        """The count of the collection is that of the posts in it, and those are saved."""
        inside = await self.inside(GRACE, self.lakes)
        assert await self.sizes(GRACE) == {"Lakes": len(inside)}
        assert set(inside) <= set(await self.saved(GRACE))

    async def everything(self) -> list[object]:
        return [await self.saved(GRACE), await self.inside(GRACE, self.lakes), await self.sizes(GRACE)]


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.consume(account(ADA), account(GRACE))
    scene.post_ids = [await scene.published_post() for _ in range(3)]
    scene.lakes = (await scene.saves.create_collection(CreationId(scene.ids.next()), GRACE, "Lakes")).collection.id
    return scene


async def test_the_last_saved_comes_first_and_once(scene: Scene) -> None:
    for post in (*scene.post_ids, scene.post_ids[0]):
        await scene.saves.save_post(GRACE, post)
    assert await scene.saved(GRACE) == scene.post_ids[::-1]
    await scene.saves.unsave_post(GRACE, scene.post_ids[1])
    await scene.saves.unsave_post(GRACE, scene.post_ids[1])
    assert await scene.saved(GRACE) == [scene.post_ids[2], scene.post_ids[0]]
    await scene.saves.save_post(GRACE, scene.post_ids[1])
    assert await scene.saved(GRACE) == [scene.post_ids[1], scene.post_ids[2], scene.post_ids[0]]
    assert scene.save_log.types() == ["created", "saved", "saved", "saved", "unsaved", "saved"]
    for viewer_id, saved in ((GRACE, True), (ADA, False), (None, None)):
        found = await scene.post_reactions.reactions(viewer_id, scene.post_ids)
        assert [found[post_id].saved for post_id in scene.post_ids] == [saved] * 3
    views = await scene.post_queries.posts(GRACE, scene.post_ids)
    assert [view.reactions.saved for view in views if view] == [True] * 3
    assert (await scene.post_queries.post(None, scene.post_ids[0])).reactions.saved is None


async def test_pages(scene: Scene) -> None:
    for post in scene.post_ids:
        await scene.saves.save_post(GRACE, post)
    found, last = await scene.save_queries.saved_posts(GRACE, before=None, limit=1)
    await scene.saves.save_post(GRACE, await scene.published_post())
    await scene.saves.unsave_post(GRACE, scene.post_ids[1])
    rest, end = await scene.save_queries.saved_posts(GRACE, before=last, limit=1)
    assert ([view.post.id for view in found + rest], end) == ([scene.post_ids[2], scene.post_ids[0]], None)


async def test_adding_saves_and_unsaving_removes(scene: Scene) -> None:
    dusk = (await scene.saves.create_collection(CreationId(scene.ids.next()), GRACE, " Dusk ")).collection.id
    await scene.add(*scene.post_ids, scene.post_ids[0])
    await scene.saves.add_to_collection(GRACE, dusk, scene.post_ids[0])
    assert await scene.saved(GRACE) == scene.post_ids[::-1]
    assert await scene.sizes(GRACE) == {"Dusk": 1, "Lakes": 3}
    await scene.saves.remove_from_collection(GRACE, scene.lakes, scene.post_ids[2])
    await scene.saves.remove_from_collection(GRACE, scene.lakes, scene.post_ids[2])
    assert await scene.saved(GRACE) == scene.post_ids[::-1]
    await scene.saves.unsave_post(GRACE, scene.post_ids[0])
    assert await scene.sizes(GRACE) == {"Dusk": 0, "Lakes": 1}
    assert await scene.inside(GRACE, scene.lakes) == [scene.post_ids[1]]
    await scene.saves.save_post(GRACE, scene.post_ids[0])
    assert await scene.inside(GRACE, dusk) == []
    await scene.saves.add_to_collection(GRACE, dusk, scene.post_ids[0])
    assert await scene.sizes(GRACE) == {"Dusk": 1, "Lakes": 1}


async def test_a_collection_is_visible_to_its_owner_only(scene: Scene) -> None:
    await scene.add(scene.post_ids[0])
    for act in (
        scene.saves.rename_collection(ADA, scene.lakes, "Mine"),
        scene.saves.delete_collection(ADA, scene.lakes),
        scene.saves.add_to_collection(ADA, scene.lakes, scene.post_ids[1]),
        scene.saves.remove_from_collection(ADA, scene.lakes, scene.post_ids[0]),
        scene.inside(ADA, scene.lakes),
    ):
        with pytest.raises(CollectionNotFound):
            await act
    assert await scene.sizes(ADA) == {}
    await scene.saves.rename_collection(GRACE, scene.lakes, "Lakes at dusk")
    assert await scene.sizes(GRACE) == {"Lakes at dusk": 1}
    await scene.saves.delete_collection(GRACE, scene.lakes)
    with pytest.raises(CollectionNotFound):
        await scene.inside(GRACE, scene.lakes)
    assert await scene.saved(GRACE) == [scene.post_ids[0]]


async def test_hidden_and_deleted_posts_are_left_out(scene: Scene) -> None:
    await scene.add(*scene.post_ids)
    await scene.posts.delete_post(ADA, scene.post_ids[2])
    assert await scene.inside(GRACE, scene.lakes) == await scene.saved(GRACE) == [scene.post_ids[1], scene.post_ids[0]]
    [shown], _ = await scene.save_queries.collections(GRACE, before=None, limit=5)
    assert shown.collection.posts == 3
    assert shown.cover == (await scene.post_queries.post(GRACE, scene.post_ids[1])).photos[0]
    await scene.consume(blocked(ADA, GRACE))
    assert await scene.inside(GRACE, scene.lakes) == await scene.saved(GRACE) == []
    for act in (
        scene.saves.save_post(GRACE, scene.post_ids[0]),
        scene.saves.add_to_collection(GRACE, scene.lakes, scene.post_ids[0]),
    ):
        with pytest.raises(PostNotFound):
            await act


@pytest.mark.parametrize("hiding", ["block", "private", "deleted"])
async def test_saves_of_hidden_posts_can_be_undone(scene: Scene, hiding: str) -> None:
    saved, never_saved = scene.post_ids[0], scene.post_ids[1]
    await scene.add(saved)
    if hiding == "deleted":
        for post_id in (saved, never_saved):
            await scene.posts.delete_post(ADA, post_id)
    else:
        await scene.consume(blocked(ADA, GRACE) if hiding == "block" else account(ADA, private=True, version=2))
    for _ in range(2):
        await scene.saves.remove_from_collection(GRACE, scene.lakes, saved)
        await scene.saves.unsave_post(GRACE, saved)
    assert await scene.sizes(GRACE) == {"Lakes": 0}
    assert not (await scene.save_store.memberships(GRACE, [saved]))[saved].present
    for act in (
        scene.saves.unsave_post(GRACE, never_saved),
        scene.saves.remove_from_collection(GRACE, scene.lakes, never_saved),
    ):
        with pytest.raises(PostNotFound):
            await act


@pytest.mark.parametrize("name", ["", "  ", "a" * 51, "\u200b", "a\nb", "a\u202eb", "a" * 1_000_000])
async def test_invalid_names(scene: Scene, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await scene.saves.create_collection(CreationId(scene.ids.next()), GRACE, name)
    with pytest.raises(InvalidRequest):
        await scene.saves.rename_collection(GRACE, scene.lakes, name)


async def test_a_repeated_creation_is_one_collection(scene: Scene) -> None:
    for number in range(MAX_COLLECTIONS - 2):
        await scene.saves.create_collection(CreationId(scene.ids.next()), GRACE, str(number))
    collection_id = scene.ids.next()
    views = [await scene.saves.create_collection(CreationId(collection_id), GRACE, "The last one") for _ in range(2)]
    assert views[0] == views[1]
    found, _ = await scene.save_queries.collections(GRACE, before=None, limit=2 * MAX_COLLECTIONS)
    assert [view.collection.id for view in found].count(collection_id) == 1


async def test_a_repeat_finds_the_collection(scene: Scene) -> None:
    """As with an idempotency key whose first request was answered: it shows the collection as it is now."""
    creation = CreationId(scene.ids.next())
    repeat = CreationId(creation.id, repeated=True)
    await scene.saves.create_collection(repeat, GRACE, "Early")  # the first attempt did not get as far as its event
    await scene.saves.rename_collection(GRACE, creation.id, "Late")
    events = len(scene.save_log.events)
    assert (await scene.saves.create_collection(repeat, GRACE, "Early")).collection.name == "Late"
    assert len(scene.save_log.events) == events
    await scene.saves.delete_collection(GRACE, creation.id)
    with pytest.raises(CollectionNotFound):
        await scene.saves.create_collection(repeat, GRACE, "Early")
    assert creation.id not in {found.id for found in await scene.save_store.collections(GRACE)}


async def test_the_number_of_collections_is_limited(scene: Scene) -> None:
    for number in range(MAX_COLLECTIONS - 1):
        await scene.saves.create_collection(CreationId(scene.ids.next()), GRACE, str(number))
    with pytest.raises(TooManyCollections):
        await scene.saves.create_collection(CreationId(scene.ids.next()), GRACE, "One more")
    first, last = await scene.save_queries.collections(GRACE, before=None, limit=MAX_COLLECTIONS - 1)
    rest, end = await scene.save_queries.collections(GRACE, before=last, limit=5)
    assert ([view.collection.name for view in rest], end, len(first)) == (["Lakes"], None, MAX_COLLECTIONS - 1)


async def change_everything(scene: Scene) -> None:
    async def unsave(post_id: int) -> None:
        """As a client does, who repeats what failed."""
        try:
            await scene.saves.unsave_post(GRACE, post_id)
        except Unavailable:
            await scene.saves.unsave_post(GRACE, post_id)

    await scene.add(*scene.post_ids)
    await scene.saves.remove_from_collection(GRACE, scene.lakes, scene.post_ids[0])
    await unsave(scene.post_ids[1])
    await unsave(scene.post_ids[2])
    await scene.add(scene.post_ids[2])


@pytest.mark.parametrize("seed", range(12))
async def test_events_in_any_order_and_repeated(scene: Scene, seed: int) -> None:
    await change_everything(scene)
    before = await scene.everything()
    events = scene.save_log.events * 2
    random.Random(seed).shuffle(events)
    await scene.consume(*events)
    assert await scene.everything() == before
    emptied = MemorySaves()
    for name in ("tables", "partitions", "marks", "copied"):
        setattr(scene.save_store, name, getattr(emptied, name))
    await scene.consume(*events)
    assert await scene.everything() == before
    await scene.assert_consistent()


async def test_the_latest_record_of_each_thing_is_enough(scene: Scene) -> None:
    """After compaction, a new consumer sees no more."""
    await change_everything(scene)
    before = await scene.saved(GRACE), await scene.inside(GRACE, scene.lakes), await scene.sizes(GRACE)
    latest = {envelope.data.record_key(): envelope for envelope in scene.save_log.events}
    for name in ("tables", "partitions", "marks", "copied"):
        setattr(scene.save_store, name, getattr(MemorySaves(), name))
    await scene.consume(*(envelope for envelope in latest.values() if not envelope.data.ends))
    assert before == (await scene.saved(GRACE), await scene.inside(GRACE, scene.lakes), await scene.sizes(GRACE))


@pytest.mark.parametrize("step", ["write", "memberships_of_post", "tally", "replace_tally", "publish_count"])
@pytest.mark.parametrize("hit", range(1, 5))
async def test_the_tables_become_unavailable_at_any_step(scene: Scene, step: str, hit: int) -> None:
    """The event is in the log by then, and the consumer applies it; or the request fails, and is repeated."""
    hits = 0

    def fail(at: str) -> None:
        nonlocal hits
        hits += at == step
        if at == step and hits == hit:
            raise Unavailable

    scene.save_store.on_step = fail
    await change_everything(scene)
    scene.save_store.on_step = lambda at: None
    await scene.consume(*scene.save_log.events)
    await scene.assert_consistent()
    assert set(await scene.inside(GRACE, scene.lakes)) >= {scene.post_ids[2]}


@pytest.mark.parametrize("seed", range(8))
async def test_concurrent_requests(scene: Scene, seed: int) -> None:
    rng = random.Random(seed)
    acts = [
        act
        for _ in range(4)
        for post in scene.post_ids
        for act in (
            scene.saves.add_to_collection(GRACE, scene.lakes, post),
            scene.saves.remove_from_collection(GRACE, scene.lakes, post),
            scene.saves.unsave_post(GRACE, post),
        )
    ]
    rng.shuffle(acts)
    await scene.outlast(asyncio.gather(*acts))
    await scene.consume(*scene.save_log.events)
    await scene.assert_consistent()
