"""The measurements: first reads of what is in no cache, throughput, and latency at a fixed rate."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from benchmarks.feed.contestants import CHRONOLOGICAL, Contestant
from benchmarks.load import Load, send
from benchmarks.naive.server import NaiveServer
from benchmarks.upload.usage import processor_seconds, used_since

__all__ = ["Plan", "Scale", "measure"]

_NAIVE = "naive"
Tokens = Mapping[int, Sequence[str]]
"""Of the readers, by how many they follow."""


@dataclass(frozen=True)
class Plan:
    """How long and how hard."""

    stack: str
    rounds: int
    seconds: float
    connections: int
    rate: float
    rate_seconds: float
    cold_reads: int


@dataclass(frozen=True)
class Sample:
    """One run of one contestant; `cpu` is what a read took of all processors, in seconds."""

    load: Load
    cpu: float


@dataclass
class Scale:
    """What was measured with so many posts; by how many the readers follow, and by contestant."""

    posts: int
    cold: dict[int, list[float]] = field(default_factory=dict)
    warm_up: dict[str, Load] = field(default_factory=dict)
    closed: dict[int, dict[str, list[Sample]]] = field(default_factory=dict)
    paced: dict[int, dict[str, Load]] = field(default_factory=dict)
    programs: dict[str, float] = field(default_factory=dict)
    """Seconds of processor by program for one read of ours, over all readers."""


async def measure(
    plan: Plan,
    contestants: Sequence[Contestant],
    tokens: Tokens,
    naive: NaiveServer,
    forget_feeds: Callable[[], Awaitable[None]],
    posts: int,
    say: Callable[[str], None],
) -> Scale:
    scale = Scale(posts)
    ours = next(each for each in contestants if each.name == CHRONOLOGICAL)
    for follows, held in tokens.items():
        say(f"{plan.cold_reads} first reads after the loss of feed's Redis, following {follows}")
        scale.cold[follows] = [await _cold(ours, token, forget_feeds) for token in held[: plan.cold_reads]]
    await forget_feeds()
    for contestant in contestants:
        say(f"every reader once: {contestant.name}")
        everybody = [token for held in tokens.values() for token in held]
        scale.warm_up[contestant.name] = await _send(contestant, everybody, connections=8)
    used, reads = Counter[str](), 0
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        for follows, held in tokens.items():
            for contestant in contestants:
                programs = await _processor_seconds(plan.stack, naive)
                load = await _send(contestant, held, connections=plan.connections, seconds=plan.seconds)
                programs = used_since(programs, await _processor_seconds(plan.stack, naive))
                if contestant is ours:
                    used.update(programs)
                    reads += load.requests
                mine = {name: seconds for name, seconds in programs.items() if (name == _NAIVE) != (contestant.ours)}
                samples = scale.closed.setdefault(follows, {}).setdefault(contestant.name, [])
                samples.append(Sample(load, sum(mine.values()) / load.requests))
    scale.programs = {program: seconds / reads for program, seconds in used.items() if program != _NAIVE}
    for follows, held in tokens.items():
        for contestant in contestants:
            if max(sample.load.rate for sample in scale.closed[follows][contestant.name]) < plan.rate:
                continue  # it cannot keep up, so the wait would only grow
            say(f"{plan.rate:g} reads a second, following {follows}: {contestant.name}")
            scale.paced.setdefault(follows, {})[contestant.name] = await _send(
                contestant, held, connections=128, seconds=plan.rate_seconds, rate=plan.rate
            )
    return scale


async def _processor_seconds(stack: str, naive: NaiveServer) -> dict[str, float]:
    """Used so far by each program, and by the naive server with its part of PostgreSQL (which is in both); not by the
    clients, who say it themselves."""
    programs = processor_seconds(stack)
    del programs["clients"]
    return {**programs, _NAIVE: await naive.cpu_seconds()}


async def _send(
    contestant: Contestant,
    held: Sequence[str],
    *,
    connections: int,
    seconds: float | None = None,
    rate: float | None = None,
) -> Load:
    return await asyncio.to_thread(
        send, contestant.url, contestant.requests(held), connections=connections, seconds=seconds, rate=rate
    )


async def _cold(ours: Contestant, token: str, forget_feeds: Callable[[], Awaitable[None]]) -> float:
    """Seconds of a person's first read when feed's Redis is empty, over a connection that is there."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=ours.url, timeout=30) as client:
        await client.get("/healthz")
        await forget_feeds()
        asked = time.perf_counter()
        answer = await client.get(ours.path, headers=headers)
        took = time.perf_counter() - asked
        if not answer.raise_for_status().json()["items"]:
            raise SystemExit("a first read gave an empty page")
        return took
