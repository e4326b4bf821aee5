"""Make the read models from zero, from the topics, and compare them with the tables row by row::

    python -m photomesh_post.rebuild --check
    python -m photomesh_post.rebuild --fill       # only tables by account and by post, from the other tables

`--check` reads the topics from the earliest record, without a consumer group, into memory; writes nothing. Run it while
nothing changes, or again: what differs because it has just changed differs once only. Exits with 1 if a row differs,
with 2 if topics or tables could not be read. Counts are compared by `photomesh_post.reconcile`.

`--fill` lists by account or by post what was stored before it was listed so (likes, comments, photos, saves): run it
once after the migration `0010_by_account`. Idempotent; everything may go on meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from photomesh_post.rebuilding.comparison import Difference, compare
from photomesh_post.rebuilding.lists import fill_lists
from photomesh_post.rebuilding.replay import TOPICS_OF_POST, Replay
from photomesh_post.settings import EngagementSettings
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.stores.cassandra import CassandraSession, open_session

__all__ = ["check", "fill", "main"]

_SHOWN = 20


class _Tables:
    """Implements `comparison.TableReader`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def rows(self, table: str) -> AsyncIterator[Mapping[str, Any]]:
        async for row in self._session.rows(f"SELECT * FROM {table}"):  # noqa: S608 - a name of our own
            yield row


async def check(settings: EngagementSettings, since: datetime | None = None) -> tuple[int, list[Difference]]:
    """Return the number of rows rebuilt from the events (since then), and the differences. Raises Unavailable."""
    replay = Replay(SystemClock())
    for topic in TOPICS_OF_POST:
        async for received in read_topic(settings, topic, since=since):
            await replay.take(received.record)
    replay.finish()
    async with open_session(settings) as session:
        return await compare(replay.tables, _Tables(session), since=since)


async def fill(settings: EngagementSettings) -> int:
    """Return how many rows were written. Raises DatabaseUnavailable."""
    async with open_session(settings) as session:
        return await fill_lists(session)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_post.rebuild", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="compare, and write nothing")
    mode.add_argument("--fill", action="store_true", help="write the tables by account and by post")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.fill:
            print(f"{asyncio.run(fill(EngagementSettings()))} rows written")
            return 0
        compared, found = asyncio.run(check(EngagementSettings()))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 2
    for difference in found[:_SHOWN]:
        print(difference)
    print(f"{compared} rows rebuilt, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
