"""The measurements: first reads of what is in no cache, throughput, and latency at a fixed rate."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import httpx

from benchmarks.feed.contestants import CHRONOLOGICAL, Contestant
from benchmarks.load import Load, send
from benchmarks.naive.server import NaiveServer
from benchmarks.society.mesh import Mesh
from benchmarks.upload.usage import processor_seconds, used_since

__all__ = ["Measurement", "Plan", "Sample", "Scale"]

_NAIVE = "naive"
_LOOK_SECONDS, _STUCK_SECONDS = 0.2, 10.0
_PACED_CONNECTIONS = 128
_PATIENCE_SECONDS = 900.0
Tokens = Mapping[int, Mapping[int, str]]
"""Of the readers, by how many they follow and by account."""


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
    whole_after: float = 0.0
    """Seconds from the first of these reads until all our feeds were whole."""
    closed: dict[int, dict[str, list[Sample]]] = field(default_factory=dict)
    paced: dict[int, dict[str, Load]] = field(default_factory=dict)
    reading: dict[str, float] = field(default_factory=dict)
    """Seconds of processor by program for one read of ours, over all readers."""
    building: dict[str, float] = field(default_factory=dict)
    """The same for a first read, when Redis was empty before the first of all."""
    entry_bytes: dict[int, float] = field(default_factory=dict)
    """Of Redis, for an entry of a feed, by how many its reader follows."""


@dataclass(frozen=True)
class Measurement:
    """All that is needed to measure; `say` tells who waits what is being done."""

    plan: Plan
    contestants: Sequence[Contestant]
    tokens: Tokens
    naive: NaiveServer
    mesh: Mesh
    say: Callable[[str], None]

    async def run(self, posts: int) -> Scale:
        """With so many posts, which are in all stores."""
        scale = Scale(posts)
        await self._cold(scale)
        await self._warm_up(scale)
        await self._closed(scale)
        await self._paced(scale)
        return scale

    @property
    def _ours(self) -> Contestant:
        return next(each for each in self.contestants if each.name == CHRONOLOGICAL)

    async def _cold(self, scale: Scale) -> None:
        """Feed's Redis is emptied before each read."""
        for follows, held in self.tokens.items():
            self.say(f"{self.plan.cold_reads} first reads after the loss of feed's Redis, following {follows}")
            scale.cold[follows] = []
            for account, token in islice(held.items(), self.plan.cold_reads):
                scale.cold[follows].append(await _first_read(self._ours, token, self.mesh))
                await self._until_whole({account: token})
        await self.mesh.forget_feeds()

    async def _warm_up(self, scale: Scale) -> None:
        everybody = {account: token for held in self.tokens.values() for account, token in held.items()}
        for contestant in self.contestants:
            self.say(f"every reader once: {contestant.name}")
            before, begun = await self._processor_seconds(), time.perf_counter()
            scale.warm_up[contestant.name] = await _send(contestant, everybody, connections=8)
            if contestant is self._ours:
                await self._until_whole(everybody)
                scale.whole_after = time.perf_counter() - begun
                scale.building = _each(used_since(before, await self._processor_seconds()), len(everybody))

    async def _until_whole(self, held: Mapping[int, str]) -> None:
        """A feed is filled behind its first read, some at a time; a read begins again what was given up."""
        fewest, since = len(held) + 1, time.perf_counter()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while missing := await self.mesh.feeds_to_be_filled(held):
                if len(missing) < fewest:
                    fewest, since = len(missing), time.perf_counter()
                elif time.perf_counter() - since > _STUCK_SECONDS:
                    since = time.perf_counter()
                    await _send(self._ours, {account: held[account] for account in missing}, connections=8)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _closed(self, scale: Scale) -> None:
        """Round after round, all in turn, so that whatever else the machine does meets all of them alike."""
        plan = self.plan
        used, reads = Counter[str](), 0
        for number in range(plan.rounds):
            self.say(f"round {number + 1} of {plan.rounds}")
            for follows, held in self.tokens.items():
                for contestant in self.contestants:
                    before = await self._processor_seconds()
                    load = await _send(contestant, held, connections=plan.connections, seconds=plan.seconds)
                    programs = used_since(before, await self._processor_seconds())
                    if contestant is self._ours:
                        used.update(programs)
                        reads += load.requests
                    mine = sum(seconds for name, seconds in programs.items() if (name == _NAIVE) != contestant.ours)
                    samples = scale.closed.setdefault(follows, {}).setdefault(contestant.name, [])
                    samples.append(Sample(load, mine / load.requests))
        scale.reading = _each(used, reads)

    async def _paced(self, scale: Scale) -> None:
        plan = self.plan
        for follows, held in self.tokens.items():
            for contestant in self.contestants:
                if max(sample.load.rate for sample in scale.closed[follows][contestant.name]) < plan.rate:
                    continue  # it cannot keep up, so the wait would only grow
                self.say(f"{plan.rate:g} reads a second, following {follows}: {contestant.name}")
                scale.paced.setdefault(follows, {})[contestant.name] = await _send(
                    contestant, held, connections=_PACED_CONNECTIONS, seconds=plan.rate_seconds, rate=plan.rate
                )

    async def _processor_seconds(self) -> dict[str, float]:
        """Used so far by each program, and by the naive server with its part of PostgreSQL (which is in both); not by
        the clients, who say it themselves."""
        programs = processor_seconds(self.plan.stack)
        del programs["clients"]
        return {**programs, _NAIVE: await self.naive.cpu_seconds()}


def _each(programs: Mapping[str, float], count: int) -> dict[str, float]:
    return {program: seconds / count for program, seconds in programs.items() if program != _NAIVE}


async def _send(
    contestant: Contestant,
    held: Mapping[int, str],
    *,
    connections: int,
    seconds: float | None = None,
    rate: float | None = None,
) -> Load:
    return await asyncio.to_thread(
        send, contestant.url, contestant.requests(held.values()), connections=connections, seconds=seconds, rate=rate
    )


async def _first_read(ours: Contestant, token: str, mesh: Mesh) -> float:
    """Seconds of a person's first read when feed's Redis is empty, over a connection that is there."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=ours.url, timeout=30) as client:
        await client.get("/healthz")
        await mesh.forget_feeds()
        asked = time.perf_counter()
        answer = await client.get(ours.path, headers=headers)
        took = time.perf_counter() - asked
        if not answer.raise_for_status().json()["items"]:
            raise SystemExit("a first read gave an empty page")
        return took
