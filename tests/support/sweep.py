"""Searches everything that the local stack stores for words: databases as they are on disk, topics, buckets, logs.

`Sweep.find` returns where each word is. It looks at copies that the servers write for the purpose: `pg_dump` of each
database, Cassandra's files after a flush and a compaction, Redis's files after they were rewritten, all records of all
topics, all objects, all logs. `Sweep.compact_topics` has Kafka compact first, which otherwise happens within weeks.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from aiokafka import TopicPartition
from redis.asyncio import Redis

from photomesh_local import Stack
from photomesh_local.servers.base import class_path, java17
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS, Record, dead_letter_topic
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.limits import MAX_UPLOAD_BYTES
from tests.support.compaction import compact
from tests.support.kafka import Topics, kafka_user
from tests.support.objects import open_all_objects
from tests.support.waiting import eventually

__all__ = ["Hit", "Sweep"]

_RANDOM_END = 12
_BUCKETS = ("raw", "variants", "exports")
_JAVA_OPTIONS = [
    "=".join(option.split())
    for option in Path("deploy/local/config/cassandra.args").read_text().splitlines()
    if option.startswith("--add-")
]
"""What Cassandra's classes need to be let into."""
_NOT_OURS = re.compile(r"/(commitlog|cdc_raw|hints|saved_caches)/")
"""Cassandra's files that are segments of a log: they are reused, within minutes under load."""


@dataclass(frozen=True, order=True)
class Hit:
    where: str
    """Such as ``postgresql identity accounts``, ``cassandra posts``, ``redis``, ``topic posts``, ``bucket raw``"""
    word: str
    excerpt: str = field(compare=False)


class Sweep:
    def __init__(self, ports: Mapping[str, int], dsns: Mapping[str, str], redis_url: str) -> None:
        """`dsns` by database."""
        self._ports = ports
        self._dsns = dsns
        self._redis_url = redis_url
        self._kafka = kafka_user()
        self._stack = Stack("test")

    async def find(self, words: Collection[str]) -> list[Hit]:
        found: list[Hit] = []
        for part in (self._postgres, self._cassandra, self._redis, self._topics, self._objects, self._logs):
            found += await part(words)
        return sorted(found)

    async def _postgres(self, words: Collection[str]) -> list[Hit]:
        hits = []
        for name, dsn in self._dsns.items():
            url = urlsplit(dsn)
            dump = await asyncio.to_thread(
                subprocess.run,
                ["pg_dump", "--data-only", "--inserts", dsn],
                check=True,
                capture_output=True,
                env={**os.environ, "PGPASSWORD": url.password or ""},
            )
            for line in dump.stdout.splitlines():
                table = line.split(b" ", 3)[2].decode() if line.startswith(b"INSERT INTO") else ""
                hits += _hits(f"postgresql {name} {table.removeprefix('public.')}".strip(), line, words)
        return hits

    async def _cassandra(self, words: Collection[str]) -> list[Hit]:
        # A compaction drops what was overwritten or deleted, though not the marks of deletions.
        await asyncio.to_thread(self._nodetool, "flush")
        await asyncio.to_thread(self._nodetool, "compact", "post")
        await asyncio.to_thread(self._nodetool, "garbagecollect", "post")
        # Tables are compressed: what a word has in common with others may be a reference, its random end is not.
        by_end = {word[-_RANDOM_END:]: word for word in words}
        hits = []
        for file in (self._stack.data / "cassandra").rglob("*"):
            if file.is_file() and file.suffix == ".db" and not _NOT_OURS.search(str(file)):
                table = file.parent.name.partition("-")[0]
                try:
                    content = file.read_bytes()
                except FileNotFoundError:  # an obsolete one, removed meanwhile
                    continue
                hits += [replace(hit, word=by_end[hit.word]) for hit in _hits(f"cassandra {table}", content, by_end)]
        return hits

    def _nodetool(self, *arguments: str) -> None:
        subprocess.run(
            [
                java17(),
                *_JAVA_OPTIONS,
                "-Xmx128m",
                f"-Duser.home={self._stack.directory}",  # it keeps a history there
                "-Dlogback.configurationFile=none",
                "-cp",
                class_path("cassandra"),
                "org.apache.cassandra.tools.NodeTool",
                "-p",
                str(self._ports["CASSANDRA_JMX"]),
                *arguments,
            ],
            check=True,
            capture_output=True,
        )

    async def _redis(self, words: Collection[str]) -> list[Hit]:
        """The append-only file, rewritten: of all databases, what is there now and nothing that was before."""
        async with Redis.from_url(self._redis_url) as redis:
            await redis.config_set("rdbcompression", "no")  # a compressed word would not be found
            try:
                await redis.bgrewriteaof()
                await eventually(lambda: _is_rewritten(redis), within=30)
            finally:
                await redis.config_set("rdbcompression", "yes")
        return [
            hit
            for file in sorted((self._stack.data / "redis").rglob("*"))
            if file.is_file()
            for hit in _hits("redis", file.read_bytes(), words)
        ]

    async def compact_topics(self, words: Collection[str]) -> None:
        """Compact the partitions of compacted topics that hold one of the words, if anything removes them at all."""
        partitions = {
            TopicPartition(*received.partition)
            for topic in TOPICS.values()
            if topic.is_compacted
            async for received in read_topic(self._kafka, topic.name)
            if _hits("", _text(received.record), words)
        }
        await compact(self._kafka, self._stack.data / "kafka", partitions)

    async def _topics(self, words: Collection[str]) -> list[Hit]:
        topics = Topics(self._kafka)
        hits = []
        for topic in TOPICS.values():
            for name in (topic.name, *(dead_letter_topic(topic.name, group) for group in topic.consumers)):
                for record in await topics.records(name):
                    hits += _hits(f"topic {name}", _text(record), words)
        return hits

    async def _objects(self, words: Collection[str]) -> list[Hit]:
        hits = []
        async with open_all_objects() as storage:
            for bucket in _BUCKETS:
                try:
                    keys = await storage.list_keys(bucket, "")
                except Unavailable:  # there is no such bucket
                    continue
                for key in keys:
                    hits += _hits(f"bucket {bucket}", key.encode(), words)
                    content = await storage.get(bucket, key, max_bytes=MAX_UPLOAD_BYTES * 50)
                    hits += _hits(f"bucket {bucket}", bytes(content), words)
        return hits

    async def _logs(self, words: Collection[str]) -> list[Hit]:
        hits = []
        for file in self._stack.logs.glob("*.log*"):
            for line in await asyncio.to_thread(_lines, file):
                hits += _hits(f"log {file.name.partition('.')[0]}", line, words)
        return hits


def _lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()


def _hits(where: str, content: bytes, words: Collection[str]) -> list[Hit]:
    hits = []
    for word in words:
        # As it is, as JSON escapes it, and as a dump shows bytes.
        for form in {word.encode(), json.dumps(word)[1:-1].encode(), word.encode().hex().encode()}:
            at = content.find(form)
            if at >= 0:
                hits.append(Hit(where, word, repr(content[max(at - 60, 0) : at + 60])))
                break
    return hits


def _text(record: Record) -> bytes:
    return b" ".join([record.key or b"", record.value or b"", *(value for _, value in record.headers)])


async def _is_rewritten(redis: Redis) -> bool:
    info = await redis.info("persistence")
    return not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]
