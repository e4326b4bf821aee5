"""Make the read models from zero, from the topics, and compare them with what Redis holds, key by key::

    python -m photomesh_feed.rebuild --check [--parts 8]

Reads all keys of Redis, and then the topics from the earliest record, without a consumer group; writes nothing. What
Redis does not hold is no difference: feeds of people who read none lately, and all that was lost, are loaded when they
are needed. Run it while nothing changes, or again: what differs because it has just changed differs once only. Exits
with 1 if a key differs, with 2 if topics or Redis could not be read.

Memory: about as much as the keys take in Redis, and an id for each post of the authors whom readers follow. `--parts`
divides both, and reads the topics so many times.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime

from photomesh_feed.rebuilding.comparison import Difference, compare
from photomesh_feed.rebuilding.replay import TOPICS_OF_FEED, Replay
from photomesh_feed.settings import ConsumerSettings
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.holdings import FeedHoldings
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.reading import read_topic

__all__ = ["check", "main"]

_SHOWN = 20


async def check(
    settings: ConsumerSettings, since: datetime | None = None, *, parts: int = 1
) -> tuple[int, list[Difference]]:
    """Return the number of keys compared (of what was created since then), and the differences. Raises Unavailable."""
    compared, found = 0, list[Difference]()
    async with open_redis(settings.feed_redis_url.get_secret_value()) as redis:
        for part in range(parts):
            held = await FeedHoldings(redis).read(part, parts)
            replay = Replay(held, settings.cdn_url)
            for topic in TOPICS_OF_FEED:
                async for received in read_topic(settings, topic, since=since):
                    replay.take(received.record)
            keys, differences = compare(held, replay, since=since)
            compared += keys
            found += differences
    return compared, found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_feed.rebuild", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", required=True, help="compare, and write nothing")
    parser.add_argument("--parts", type=int, default=1, help="read the topics so often, for a part of the keys each")
    chosen = parser.parse_args(arguments)
    try:
        compared, found = asyncio.run(check(ConsumerSettings(), parts=chosen.parts))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 2
    for difference in found[:_SHOWN]:
        print(difference)
    print(f"{compared} keys compared, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
