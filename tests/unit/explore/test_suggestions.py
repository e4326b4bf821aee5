"""Posts that the home feed suggests: from explore's list, shown once, and only to those who want any."""

from __future__ import annotations

from datetime import timedelta

import pytest

from photomesh_explore.feedback.domain import MAX_FEEDBACK, HomeState, Kind
from photomesh_explore.pages.domain import Source
from photomesh_explore.pages.suggestions import Suggested
from tests.support.explore.memory import MemoryExplore


@pytest.fixture
def world() -> MemoryExplore:
    return MemoryExplore()


async def suggested(world: MemoryExplore, viewer: int, limit: int = 20) -> list[int]:
    return [one.post_id for one in await world.suggestions.suggest(viewer, limit)]


async def shown(world: MemoryExplore, viewer: int, *posts: int) -> list[int]:
    wanted = [Suggested(post, Source.FRESH) for post in posts]
    return [one.post.id for one in await world.suggestions.show(viewer, wanted)]


async def test_suggestions_are_the_first_of_explore_one_of_an_author(world: MemoryExplore) -> None:
    viewer, favourite = world.account(), world.account()
    world.like(viewer, world.post(favourite, "sunset", minutes_ago=600))
    best = [world.post(favourite, "sunset", minutes_ago=5) for _ in range(2)]
    for _ in range(30):
        world.post(world.account())
    found = await world.suggestions.suggest(viewer, 10)
    assert found[0].post_id in best
    assert (found[0].source, len(found)) == (Source.AUTHOR, 10)
    assert len({world.infos[one.post_id].author_id for one in found}) == 10
    page = await world.page(viewer, limit=3)
    assert page.items[0].post.id == found[0].post_id, "what was not shown at home comes in explore"


async def test_what_is_shown_at_home_is_not_shown_again(world: MemoryExplore) -> None:
    viewer = world.account()
    posts = [world.post(world.account()) for _ in range(30)]
    first = (await suggested(world, viewer))[:4]
    assert await shown(world, viewer, *first) == first
    assert await world.explore.why(viewer, first[0])
    assert not set(await suggested(world, viewer)) & set(first)
    rest = await world.everything(viewer)
    assert not set(rest) & set(first)
    assert len(rest) >= len(posts) - 5
    await world.clock.advance(600)
    assert await suggested(world, viewer) == []


async def test_suggestions_leave_pages_of_explore_as_they_are(world: MemoryExplore) -> None:
    viewer = world.account()
    for _ in range(60):
        world.post(world.account())
    first = await world.page(viewer, limit=5)
    second = await world.page(viewer, first.next_position, limit=5)
    at_home = await suggested(world, viewer)
    assert not set(at_home) & {one.post.id for one in (*first.items, *second.items)}
    again = await world.page(viewer, first.next_position, limit=5)
    assert [one.post.id for one in again.items] == [one.post.id for one in second.items]
    other = world.account()
    trending = world.top = [world.post(world.account())]
    await world.page(other, personalised=False, limit=5)
    assert len(await suggested(world, other)) == 20
    assert [one.mode.personalised for one in [world.lists[other]]] == [False]
    assert trending


async def test_nothing_that_was_hidden_since_is_shown(world: MemoryExplore) -> None:
    viewer = world.account()
    for _ in range(8):
        world.post(world.account(), "sunset")
    offered = await suggested(world, viewer)
    blocked, deleted, muted, minor, followed, disliked, old, good = offered
    world.sights.hidden = {world.infos[blocked].author_id}
    del world.infos[deleted]
    world.mutes[viewer] = {world.infos[muted].author_id}
    world.unsearchable = {world.infos[minor].author_id}
    world.sights.follows = {(viewer, world.infos[followed].author_id)}
    assert await shown(world, viewer, disliked) == [disliked]
    await world.feedback.give(viewer, disliked, Kind.HIDE_AUTHOR)
    at = world.infos[old]
    world.infos[old] = type(at)(at.post_id, at.author_id, at.published_ms - 8 * 86_400_000, at.tags, at.cell, at.place)
    assert await shown(world, viewer, *offered) == [good]


async def test_off_and_snoozed_accounts_get_none_at_once(world: MemoryExplore) -> None:
    viewer, other = world.account(), world.account()
    for _ in range(5):
        world.post(world.account())
    offered = await suggested(world, viewer)
    home = await world.feedback.set_home(viewer, HomeState.SNOOZED)
    assert home.until is not None
    assert abs(home.until - world.clock.now() - timedelta(days=30)) < timedelta(seconds=1)
    assert await world.feedback.home(viewer) == home
    assert await suggested(world, viewer) == await shown(world, viewer, *offered) == []
    assert await suggested(world, other) != []
    await world.feedback.set_home(viewer, HomeState.ON)
    assert set(await suggested(world, viewer)) == set(offered)
    assert (await world.feedback.set_home(viewer, HomeState.OFF)).until is None
    assert await suggested(world, viewer) == await shown(world, viewer, *offered) == []
    assert await world.page(viewer), "explore itself is another matter"
    assert await world.feedback.list(viewer) == [], "it is a setting, and no feedback"
    assert await world.feedback.remove_all(viewer) == 1
    assert (await world.feedback.home(viewer)).state == HomeState.ON


async def test_a_snooze_ends_after_thirty_days_and_can_begin_again(world: MemoryExplore) -> None:
    viewer = world.account()
    await world.feedback.set_home(viewer, HomeState.SNOOZED)
    await world.clock.advance(29 * 86_400)
    assert (await world.feedback.home(viewer)).state == HomeState.SNOOZED
    await world.feedback.set_home(viewer, HomeState.SNOOZED)
    await world.clock.advance(29 * 86_400)
    assert (await world.feedback.home(viewer)).state == HomeState.SNOOZED
    await world.clock.advance(2 * 86_400)
    world.post(world.account())
    assert (await world.feedback.home(viewer)).state == HomeState.ON
    assert len(await suggested(world, viewer)) == 1


async def test_there_is_always_room_to_switch_it_off(world: MemoryExplore) -> None:
    viewer = world.account()
    for _ in range(MAX_FEEDBACK):
        await world.feedback.dismiss(viewer, world.account())
    await world.feedback.set_home(viewer, HomeState.OFF)
    assert (await world.feedback.home(viewer)).state == HomeState.OFF
