"""Many likes of one post, and one comment elsewhere meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.notifications.stage import STACK, Stage, like, say
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_notification.groups.domain import Kind, Subject
from photomesh_notification.groups.projection import Group, Member
from photomesh_shared import ids
from photomesh_shared.events import CommentCreated, Envelope, encode
from photomesh_shared.events.versions import version_at

__all__ = ["PROGRAMS", "Burst", "burst"]

PROGRAMS = ("notification-collector", "notification-writer")
_PARTS = 10  # of a second
_IDLE_SECONDS = 15
_NAIVE_AT_ONCE = 8
_NAIVE_LIKES = 5_000
_PUSH_SECONDS = 60.0


@dataclass(frozen=True)
class Burst:
    """`cpu` and `idle_cpu` by program: in seconds of the whole burst, and in each second without one. `stranger`: from
    a comment on somebody else's post, in the middle, until its author's group is there."""

    likes: int
    seconds: float
    writes: float
    pushes: int
    cpu: Mapping[str, float]
    idle_cpu: Mapping[str, float]
    stranger: float
    naive_likes: int
    naive_cpu: float


async def burst(stage: Stage, seconds: int) -> Burst:
    say(f"nothing, for {_IDLE_SECONDS} s")
    used = processor_seconds(STACK)
    await asyncio.sleep(_IDLE_SECONDS)
    idle = used_since(used, processor_seconds(STACK))
    say(f"{len(stage.fans):,} likes of one post in {seconds} s")
    writes, used, began = await stage.group_writes(), processor_seconds(STACK), time.perf_counter()
    group_id = stage.group_id(datetime.now(UTC))
    _, stranger = await asyncio.gather(_likes(stage, seconds), _stranger(stage, seconds))
    await stage.wait_for(stage.author_id, group_id, stage.fans[-1])
    took = time.perf_counter() - began
    cpu = used_since(used, processor_seconds(STACK))
    written = await stage.group_writes() - writes - 1  # the stranger's
    await asyncio.sleep(max(0.0, _PUSH_SECONDS - took))
    pushes = await stage.pushes_begun(group_id)
    say("the naive writer")
    sample = stage.fans[:_NAIVE_LIKES]
    naive_cpu = await _naive(stage, sample)
    return Burst(
        len(stage.fans),
        took,
        written,
        pushes,
        {program: cpu[program] for program in PROGRAMS},
        {program: idle[program] / _IDLE_SECONDS for program in PROGRAMS},
        stranger,
        len(sample),
        naive_cpu,
    )


async def _likes(stage: Stage, seconds: int) -> None:
    """At an even pace."""
    size, began = max(1, len(stage.fans) // (seconds * _PARTS)), time.perf_counter()
    for number, start in enumerate(range(0, len(stage.fans), size)):
        await asyncio.sleep(max(0.0, began + number / _PARTS - time.perf_counter()))
        now = datetime.now(UTC)
        await stage.publisher.send(
            [
                like(stage.post_id, stage.author_id, fan, now + timedelta(microseconds=n))
                for n, fan in enumerate(stage.fans[start : start + size])
            ]
        )


async def _stranger(stage: Stage, seconds: int) -> float:
    await asyncio.sleep(seconds / 2)
    author, post, actor, said = (stage.generator.next() for _ in range(4))
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
    await stage.publisher.send([encode(Envelope.of(comment, entityversion=version_at(at), time=at))])
    await stage.wait_for(author, f"comment.{ids.encode('c', said)}", actor)
    return time.perf_counter() - began


async def _naive(stage: Stage, fans: Sequence[int]) -> float:
    """A row and a change of the group with each like, by this process. Returns its processor time."""
    places, subject, now = asyncio.Semaphore(_NAIVE_AT_ONCE), Subject(Kind.LIKE, stage.post_id), datetime.now(UTC)
    store, author = stage.groups, stage.generator.next()
    began, count = time.process_time(), 0

    async def write(fan: int) -> None:
        nonlocal count
        async with places:
            count += 1
            version = version_at(now) + count
            await store.save_members(author, "naive", [Member(fan, version, now, active=True)])
            await store.save_group(author, Group("naive", subject, now, now, count, actors=(fan,), version=version))

    await asyncio.gather(*(write(fan) for fan in fans))
    used = time.process_time() - began
    await store.forget_group(author, "naive")
    return used
