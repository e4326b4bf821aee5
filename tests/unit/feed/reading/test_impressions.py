from __future__ import annotations

from datetime import timedelta

import pytest

from photomesh_feed.reading.impressions import Impression, ImpressionLog
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import ImpressionRecorded
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
    assert isinstance(envelope.data, ImpressionRecorded)
    assert envelope.data.seen_at == clock.now() + recorded
    assert (envelope.data.account_id, envelope.data.post_id, envelope.data.mode) == (1, 5, "ranked")


async def test_every_impression_is_an_event(clock: FakeClock) -> None:
    broker = MemoryBroker()
    impressions = [Impression(post, position, "chronological", None) for position, post in enumerate((5, 6, 5))]
    await ImpressionLog(MemoryPublisher(broker), clock).record(1, impressions)
    assert len(broker.events("impressions")) == 3


async def test_unavailable_log(clock: FakeClock) -> None:
    broker = MemoryBroker()
    broker.down = True
    with pytest.raises(EventLogUnavailable):
        await ImpressionLog(MemoryPublisher(broker), clock).record(1, [Impression(5, 0, "ranked", None)])
