"""Topics read and checked by several processes, which share their partitions."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import TOPICS, Topic
from photomesh_shared.events.catalogue import COMPACTION_LAG
from photomesh_shared.kafka.reading import partition_counts, read_topic
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.verify_topics.checks import Summary, TopicChecker

__all__ = ["verify", "verify_topics"]

_MARGIN = timedelta(hours=1)  # records of the lag's edge may be compacted while they are read


@dataclass(frozen=True)
class _Part:
    """Some partitions of a topic, checked by one process: an owner's records are in one partition, so nothing that is
    compared is in another part."""

    settings: KafkaSettings
    topic: Topic
    partitions: int
    """Of the topic."""
    numbers: frozenset[int]
    lag_begins: datetime
    moved: bool
    since: datetime | None

    async def check(self) -> Summary:
        checker = TopicChecker(self.topic, self.partitions, lag_begins=self.lag_begins, moved=self.moved)
        async for received in read_topic(self.settings, self.topic.name, since=self.since, numbers=self.numbers):
            checker.check(received)
        return checker.summary()


async def verify(
    settings: KafkaSettings,
    names: Sequence[str],
    *,
    moved: bool = False,
    since: datetime | None = None,
    processes: int = 1,
) -> list[Summary]:
    """Check these topics of the catalogue. Parameters as of `verify_topics`. Raises Unavailable."""
    topics = [TOPICS[name] for name in names]
    return await verify_topics(settings, topics, moved=moved, since=since, processes=processes)


async def verify_topics(
    settings: KafkaSettings, topics: Sequence[Topic], *, moved: bool, since: datetime | None, processes: int
) -> list[Summary]:
    """Check the topics' records, or those written since then, in so many processes. Raises Unavailable."""
    lag_begins = SystemClock().now() - COMPACTION_LAG + _MARGIN
    counts = await partition_counts(settings, [topic.name for topic in topics])
    parts = [
        _Part(settings, topic, counts[topic.name], frozenset(numbers), lag_begins, moved, since)
        for topic in topics
        for share in range(processes)
        if (numbers := range(share, counts[topic.name], processes))
    ]
    summaries = {topic.name: Summary(topic.name) for topic in topics}
    for part, found in zip(parts, await _check_all(parts, processes), strict=True):
        summaries[part.topic.name].add(found)
    return list(summaries.values())


async def _check_all(parts: Sequence[_Part], processes: int) -> list[Summary]:
    if processes == 1:
        return [await part.check() for part in parts]
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, _check_part, part) for part in parts))


def _check_part(part: _Part) -> Summary:
    return asyncio.run(part.check())
