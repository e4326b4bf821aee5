"""The index is built again when Redis has lost everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from photomesh_shared.consumer.rebuilding import IndexRebuilder
from photomesh_shared.events import Envelope, Event, StoryPublished, StoryViewed
from photomesh_story.metrics import INDEX_READY
from tests.support.clock import FakeClock
from tests.support.index import BuiltIndex
from tests.support.story.scene import ADA, GRACE, Scene


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
    index = BuiltIndex()
    handlers = dict.fromkeys(kinds, after.handlers.story_changed)
    rebuilder = IndexRebuilder(index, read, [handlers], FakeClock(), ready=INDEX_READY, is_erased=after.tables.is_ended)
    assert await rebuilder.build()
    assert index.ready
    assert await after.tray(GRACE) == await before.tray(GRACE) == [(ADA, second.story_id, False)]
    assert await after.queries.view_count(second.story_id) == 1


async def test_erased_accounts_do_not_come_back() -> None:
    before, after = Scene(), Scene()
    mine, others = await before.publish(ADA), await before.publish(GRACE)
    await after.tables.mark_ended(ADA)

    async def read(topic: str) -> AsyncIterator[Envelope[Any]]:
        for envelope in before.publisher.events:
            yield envelope

    handlers: dict[type[Event], Any] = {StoryPublished: after.handlers.story_changed}
    rebuilder = IndexRebuilder(
        BuiltIndex(), read, [handlers], FakeClock(), ready=INDEX_READY, is_erased=after.tables.is_ended
    )
    assert await rebuilder.build()
    assert (await after.sees(ADA, ADA), await after.sees(GRACE, GRACE)) == ([], [others.story_id])
    assert await after.tables.story(mine.story_id) is None
