"""Provision shared topics and buckets; idempotent::

    python -m photomesh_shared.provision topics     # Kafka topics of the catalogue
    python -m photomesh_shared.provision buckets    # buckets, CORS and lifecycle rules
    python -m photomesh_shared.provision settle     # records to their keys and partitions, then compaction

Each service migrates its own tables (`python -m photomesh_<service>.migrate`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from pydantic import Field

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS
from photomesh_shared.kafka.admin import apply_topics, topic_specs
from photomesh_shared.kafka.settling import settle
from photomesh_shared.settings import KafkaSettings, StorageSettings
from photomesh_shared.stores.object_storage import open_storage

__all__ = ["main"]


class BucketSettings(StorageSettings):
    cors_origins: list[str] = Field(default=["*"], description="Origins whose pages may upload directly to storage.")


async def topics() -> list[str]:
    settings = KafkaSettings()
    specs = topic_specs(TOPICS.values(), settings.kafka_replication, settings.kafka_partitions)
    return await apply_topics(settings.kafka_bootstrap, specs)


async def settled() -> list[str]:
    """Settles the compacted topics; those that are not compacted yet are from then on."""
    settings = KafkaSettings()
    done = []
    for topic in (topic for topic in TOPICS.values() if topic.is_compacted):
        moved, removed = await settle(settings.kafka_bootstrap, topic.name)
        if removed:
            done.append(f"{topic.name}: {moved} states moved, {removed} keys removed")
    specs = topic_specs(TOPICS.values(), settings.kafka_replication, settings.kafka_partitions)
    return done + await apply_topics(settings.kafka_bootstrap, specs, settled=True)


async def buckets() -> list[str]:
    settings = BucketSettings()
    async with open_storage(settings) as storage:
        await storage.provision(
            raw_bucket=settings.raw_bucket,
            variants_bucket=settings.variants_bucket,
            allowed_origins=settings.cors_origins,
        )
    return [f"{settings.raw_bucket} and {settings.variants_bucket} exist, with CORS and lifecycle rules"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="photomesh_shared.provision", description=__doc__)
    commands = {"topics": topics, "buckets": buckets, "settle": settled}
    parser.add_argument("what", choices=commands)
    what = parser.parse_args().what
    try:
        done = asyncio.run(commands[what]())
    except Unavailable as error:
        print(f"{what}: {error}", file=sys.stderr)
        return 1
    print("\n".join(done) or f"{what}: nothing to do")
    return 0


if __name__ == "__main__":
    sys.exit(main())
