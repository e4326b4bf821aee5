"""An index that has lost everything is built again from topics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from prometheus_client import Gauge

from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.rebuilding import IndexRebuilder, IsErased
from photomesh_shared.events import AccountErasureRequested, Envelope, Event, PostLiked, PostPublished
from photomesh_shared.kafka.handling import Handler
from tests.support.clock import FakeClock, settle
from tests.support.index import BuiltIndex

ERASURE, POST = AccountErasureRequested.example(), PostPublished.example()


class Topics:
    """Topics with events, and what was read and handled."""

    def __init__(self, *events: Event) -> None:
        self.events = events
        self.read: list[str] = []
        self.handled: list[Event] = []
        self.ready = Gauge("ready", "Of a test.", registry=None)

    async def topic(self, name: str) -> AsyncIterator[Envelope[Any]]:
        self.read.append(name)
        for event in self.events:
            if event.topic == name:
                yield Envelope.of(event, entityversion=1)

    async def handle(self, envelope: Envelope[Any]) -> None:
        self.handled.append(envelope.data)

    def rebuilder(
        self, index: BuiltIndex, clock: FakeClock | None = None, is_erased: IsErased | None = None
    ) -> IndexRebuilder:
        handlers: list[Mapping[type[Event], Handler]] = [
            {AccountErasureRequested: self.handle},
            {PostPublished: self.handle, PostLiked: self.handle},
        ]
        return IndexRebuilder(index, self.topic, handlers, clock or FakeClock(), ready=self.ready, is_erased=is_erased)

    @property
    def is_ready(self) -> float:
        [metric] = self.ready.collect()
        return metric.samples[0].value


async def test_topics_are_read_in_the_order_of_the_handlers() -> None:
    topics, index = Topics(POST, ERASURE), BuiltIndex()
    assert await topics.rebuilder(index).build()
    assert index.ready
    assert topics.read == ["erasures", "engagement", "posts"]
    assert topics.handled == [ERASURE, POST]


async def test_a_loss_during_the_building_does_not_pass_for_a_whole_index() -> None:
    topics, index = Topics(POST), BuiltIndex(lost=1)
    rebuilder = topics.rebuilder(index)
    assert not await rebuilder.build()
    assert await rebuilder.build()
    assert topics.handled == [POST, POST]


async def test_one_process_builds_at_a_time() -> None:
    topics, index = Topics(POST), BuiltIndex()
    assert await index.begin_building("another")
    assert not await topics.rebuilder(index).build()
    assert not index.ready
    assert topics.read == []


async def test_an_erased_account_does_not_come_back_and_others_are_asked_about_once() -> None:
    asked: list[int] = []

    async def is_erased(account_id: int) -> bool:
        asked.append(account_id)
        return account_id == POST.author_id

    other = POST.model_copy(update={"author_id": POST.author_id + 1})
    topics = Topics(POST, other, other)
    assert await topics.rebuilder(BuiltIndex(), is_erased=is_erased).build()
    assert topics.handled == [other, other]
    assert asked == [POST.author_id, other.author_id]


async def test_it_looks_whether_the_index_is_lost_and_says_so() -> None:
    topics, index, clock = Topics(POST), BuiltIndex(), FakeClock()
    async with in_background("rebuilder", topics.rebuilder(index, clock).run, clock):
        await settle()
        assert (index.ready, topics.is_ready) == (True, 1)
        index.ready, index.token = False, ""
        await clock.advance(3)
        assert (index.ready, topics.is_ready) == (True, 1)
        assert topics.handled == [POST, POST]
        index.ready, index.token = False, "another process builds"
        await clock.advance(3)
        assert (index.ready, topics.is_ready) == (False, 0)
