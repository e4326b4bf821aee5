"""Provision shared topics and buckets; idempotent::

    python -m photomesh_shared.provision topics     # Kafka topics of the catalogue
    python -m photomesh_shared.provision buckets    # buckets, CORS and lifecycle rules
    python -m photomesh_shared.provision settle     # records to their keys and partitions, then compaction
    python -m photomesh_shared.provision roles      # Cassandra's roles and keyspaces
    python -m photomesh_shared.provision users      # Kafka's users, their rights and quotas, where no operator does it

Each service migrates its own tables (`python -m photomesh_<service>.migrate`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tomllib
from pathlib import Path

from pydantic import Field, SecretStr, TypeAdapter

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS
from photomesh_shared.kafka.admin.settling import settle
from photomesh_shared.kafka.admin.topics import apply_topics, topic_specs
from photomesh_shared.kafka.admin.users import User, apply_users
from photomesh_shared.settings import KafkaSettings, StorageSettings
from photomesh_shared.stores.buckets import provision_buckets
from photomesh_shared.stores.cassandra_roles import CassandraRolesSettings, apply_roles
from photomesh_shared.stores.object_storage import open_storage

__all__ = ["main"]


class BucketSettings(StorageSettings):
    exports_bucket: str = Field("exports", description="The bucket of exports of accounts.")
    cors_origins: list[str] = Field(default=["*"], description="Origins whose pages may upload directly to storage.")


class KafkaUsersSettings(KafkaSettings):
    """The client is an administrator."""

    kafka_users_file: Path = Field(
        Path("deploy/kafka-users.toml"), description="The users, as `make programs` writes them."
    )
    kafka_passwords: dict[str, SecretStr] = Field(description="The password of each user, as JSON.")


async def topics() -> list[str]:
    settings = KafkaSettings()
    specs = topic_specs(TOPICS.values(), settings.kafka_replication, settings.kafka_partitions)
    return await apply_topics(settings, specs)


async def settled() -> list[str]:
    """Settles the compacted topics; those that are not compacted yet are from then on."""
    settings = KafkaSettings()
    done = []
    for topic in (topic for topic in TOPICS.values() if topic.is_compacted):
        moved, removed = await settle(settings, topic.name)
        if removed:
            done.append(f"{topic.name}: {moved} states moved, {removed} keys removed")
    specs = topic_specs(TOPICS.values(), settings.kafka_replication, settings.kafka_partitions)
    return done + await apply_topics(settings, specs, settled=True)


async def users() -> list[str]:
    settings = KafkaUsersSettings()
    document = tomllib.loads(settings.kafka_users_file.read_text())
    declared = TypeAdapter(dict[str, User]).validate_python(document)
    passwords = {name: password.get_secret_value() for name, password in settings.kafka_passwords.items()}
    return await apply_users(settings, {name: declared[name] for name in passwords}, passwords)


async def roles() -> list[str]:
    return await apply_roles(CassandraRolesSettings())


async def buckets() -> list[str]:
    settings = BucketSettings()
    async with open_storage(settings) as storage:
        await provision_buckets(
            storage,
            raw_bucket=settings.raw_bucket,
            variants_bucket=settings.variants_bucket,
            exports_bucket=settings.exports_bucket,
            allowed_origins=settings.cors_origins,
        )
    names = f"{settings.raw_bucket}, {settings.variants_bucket} and {settings.exports_bucket}"
    return [f"{names} exist, with CORS and lifecycle rules"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="photomesh_shared.provision", description=__doc__)
    commands = {"topics": topics, "buckets": buckets, "settle": settled, "users": users, "roles": roles}
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
