"""List the dead letters of a consumer group, and replay them once their cause is fixed::

    python -m photomesh_shared.dead_letters photo_ready post            # one JSON line each
    python -m photomesh_post.consumer --replay photo_ready              # handled by this group, each once

A replay calls the group's own handlers. It does not send the records to their topic again: other groups have handled
them already, and in a compacted topic an old record would replace the latest of its key.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Collection

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS, Record, dead_letter_topic
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.dead_letter import origin, restore
from photomesh_shared.kafka.handling import Handling
from photomesh_shared.kafka.runner import Flush
from photomesh_shared.kafka.source import Partition, Received, Source
from photomesh_shared.settings import KafkaSettings

__all__ = ["main", "replay", "waiting"]

_POLL_RECORDS = 100
_POLL_SECONDS = 1.0


class _Owner:
    """Tracks the assigned partitions: all, unless another replay runs concurrently."""

    def __init__(self) -> None:
        self.partitions: set[Partition] = set()

    async def assigned(self, partitions: Collection[Partition]) -> None:
        self.partitions |= set(partitions)

    async def revoked(self, partitions: Collection[Partition]) -> None:
        self.partitions -= set(partitions)


async def waiting(settings: KafkaSettings, topic: str, group: str) -> list[Received]:
    """Return the dead letters that have not been replayed. Raises Unavailable."""
    owner = _Owner()
    source = _source(settings, topic, group, owner)
    try:
        await source.start()
        return [letter async for letter in _remaining(source, owner)]
    finally:
        await source.stop()


async def replay(
    settings: KafkaSettings, topic: str, group: str, handling: Handling, flush: Flush | None = None
) -> int:
    """Handle the pending dead letters, at least once. Returns how many. Raises Unavailable.

    A record that fails again is a new dead letter, for the next replay.
    """
    owner = _Owner()
    source = _source(settings, topic, group, owner)
    never = asyncio.Event()
    count = 0
    try:
        await source.start()
        async for letter in _remaining(source, owner):
            await handling.handle([letter._replace(partition=origin(letter), record=restore(letter.record))], never)
            if flush:
                await flush()
            await source.commit({letter.partition: letter.offset + 1})
            count += 1
    finally:
        await source.stop()
    return count


def _source(settings: KafkaSettings, topic: str, group: str, owner: _Owner) -> Source:
    return kafka_source(settings)(f"{group}.replay", [dead_letter_topic(topic, group)], owner)


async def _remaining(source: Source, owner: _Owner) -> AsyncIterator[Received]:
    """Yield the topic's present records that the group has not committed."""
    left = dict(await source.start_offsets(owner.partitions))
    ends = await source.end_offsets(owner.partitions)
    while behind := [partition for partition, offset in left.items() if offset < ends[partition]]:
        for partition, letters in (await source.poll(behind, _POLL_RECORDS, _POLL_SECONDS)).items():
            for letter in letters:
                yield letter
            left[partition] = letters[-1].offset + 1


def _line(letter: Record) -> str:
    headers = {name: value.decode(errors="replace") for name, value in letter.headers}
    key, value = ((part or b"").decode(errors="replace") for part in (letter.key, letter.value))
    return json.dumps({"key": key, "headers": headers, "value": value}, ensure_ascii=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="photomesh_shared.dead_letters", description=__doc__)
    parser.add_argument("topic", choices=sorted(TOPICS))
    parser.add_argument("group")
    chosen = parser.parse_args(arguments)
    if chosen.group not in TOPICS[chosen.topic].consumers:
        parser.error(
            f"{chosen.topic} has no consumer {chosen.group}; it has {', '.join(TOPICS[chosen.topic].consumers)}"
        )
    try:
        for letter in asyncio.run(waiting(KafkaSettings(), chosen.topic, chosen.group)):
            print(_line(letter.record))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
