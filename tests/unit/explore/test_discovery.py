"""Suggested accounts, trends, and the bound on feedback."""

from __future__ import annotations

import pytest

from photomesh_explore.candidates.domain import TREND_HALF_LIFE_MS, Trend, ms_of
from photomesh_explore.errors import FeedbackNotFound, NoSuchHashtagOnPost, NotShownLately, TooMuchFeedback
from photomesh_explore.feedback.domain import MAX_FEEDBACK, Kind
from tests.support.explore.memory import MemoryExplore


@pytest.fixture
def world() -> MemoryExplore:
    return MemoryExplore()


async def test_friends_of_friends_come_first_then_authors_of_liked_hashtags(world: MemoryExplore) -> None:
    viewer, ada, grace, often, once, tagged, muted, blocked = (world.account() for _ in range(8))
    world.followees.update({viewer: [ada, grace], ada: [often, once, grace, muted], grace: [often, viewer, blocked]})
    author = world.account()
    world.mutes[viewer] = {muted, author}
    world.sights.hidden = {blocked}
    world.like(viewer, world.post(author, "sunset"))
    world.post(tagged, "sunset")
    found = await world.discovery.people(viewer, 10)
    assert [(one.account.id, one.followees, one.tag) for one in found] == [
        (often, 2, None),
        (once, 1, None),
        (tagged, 0, "sunset"),
    ]
    await world.feedback.dismiss(viewer, often)
    assert often not in [one.account.id for one in await world.discovery.people(viewer, 10)]


async def test_trends_are_those_of_now_without_hidden_hashtags(world: MemoryExplore) -> None:
    viewer = world.account()
    now = ms_of(world.clock.now()) / TREND_HALF_LIFE_MS
    world.trends = {"sunset": Trend(now + 3, 9), "rain": Trend(now + 2, 4), "easter": Trend(now - 20, 900)}
    tags, places = await world.discovery.trends(viewer, 10)
    assert [(one.name, one.accounts) for one in tags] == [("sunset", 9), ("rain", 4)]
    assert places == []
    post = world.post(world.account(), "rain")
    await world.everything(viewer)
    await world.feedback.give(viewer, post, Kind.HIDE_TAG)
    tags, _ = await world.discovery.trends(viewer, 10)
    assert [one.name for one in tags] == ["sunset"]


async def test_feedback_is_about_posts_that_were_shown_and_their_hashtags(world: MemoryExplore) -> None:
    viewer = world.account()
    post = world.post(world.account(), "cats", "dogs")
    with pytest.raises(NotShownLately):
        await world.feedback.give(viewer, post, Kind.LESS)
    await world.everything(viewer)
    for tag in (None, "birds"):
        with pytest.raises(NoSuchHashtagOnPost):
            await world.feedback.give(viewer, post, Kind.HIDE_TAG, tag)
    given = await world.feedback.give(viewer, post, Kind.HIDE_TAG, "#Dogs")
    assert given.tags == ("dogs",)
    with pytest.raises(FeedbackNotFound):
        await world.feedback.remove(viewer, "0" * 16)


async def test_an_account_keeps_five_hundred(world: MemoryExplore) -> None:
    viewer = world.account()
    others = [world.account() for _ in range(MAX_FEEDBACK)]
    for other in others:
        await world.feedback.dismiss(viewer, other)
    await world.feedback.dismiss(viewer, others[0])  # again is no more
    with pytest.raises(TooMuchFeedback):
        await world.feedback.dismiss(viewer, world.account())
    assert await world.feedback.remove_all(viewer) == MAX_FEEDBACK
    assert await world.feedback.list(viewer) == []
