"""An outbox relay as a process of its own, for tests that kill it: ``python -m tests.support.relay DSN``.

PHOTOMESH_KAFKA_* are in its environment.
"""

from __future__ import annotations

import asyncio
import sys

from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.stores.outbox import OutboxRelay
from photomesh_shared.stores.postgres import open_pool


async def main(dsn: str) -> None:
    async with open_pool(dsn) as pool, open_publisher(KafkaSettings(), "relay-under-test") as publisher:
        await OutboxRelay(pool, publisher).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
