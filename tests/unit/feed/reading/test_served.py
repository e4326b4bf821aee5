"""Records of what was served: complete, small, and never waited for."""

from __future__ import annotations

from contextlib import suppress

import pytest
from prometheus_client import REGISTRY

from photomesh_feed.ranking.exploration import Coin
from photomesh_feed.ranking.features import features
from photomesh_feed.reading.served import Served, ServedLog
from photomesh_shared.events import TOPICS, FeedServed, encode
from photomesh_shared.ids import MAX_ID
from photomesh_shared.packed_ids import unpack
from photomesh_shared.ranking.features import FEATURE_SCHEMA, unpack_features
from tests.support.clock import FakeClock
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.unit.feed.ranking.candidates import NO_TASTE, candidate


def served(viewer: int = 1, posts: int = 3, *, first: int = 10, coin: Coin | None = None) -> Served:
    candidates = [candidate(first + n, 7, likes=n) for n in range(posts)]
    rows = features(candidates, NO_TASTE)
    made = {one.post_id: (one.author_id, row) for one, row in zip(candidates, rows, strict=True)}
    return Served(viewer, "Zk3vQ0m1", "weights", [*made][::-1], made, 5, coin)


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("photomesh_feed_served_dropped_total", {"reason": reason}) or 0.0


async def test_a_record_has_what_a_model_saw(clock: FakeClock) -> None:
    broker = MemoryBroker()
    log = ServedLog(MemoryPublisher(broker), clock)
    log.record(served(coin=Coin(1, swapped=True)))
    await log.publish_next()
    (envelope,) = broker.events("served")
    event = envelope.data
    assert isinstance(event, FeedServed)
    assert list(unpack(event.post_ids)) == [12, 11, 10]
    assert list(unpack(event.author_ids)) == [7, 7, 7]
    assert (event.feature_schema, event.model, event.known_impressions) == (FEATURE_SCHEMA, "weights", 5)
    assert (event.swap_position, event.swapped) == (1, True)
    likes = [row[5] for row in unpack_features(event.features)]
    assert likes == pytest.approx([1.0986, 0.6931, 0], abs=0.001)


async def test_suggested_posts_are_apart_with_their_positions(clock: FakeClock) -> None:
    broker = MemoryBroker()
    log = ServedLog(MemoryPublisher(broker), clock)
    ranked = served(posts=40, coin=Coin(10, swapped=True))
    order = list(ranked.order)
    order[9:9], order[19:19] = [7_001], [7_002]
    log.record(ranked._replace(order=order))
    await log.publish_next()
    (envelope,) = broker.events("served")
    event = envelope.data
    assert isinstance(event, FeedServed)
    assert list(unpack(event.post_ids)) == list(ranked.order)
    assert len(unpack_features(event.features)) == len(unpack(event.author_ids)) == 40
    assert (list(unpack(event.suggested_ids)), event.suggested_positions) == ([7_001, 7_002], (9, 19))
    assert event.swap_position == 9, "in post_ids, which lack the suggested post before it"


async def test_the_longest_record_fits_the_topic(clock: FakeClock) -> None:
    broker = MemoryBroker()
    log = ServedLog(MemoryPublisher(broker), clock)
    log.record(served(MAX_ID, 200, first=MAX_ID - 200, coin=Coin(150, swapped=True)))
    await log.publish_next()
    (envelope,) = broker.events("served")
    assert isinstance(envelope.data, FeedServed)
    assert len(unpack(envelope.data.post_ids)) == 60
    assert envelope.data.swap_position is None
    assert encode(envelope).size < TOPICS["served"].max_record_bytes / 2


async def test_an_account_that_ranks_again_and_again_is_recorded_once_in_ten_seconds(clock: FakeClock) -> None:
    broker = MemoryBroker()
    log = ServedLog(MemoryPublisher(broker), clock)
    before = dropped("repeated")
    for _ in range(20):
        log.record(served())
        log.record(served(2))
        await clock.advance(1)
    await log.publish_next()
    assert len(broker.events("served")) == 4
    assert dropped("repeated") - before == 36


async def test_a_full_queue_drops_and_does_not_wait(clock: FakeClock) -> None:
    log = ServedLog(MemoryPublisher(MemoryBroker()), clock)
    before = dropped("queue")
    for viewer in range(1_010):
        log.record(served(viewer))
    assert dropped("queue") - before == 10


async def test_records_are_dropped_while_kafka_does_not_respond(clock: FakeClock) -> None:
    broker = MemoryBroker()
    broker.down = True
    log = ServedLog(MemoryPublisher(broker), clock)
    before = dropped("kafka")
    log.record(served())
    with suppress(TimeoutError):
        await log.publish_next()
    broker.down = False
    log.record(served(2))
    await log.publish_next()
    assert dropped("kafka") - before == 1
    assert [event.data.partition_key() for event in broker.events("served")] == [served_key(2)]


def served_key(viewer: int) -> str:
    return FeedServed.example().model_copy(update={"account_id": viewer}).partition_key()
