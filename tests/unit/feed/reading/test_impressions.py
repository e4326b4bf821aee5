from __future__ import annotations

from datetime import timedelta

import pytest

from photomesh_feed.errors import FeedsUnavailable
from photomesh_feed.reading.impressions import Impression, ImpressionLog
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import TOPICS, ImpressionsRecorded, encode
from photomesh_shared.ids import MAX_ID
from tests.support.clock import FakeClock
from tests.support.memory_broker import MemoryBroker, MemoryPublisher


class Counter:
    """Implements `reading.impressions.ImpressionCounter`."""

    def __init__(self) -> None:
        self.counts: list[tuple[int, int]] = []
        self.down = False

    async def add_impressions(self, account_id: int, count: int) -> None:
        if self.down:
            raise FeedsUnavailable
        self.counts.append((account_id, count))


def log_of(broker: MemoryBroker, clock: FakeClock, counter: Counter | None = None) -> ImpressionLog:
    return ImpressionLog(MemoryPublisher(broker), counter or Counter(), clock)


@pytest.mark.parametrize(
    ("seen", "recorded"),
    [
        (None, timedelta()),
        (timedelta(hours=-3), timedelta(hours=-3)),
        (timedelta(days=-3), timedelta(days=-1)),
        (timedelta(hours=3), timedelta()),
    ],
)
async def test_time_is_clamped_to_the_last_day(seen: timedelta | None, recorded: timedelta, clock: FakeClock) -> None:
    broker = MemoryBroker()
    seen_at = None if seen is None else clock.now() + seen
    await log_of(broker, clock).record(1, [Impression(5, 0, "ranked", seen_at)])
    (envelope,) = broker.events("impressions")
    assert isinstance(envelope.data, ImpressionsRecorded)
    (impression,) = envelope.data.impressions
    assert impression.seen_at == clock.now() + recorded
    assert (envelope.data.account_id, impression.post_id, impression.mode) == (1, 5, "ranked")


async def test_a_report_is_one_record(clock: FakeClock) -> None:
    broker = MemoryBroker()
    impressions = [Impression(post, position, "chronological", None) for position, post in enumerate((5, 6, 5))]
    await log_of(broker, clock).record(1, impressions)
    (envelope,) = broker.events("impressions")
    assert isinstance(envelope.data, ImpressionsRecorded)
    assert [(one.post_id, one.position) for one in envelope.data.impressions] == [(5, 0), (6, 1), (5, 2)]


async def test_the_largest_report_fits_the_topic(clock: FakeClock) -> None:
    broker = MemoryBroker()
    seen_at = clock.now() - timedelta(microseconds=1)
    await log_of(broker, clock).record(
        MAX_ID, [Impression(MAX_ID, 100_000, "chronological", seen_at, "a" * 12, 600_000)] * 100
    )
    (envelope,) = broker.events("impressions")
    assert encode(envelope).size < TOPICS["impressions"].max_record_bytes / 2


async def test_unavailable_log(clock: FakeClock) -> None:
    broker = MemoryBroker()
    broker.down = True
    with pytest.raises(EventLogUnavailable):
        await log_of(broker, clock).record(1, [Impression(5, 0, "ranked", None)])


async def test_what_was_served_and_seen_is_named(clock: FakeClock) -> None:
    broker = MemoryBroker()
    await log_of(broker, clock).record(1, [Impression(5, 0, "ranked", None, "Zk3vQ0m1", 3200)])
    (envelope,) = broker.events("impressions")
    assert isinstance(envelope.data, ImpressionsRecorded)
    (impression,) = envelope.data.impressions
    assert (impression.request_id, impression.dwell_ms) == ("Zk3vQ0m1", 3200)


async def test_impressions_are_counted_and_nobody_waits_for_it(clock: FakeClock) -> None:
    broker, counter = MemoryBroker(), Counter()
    log = log_of(broker, clock, counter)
    await log.record(1, [Impression(5, 0, "ranked", None)] * 3)
    assert counter.counts == [(1, 3)]
    counter.down = True
    await log.record(1, [Impression(5, 0, "ranked", None)])
    assert len(broker.events("impressions")) == 2
