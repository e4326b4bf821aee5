"""``python -m photomesh_social_graph.republish``"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime

import photomesh_social_graph.republish
from photomesh_shared.clock import SystemClock
from photomesh_shared.consumer.erasure import requested_erasures
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.close_friends.store import PostgresCloseFriends
from photomesh_social_graph.event_handlers import AccountEraser
from photomesh_social_graph.republish import close_friends
from photomesh_social_graph.republish.comparison import Difference, compare
from photomesh_social_graph.republish.states import Republished, republish
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.store import PostgresGraph

__all__ = ["check", "check_close_friends", "main"]

_SHOWN = 20


async def _run(settings: ConsumerSettings) -> Republished:
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        store, clock = PostgresGraph(pool), SystemClock()
        friends = PostgresCloseFriends(pool)
        async for request in requested_erasures(settings):
            await AccountEraser(store, friends, clock).erase(request)
        relations = await republish(store, read_topic(settings, "follows"), clock)
        stated, ended = await close_friends.republish(friends, read_topic(settings, "close_friends"), clock)
        return Republished(relations.stated + stated, relations.ended + ended)


async def check(settings: ConsumerSettings, since: datetime | None = None) -> tuple[int, list[Difference]]:
    """Compares the topic with the database. Returns as `compare`. Raises Unavailable."""
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        return await compare(PostgresGraph(pool), read_topic(settings, "follows", since=since), since=since)


async def check_close_friends(settings: ConsumerSettings) -> list[str]:
    """Compares the topic `close_friends` with the database; returns what differs. Raises Unavailable."""
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        stored, published = await close_friends.differences(
            PostgresCloseFriends(pool), read_topic(settings, "close_friends")
        )
    return [
        f"close friend {pair}: only in the {where}"
        for where, pairs in (("database", stored), ("topic", published))
        for pair in sorted(pairs)
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_social_graph.republish",
        description=photomesh_social_graph.republish.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.check:
            published, found = asyncio.run(check(ConsumerSettings()))
            others = asyncio.run(check_close_friends(ConsumerSettings()))
            return _report(published, [*map(str, found), *others])
        stated, ended = asyncio.run(_run(ConsumerSettings()))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 2 if chosen.check else 1
    print(f"{stated} relations are in the outbox, and the ends of {ended} that the database does not have")
    return 0


def _report(published: int, found: list[str]) -> int:
    for difference in found[:_SHOWN]:
        print(difference)
    print(f"{published} relations in the topic, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
