"""Keeps a copy of all published posts in SQLite, from the topic `posts` (see ../README.md)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import ssl
import sys
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

TOPIC = "posts"
SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
TYPES = {f"photomesh.post.{name}.v1" for name in ("created", "published", "failed", "edited", "deleted")}
STATUS = {"created": "processing", "published": "published", "failed": "failed", "deleted": "deleted"}


def validator(type_: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{type_}.consumer.json").read_text())
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


VALIDATORS = {type_: validator(type_) for type_ in TYPES}


class Posts:
    """The state. A deleted post keeps its version, so that an older event cannot bring it back."""

    def __init__(self, file: str) -> None:
        self._db = sqlite3.connect(file)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS posts"
            " (id TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT, author_id TEXT, caption TEXT)"
        )

    def forget(self) -> None:
        self._db.execute("DELETE FROM posts")
        self._db.commit()

    def apply(self, event: BaseCloudEvent) -> None:
        """Apply an event, unless the post has this version or a higher one."""
        data: dict[str, Any] = event.get_data()  # type: ignore[assignment] # JSON objects, as the schema says
        name = event.get_type().split(".")[2]
        deleted = name == "deleted"
        self._db.execute(
            "INSERT INTO posts (id, version, status, author_id, caption)"
            " VALUES (:id, :version, :status, :author, :text)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, status = coalesce(excluded.status, status),"
            " author_id = excluded.author_id, caption = CASE WHEN :deleted THEN NULL"
            " ELSE coalesce(excluded.caption, caption) END WHERE excluded.version > version",
            {
                "id": data["post_id"],
                "version": int(event.get_extension("entityversion")),
                "status": STATUS.get(name) or ("published" if data.get("published_at") else None),
                "author": data["author_id"],
                "text": None if deleted else data.get("caption"),
                "deleted": deleted,
            },
        )

    def end(self, key: str, version: int) -> None:
        """Apply a tombstone: the thing of the key has ended."""
        self._db.execute(
            "UPDATE posts SET status = 'deleted', caption = NULL, version = ? WHERE id = ? AND version <= ?",
            (version, key, version),
        )

    def commit(self) -> None:
        self._db.commit()

    def published(self) -> list[dict[str, Any]]:
        rows = self._db.execute("SELECT id, author_id, caption FROM posts WHERE status = 'published' ORDER BY id")
        return [dict(zip(("id", "author_id", "caption"), row, strict=True)) for row in rows]


def handle(posts: Posts, record: ConsumerRecord) -> None:
    headers = dict(record.headers)
    if record.value is None:
        posts.end(record.key.decode(), int(headers["ce_entityversion"]))
        return
    event = from_binary(KafkaMessage(headers, record.key, record.value), JSONFormat())
    if event.get_type() not in TYPES:
        return  # a type that is newer than this program
    VALIDATORS[event.get_type()].validate(event.get_data())  # stops here, rather than store what it does not understand
    posts.apply(event)


async def subscribe(options: argparse.Namespace) -> None:
    posts = Posts(options.state)
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=options.bootstrap,
        security_protocol=options.protocol,
        ssl_context=ssl.create_default_context() if options.protocol == "SASL_SSL" else None,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=options.user,
        sasl_plain_password=os.environ["KAFKA_PASSWORD"],
        group_id=options.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        partitions: list[TopicPartition] = list(consumer.assignment())
        if options.rebuild:
            posts.forget()
            await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while True:
            for records in (await consumer.getmany(timeout_ms=500, max_records=1000)).values():
                for record in records:
                    handle(posts, record)
            posts.commit()
            await consumer.commit()  # after the state: a crash in between repeats records
            if options.until_end and all([await consumer.position(tp) >= ends[tp] for tp in partitions]):
                break
    if options.print:
        for post in posts.published():
            print(json.dumps(post, ensure_ascii=False))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:18092"))
    parser.add_argument("--user", default="example", help="the Kafka user; its password is in KAFKA_PASSWORD")
    parser.add_argument("--protocol", choices=["SASL_PLAINTEXT", "SASL_SSL"], default="SASL_PLAINTEXT")
    parser.add_argument("--group", default="example-python", help="begins with the user's name and a hyphen")
    parser.add_argument("--state", required=True, metavar="FILE", help="an SQLite file")
    parser.add_argument("--rebuild", action="store_true", help="empty the state and begin at the earliest record")
    parser.add_argument("--until-end", action="store_true", help="stop at what is now the end of the topic")
    parser.add_argument("--print", action="store_true", help="print the published posts at the end")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(subscribe(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
