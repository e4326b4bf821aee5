from __future__ import annotations

from datetime import timedelta

import pytest

from photomesh_feed.reading.impressions import Impression, ImpressionLog
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import TOPICS, ImpressionsRecorded, encode
from photomesh_shared.ids import MAX_ID
from tests.support.clock import FakeClock
from tests.support.memory_broker import MemoryBroker, MemoryPublisher


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
    await ImpressionLog(MemoryPublisher(broker), clock).record(1, [Impression(5, 0, "ranked", seen_at)])
    (envelope,) = broker.events("impressions")
    assert isinstance(envelope.data, ImpressionsRecorded)
    (impression,) = envelope.data.impressions
    assert impression.seen_at == clock.now() + recorded
    assert (envelope.data.account_id, impression.post_id, impression.mode) == (1, 5, "ranked")


async def test_a_report_is_one_record(clock: FakeClock) -> None:
    broker = MemoryBroker()
    impressions = [Impression(post, position, "chronological", None) for position, post in enumerate((5, 6, 5))]
    await ImpressionLog(MemoryPublisher(broker), clock).record(1, impressions)
    (envelope,) = broker.events("impressions")
    assert isinstance(envelope.data, ImpressionsRecorded)
    assert [(one.post_id, one.position) for one in envelope.data.impressions] == [(5, 0), (6, 1), (5, 2)]


async def test_the_largest_report_fits_the_topic(clock: FakeClock) -> None:
    broker = MemoryBroker()
    seen_at = clock.now() - timedelta(microseconds=1)
    await ImpressionLog(MemoryPublisher(broker), clock).record(
        MAX_ID, [Impression(MAX_ID, 100_000, "chronological", seen_at)] * 100
    )
    (envelope,) = broker.events("impressions")
    assert encode(envelope).size < TOPICS["impressions"].max_record_bytes / 2


async def test_unavailable_log(clock: FakeClock) -> None:
    broker = MemoryBroker()
    broker.down = True
    with pytest.raises(EventLogUnavailable):
        await ImpressionLog(MemoryPublisher(broker), clock).record(1, [Impression(5, 0, "ranked", None)])
