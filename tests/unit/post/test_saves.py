"""What people keep: lists, collections, and that they are counted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import pytest

from photomesh_post.errors import CollectionNotFound, PostNotFound, TooManyCollections
from photomesh_post.saves.domain import MAX_COLLECTIONS
from photomesh_shared.errors import InvalidRequest, Unavailable
from tests.unit.post.fake_saves import MemorySaves
from tests.unit.post.talk import Talk
from tests.unit.post.world import ADA, GRACE, account, blocked


class Scene(Talk):
    posts: list[int]
    lakes: int

    async def begin(self) -> None:
        await self.consume(account(ADA), account(GRACE))
        self.posts = [await self.published() for _ in range(3)]
        self.lakes = (await self.saves.create_collection(GRACE, "Lakes")).collection.id

    async def add(self, *posts: int) -> None:
        for post in posts:
            await self.saves.add(GRACE, self.lakes, post)

    async def assert_right(self) -> None:
        """The count that is shown is that of the posts that are there, and those are saved."""
        inside = await self.inside(GRACE, self.lakes)
        assert await self.sizes(GRACE) == {"Lakes": len(inside)}
        assert set(inside) <= set(await self.saved(GRACE))

    async def everything(self) -> list[object]:
        return [await self.saved(GRACE), await self.inside(GRACE, self.lakes), await self.sizes(GRACE)]


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.begin()
    return scene


async def test_the_newest_comes_first_and_once(scene: Scene) -> None:
    for post in (*scene.posts, scene.posts[0]):
        await scene.saves.save(GRACE, post)
    assert await scene.saved(GRACE) == scene.posts[::-1]
    await scene.saves.unsave(GRACE, scene.posts[1])
    await scene.saves.unsave(GRACE, scene.posts[1])
    assert await scene.saved(GRACE) == [scene.posts[2], scene.posts[0]]
    await scene.saves.save(GRACE, scene.posts[1])
    assert await scene.saved(GRACE) == [scene.posts[1], scene.posts[2], scene.posts[0]]
    assert scene.kept.types() == ["created", "saved", "saved", "saved", "unsaved", "saved"]
    assert await scene.saved_posts.among(GRACE, [*scene.posts, 12345]) == set(scene.posts)
    assert await scene.saved_posts.among(ADA, scene.posts) == set()
    views = await scene.views.posts(GRACE, scene.posts)
    assert [view.reactions.saved for view in views if view] == [True] * 3
    assert (await scene.views.post(None, scene.posts[0])).reactions.saved is None


async def test_pages(scene: Scene) -> None:
    for post in scene.posts:
        await scene.saves.save(GRACE, post)
    found, last = await scene.saves.saved(GRACE, before=None, limit=1)
    await scene.saves.save(GRACE, await scene.published())
    await scene.saves.unsave(GRACE, scene.posts[1])
    rest, end = await scene.saves.saved(GRACE, before=last, limit=1)
    assert ([view.post.id for view in found + rest], end) == ([scene.posts[2], scene.posts[0]], None)


async def test_adding_saves_and_unsaving_removes(scene: Scene) -> None:
    dusk = (await scene.saves.create_collection(GRACE, " Dusk ")).collection.id
    await scene.add(*scene.posts, scene.posts[0])
    await scene.saves.add(GRACE, dusk, scene.posts[0])
    assert await scene.saved(GRACE) == scene.posts[::-1]
    assert await scene.sizes(GRACE) == {"Dusk": 1, "Lakes": 3}
    await scene.saves.remove(GRACE, scene.lakes, scene.posts[2])
    await scene.saves.remove(GRACE, scene.lakes, scene.posts[2])
    assert await scene.saved(GRACE) == scene.posts[::-1]
    await scene.saves.unsave(GRACE, scene.posts[0])
    assert await scene.sizes(GRACE) == {"Dusk": 0, "Lakes": 1}
    assert await scene.inside(GRACE, scene.lakes) == [scene.posts[1]]
    await scene.saves.save(GRACE, scene.posts[0])
    assert await scene.inside(GRACE, dusk) == []
    await scene.saves.add(GRACE, dusk, scene.posts[0])
    assert await scene.sizes(GRACE) == {"Dusk": 1, "Lakes": 1}


async def test_collections_are_their_owners(scene: Scene) -> None:
    await scene.add(scene.posts[0])
    for act in (
        scene.saves.rename_collection(ADA, scene.lakes, "Mine"),
        scene.saves.delete_collection(ADA, scene.lakes),
        scene.saves.add(ADA, scene.lakes, scene.posts[1]),
        scene.saves.remove(ADA, scene.lakes, scene.posts[0]),
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
    assert await scene.saved(GRACE) == [scene.posts[0]]


async def test_what_is_hidden_or_gone_is_left_out(scene: Scene) -> None:
    await scene.add(*scene.posts)
    await scene.service.delete(ADA, scene.posts[2])
    assert await scene.inside(GRACE, scene.lakes) == await scene.saved(GRACE) == [scene.posts[1], scene.posts[0]]
    [shown], _ = await scene.saves.collections(GRACE, before=None, limit=5)
    assert shown.collection.posts == 3
    assert shown.cover == (await scene.views.post(GRACE, scene.posts[1])).photos[0]
    await scene.consume(blocked(ADA, GRACE))
    assert await scene.inside(GRACE, scene.lakes) == await scene.saved(GRACE) == []
    for act in (
        scene.saves.save(GRACE, scene.posts[0]),
        scene.saves.unsave(GRACE, scene.posts[0]),
        scene.saves.add(GRACE, scene.lakes, scene.posts[0]),
        scene.saves.remove(GRACE, scene.lakes, scene.posts[0]),
    ):
        with pytest.raises(PostNotFound):
            await act


@pytest.mark.parametrize("name", ["", "  ", "a" * 51])
async def test_names_that_are_refused(scene: Scene, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await scene.saves.create_collection(GRACE, name)
    with pytest.raises(InvalidRequest):
        await scene.saves.rename_collection(GRACE, scene.lakes, name)


async def test_there_is_a_limit(scene: Scene) -> None:
    for number in range(MAX_COLLECTIONS - 1):
        await scene.saves.create_collection(GRACE, str(number))
    with pytest.raises(TooManyCollections):
        await scene.saves.create_collection(GRACE, "One more")
    first, last = await scene.saves.collections(GRACE, before=None, limit=MAX_COLLECTIONS - 1)
    rest, end = await scene.saves.collections(GRACE, before=last, limit=5)
    assert ([view.collection.name for view in rest], end, len(first)) == (["Lakes"], None, MAX_COLLECTIONS - 1)


async def change_minds(scene: Scene) -> None:
    await scene.add(*scene.posts)
    await scene.saves.remove(GRACE, scene.lakes, scene.posts[0])
    await scene.saves.unsave(GRACE, scene.posts[1])
    await scene.saves.unsave(GRACE, scene.posts[2])
    await scene.add(scene.posts[2])


@pytest.mark.parametrize("seed", range(12))
async def test_the_log_in_any_order_and_twice(scene: Scene, seed: int) -> None:
    await change_minds(scene)
    before = await scene.everything()
    events = scene.kept.events * 2
    random.Random(seed).shuffle(events)
    await scene.resort(*events)
    assert await scene.everything() == before
    emptied = MemorySaves()
    for name in ("rows", "partitions", "marks", "shown"):
        setattr(scene.save_rows, name, getattr(emptied, name))
    await scene.resort(*events)
    assert await scene.everything() == before
    await scene.assert_right()


@pytest.mark.parametrize("step", ["write", "kept_in", "tally", "replace_tally", "show_tally"])
@pytest.mark.parametrize("hit", range(1, 5))
async def test_the_tables_go_away_at_any_step(scene: Scene, step: str, hit: int) -> None:
    """What is in the log has happened; the consumer sees to it."""
    hits = 0

    def leave(at: str) -> None:
        nonlocal hits
        hits += at == step
        if at == step and hits == hit:
            raise Unavailable

    scene.save_rows.on_step = leave
    await change_minds(scene)
    scene.save_rows.on_step = lambda at: None
    await scene.resort()
    await scene.assert_right()
    assert set(await scene.inside(GRACE, scene.lakes)) >= {scene.posts[2]}


@pytest.mark.parametrize("seed", range(8))
async def test_many_at_once(scene: Scene, seed: int) -> None:
    rng = random.Random(seed)
    acts = [
        act
        for _ in range(4)
        for post in scene.posts
        for act in (
            scene.saves.add(GRACE, scene.lakes, post),
            scene.saves.remove(GRACE, scene.lakes, post),
            scene.saves.unsave(GRACE, post),
        )
    ]
    rng.shuffle(acts)
    await scene.outlast(_all(acts))
    await scene.resort()
    await scene.assert_right()


async def _all(acts: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*acts)
