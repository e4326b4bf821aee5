"""The index is built again when Redis has lost everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from photomesh_shared.events import Envelope, Event, StoryPublished, StoryViewed
from photomesh_story.rebuilding.replay import Rebuilder
from tests.support.clock import FakeClock
from tests.support.story.scene import ADA, GRACE, Scene


class Marker:
    """What Redis says of itself. `lost`: it is emptied so often during a building."""

    def __init__(self, lost: int = 0) -> None:
        self.ready = False
        self.lost = lost
        self.token = ""

    async def is_ready(self) -> bool:
        return self.ready

    async def begin_building(self, token: str) -> bool:
        if self.token:
            return False
        self.token = token
        return True

    async def keep_building(self) -> None:
        assert self.token

    async def finish_building(self, token: str) -> bool:
        if self.lost:
            self.lost -= 1
            self.token = ""
        self.ready = self.token == token
        return self.ready


async def nobody(account_id: int) -> bool:
    return False


async def nothing(topic: str) -> AsyncIterator[Envelope[Any]]:
    for _ in ():
        yield _


async def test_what_topics_say_is_all_there_again() -> None:
    before, after = Scene(), Scene()
    await before.follow(GRACE, ADA)
    await after.follow(GRACE, ADA)
    first, second = await before.publish(ADA), await before.publish(ADA)
    await before.service.see(GRACE, second.story_id)
    await before.service.delete(ADA, first.story_id)

    async def read(topic: str) -> AsyncIterator[Envelope[Any]]:
        for envelope in before.publisher.events:
            if envelope.data.topic == topic:
                yield envelope

    kinds = {type(envelope.data) for envelope in before.publisher.events}
    assert {StoryPublished, StoryViewed} <= kinds
    marker = Marker()
    handlers = dict.fromkeys(kinds, after.handlers.story_changed)
    rebuilder = Rebuilder(marker, read, handlers, after.tables.is_ended, FakeClock())
    assert await rebuilder.build()
    assert marker.ready
    assert await after.tray(GRACE) == await before.tray(GRACE) == [(ADA, second.story_id, False)]
    assert await after.queries.view_count(second.story_id) == 1


async def test_a_loss_during_the_building_does_not_pass_for_a_whole_index() -> None:
    marker = Marker(lost=1)
    rebuilder = Rebuilder(marker, nothing, {}, nobody, FakeClock())
    assert not await rebuilder.build()
    assert await rebuilder.build()


async def test_one_process_builds_at_a_time() -> None:
    marker = Marker()
    assert await marker.begin_building("another")
    assert not await Rebuilder(marker, nothing, {}, nobody, FakeClock()).build()
    assert not marker.ready


async def test_erased_accounts_do_not_come_back() -> None:
    before, after = Scene(), Scene()
    mine, others = await before.publish(ADA), await before.publish(GRACE)
    await after.tables.mark_ended(ADA)

    async def read(topic: str) -> AsyncIterator[Envelope[Any]]:
        for envelope in before.publisher.events:
            yield envelope

    handlers: dict[type[Event], Any] = {StoryPublished: after.handlers.story_changed}
    assert await Rebuilder(Marker(), read, handlers, after.tables.is_ended, FakeClock()).build()
    assert (await after.sees(ADA, ADA), await after.sees(GRACE, GRACE)) == ([], [others.story_id])
    assert await after.tables.story(mine.story_id) is None
