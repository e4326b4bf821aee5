"""``python -m photomesh_social_graph.republish``"""

from __future__ import annotations

import asyncio
import sys

from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.republish.states import Republished, republish
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.store import PostgresGraph

__all__ = ["main"]


async def _run(settings: ConsumerSettings) -> Republished:
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        return await republish(PostgresGraph(pool), read_topic(settings, "follows"), SystemClock())


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
