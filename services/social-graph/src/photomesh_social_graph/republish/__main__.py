"""``python -m photomesh_social_graph.republish``"""

from __future__ import annotations

import asyncio
import sys

from photomesh_shared.clock import SystemClock
from photomesh_shared.consumer.erasure import requested_erasures
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.event_handlers import AccountEraser
from photomesh_social_graph.republish.states import Republished, republish
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.store import PostgresGraph

__all__ = ["main"]


async def _run(settings: ConsumerSettings) -> Republished:
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        store, clock = PostgresGraph(pool), SystemClock()
        async for request in requested_erasures(settings):
            await AccountEraser(store, clock).erase(request)
        return await republish(store, read_topic(settings, "follows"), clock)


def main() -> int:
    try:
        stated, ended = asyncio.run(_run(ConsumerSettings()))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    print(f"{stated} relations are in the outbox, and the ends of {ended} that the database does not have")
    return 0


if __name__ == "__main__":
    sys.exit(main())
