"""``python -m benchmarks.notifications``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

import photomesh_local as local
from benchmarks.kafka import kafka_user
from benchmarks.report import machine, write
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_notification.groups.domain import Kind, Subject
from photomesh_notification.groups.projection import Group, Member
from photomesh_notification.groups.store import CassandraGroups
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import CommentCreated, Envelope, PostLiked, encode
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import IdGenerator
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.settings import CassandraSettings
from photomesh_shared.stores.cassandra import open_session

_STACK = "test"
_COLLECTOR, _WRITER = "notification-collector", "notification-writer"
_AIM_WRITES, _AIM_CPU_US = 70, 60
_PARTS = 10  # of a second
_PATIENCE_SECONDS = 300.0
_NAIVE_AT_ONCE = 8


@dataclass(frozen=True)
class Measured:
    likes: int
    seconds: float
    writes: float
    cpu: dict[str, float]
    stranger_seconds: float
    """From a comment on somebody else's post, in the middle of the burst, until its author's group is there."""
    naive_likes: int
    naive_cpu: float


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.notifications", description=__doc__)
    parser.add_argument("--likes", type=int, default=50_000, help="each by another person (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="in which they come (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="5,000 likes in 6 seconds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.likes, arguments.seconds = 5_000, 6
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


async def _writes() -> float:
    """Writes of groups that the writer has counted."""
    url = f"http://127.0.0.1:{local.Stack(_STACK).ports['NOTIFICATION_WRITER']}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        families = text_string_to_metric_families(await response.text())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "photomesh_notification_group_writes_total"
    )


async def _until(store: CassandraGroups, account_id: int, group_id: str, actor_id: int) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while (group := await store.group(account_id, group_id)) is None or actor_id not in group.actors:
        if time.monotonic() > ends:
            raise SystemExit(f"{group_id} was not right in time")
        await asyncio.sleep(0.02)


async def _burst(publisher: KafkaPublisher, likes: Sequence[PostLiked], seconds: int) -> None:
    """Publishes likes at an even pace."""
    size, began = max(1, len(likes) // (seconds * _PARTS)), time.perf_counter()
    for number, start in enumerate(range(0, len(likes), size)):
        await asyncio.sleep(max(0.0, began + number / _PARTS - time.perf_counter()))
        at = datetime.now(UTC)
        await publisher.send(
            [
                encode(Envelope.of(like.model_copy(update={"liked_at": at}), entityversion=version_at(at), time=at))
                for like in likes[start : start + size]
            ]
        )


async def _stranger(publisher: KafkaPublisher, store: CassandraGroups, generator: IdGenerator, seconds: int) -> float:
    await asyncio.sleep(seconds / 2)
    author, post, actor, said = (generator.next() for _ in range(4))
    at, began = datetime.now(UTC), time.perf_counter()
    comment = CommentCreated(
        post_id=post,
        post_author_id=author,
        account_id=actor,
        comment_id=said,
        parent_id=None,
        parent_author_id=None,
        text="",
        mentions=(),
        created_at=at,
    )
    await publisher.send([encode(Envelope.of(comment, entityversion=version_at(at), time=at))])
    await _until(store, author, f"comment.{ids.encode('c', said)}", actor)
    return time.perf_counter() - began


async def _naive(store: CassandraGroups, author: int, post: int, fans: Sequence[int]) -> float:
    """A row and a change of the group with each like, by this process. Returns its processor time."""
    places, subject, now = asyncio.Semaphore(_NAIVE_AT_ONCE), Subject(Kind.LIKE, post_id=post), datetime.now(UTC)
    began, count = time.process_time(), 0

    async def like(fan: int) -> None:
        nonlocal count
        async with places:
            count += 1
            version = version_at(now) + count
            await store.save_members(author, "naive", [Member(fan, version, now, active=True)])
            await store.save_group(author, Group("naive", subject, now, now, count, actors=(fan,), version=version))

    await asyncio.gather(*(like(fan) for fan in fans))
    used = time.process_time() - began
    await store.forget_group(author, "naive")
    return used


async def _measure(arguments: argparse.Namespace) -> Measured:
    clock = SystemClock()
    generator = IdGenerator(15, os.getpid() % 1024, clock)
    author, post = generator.next(), generator.next()
    fans = [generator.next() for _ in range(arguments.likes)]
    moment = datetime.now(UTC)
    likes = [PostLiked(post_id=post, post_author_id=author, account_id=fan, liked_at=moment) for fan in fans]
    environment = local.environment(_STACK, _WRITER).items()
    values = {name.removeprefix("PHOTOMESH_").lower(): value for name, value in environment if "CASSANDRA" in name}
    cassandra = CassandraSettings.model_validate(values)
    async with open_session(cassandra) as session, open_publisher(kafka_user(), "benchmark") as publisher:
        store = CassandraGroups(session, clock)
        group_id = Subject(Kind.LIKE, post_id=post).group_id(fans[0], moment)
        _say(f"{len(likes):,} likes of one post in {arguments.seconds} s")
        writes, used, began = await _writes(), processor_seconds(_STACK), time.perf_counter()
        _, stranger = await asyncio.gather(
            _burst(publisher, likes, arguments.seconds), _stranger(publisher, store, generator, arguments.seconds)
        )
        await _until(store, author, group_id, fans[-1])
        seconds = time.perf_counter() - began
        cpu = used_since(used, processor_seconds(_STACK))
        written = await _writes() - writes - 1  # the stranger's
        _say("the naive writer")
        sample = fans[: min(len(fans), 5_000)]
        naive_cpu = await _naive(store, author, post, sample)
    ours = {program: cpu[program] for program in (_COLLECTOR, _WRITER)}
    return Measured(len(likes), seconds, written, ours, stranger, len(sample), naive_cpu)


def _report(measured: Measured, command: str, load_before: float) -> str:
    each = {program: seconds / measured.likes * 1e6 for program, seconds in measured.cpu.items()}
    ours, naive = sum(each.values()), measured.naive_cpu / measured.naive_likes * 1e6
    summary = {
        "likes": measured.likes,
        "seconds": round(measured.seconds, 1),
        "group_writes": measured.writes,
        "cpu_us_per_like": {program: round(value, 1) for program, value in each.items()},
        "naive_cpu_us_per_like": round(naive, 1),
        "stranger_seconds": round(measured.stranger_seconds, 2),
        "load_before": load_before,
    }
    lines = [
        "# Notifications of a burst of likes",
        "",
        f"`{command}` on {machine()}, load {load_before:.1f} before. {measured.likes:,} likes of one post, right after"
        f" {measured.seconds:.1f} s.",
        "",
        "| | writes of groups | writes of rows a like | CPU µs a like |",
        "| --- | --- | --- | --- |",
        f"| ours | {measured.writes:,.0f} (aim: {_AIM_WRITES} in a minute) | {measured.writes / measured.likes:.4f} |"
        f" {ours:,.0f} (aim: {_AIM_CPU_US}): "
        + ", ".join(f"{name} {value:,.0f}" for name, value in each.items())
        + " |",
        f"| naive: a row and the group with each like | {measured.likes:,} | 2 | {naive:,.0f}, reading the topic not"
        " included |",
        "",
        f"A comment on somebody else's post, in the middle of it, was in its author's notifications after"
        f" {measured.stranger_seconds:.1f} s (aim: 2).",
    ]
    return write("notifications", lines, summary)


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {_STACK} stack")
    local.up(_STACK)
    load_before = os.getloadavg()[0]
    measured = asyncio.run(_measure(arguments))
    print(_report(measured, "make bench-notifications" + (' ARGS="--quick"' if arguments.quick else ""), load_before))


if __name__ == "__main__":
    main()
