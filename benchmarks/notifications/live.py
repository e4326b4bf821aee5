"""Likes of many people's posts while all of them listen."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from benchmarks.notifications.stage import STACK, Reader, Stage, like, say
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_notification.groups.domain import Kind, Subject

__all__ = ["Live", "live"]

_PARTS = 20  # of a second
_LATE_SECONDS = 30
_OPENING = 50  # at once
_PER_ADDRESS = 400
"""The gateway lets one address have 500 streams."""


@dataclass(frozen=True)
class Live:
    """`latencies` from publishing a like until its author's stream has the event, in seconds. `cpu` by program, in
    seconds, until the last."""

    streams: int
    rate: int
    likes: int
    latencies: Sequence[float]
    missing: int
    cpu: Mapping[str, float]


@dataclass
class _Listener:
    """One reader's stream, and when the likes were published that it has not shown yet."""

    reader: Reader
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: dict[str, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    async def listen(self, http: aiohttp.ClientSession) -> None:
        headers = {"Authorization": f"Bearer {self.reader.token}"}
        async with http.get("/v1/notifications/stream", headers=headers) as response:
            kind = ""
            async for line in response.content:
                if line.startswith(b"event: "):
                    kind = line[7:].strip().decode()
                elif line.startswith(b"data: ") and kind == "ready":
                    self.ready.set()
                elif line.startswith(b"data: ") and kind == "notification":
                    began = self.waiting.pop(json.loads(line[6:])["id"], None)
                    if began is not None:
                        self.latencies.append(time.perf_counter() - began)


async def live(stage: Stage, rate: int, seconds: int) -> Live:
    listeners = [_Listener(reader) for reader in stage.readers]
    say(f"{len(listeners):,} streams")
    async with AsyncExitStack() as sessions:
        tasks = []
        for start in range(0, len(listeners), _OPENING):
            if start % _PER_ADDRESS == 0:
                http = await sessions.enter_async_context(_session(stage.gateway, 1 + start // _PER_ADDRESS))
            part = listeners[start : start + _OPENING]
            tasks += [asyncio.create_task(one.listen(http)) for one in part]
            await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in part)), 60)
        try:
            say(f"{rate} likes a second for {seconds} s")
            used = processor_seconds(STACK)
            await _likes(stage, listeners, rate, seconds)
            for _ in range(_LATE_SECONDS):
                if any(one.waiting for one in listeners):
                    await asyncio.sleep(1)
            cpu = used_since(used, processor_seconds(STACK))
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)
    latencies = [seconds for one in listeners for seconds in one.latencies]
    missing = sum(len(one.waiting) for one in listeners)
    return Live(len(listeners), rate, len(latencies) + missing, latencies, missing, cpu)


def _session(gateway: str, number: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        gateway,
        connector=aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.0.{number}", 0)),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
        raise_for_status=True,
    )


async def _likes(stage: Stage, listeners: Sequence[_Listener], rate: int, seconds: int) -> None:
    """Each reader in turn, by somebody else, on one of the reader's posts after the other."""
    began, size, sent = time.perf_counter(), rate // _PARTS, 0
    for number in range(seconds * _PARTS):
        await asyncio.sleep(max(0.0, began + number / _PARTS - time.perf_counter()))
        records = []
        for _ in range(size):
            one = listeners[sent % len(listeners)]
            post_id = one.reader.post_ids[sent // len(listeners) % len(one.reader.post_ids)]
            fan, at = random.choice(stage.known), datetime.now(UTC)
            sent += 1
            if fan == one.reader.account_id:
                continue
            one.waiting[Subject(Kind.LIKE, post_id).group_id(fan, at)] = time.perf_counter()
            records.append(like(post_id, one.reader.account_id, fan, at))
        await stage.publisher.send(records)
