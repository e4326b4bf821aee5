"""The three measurements. Each ends after a known time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import aiohttp

from benchmarks.upload.client import Times, people
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_media_worker.domain import Processed
from photomesh_media_worker.sandbox.pool import Sandbox

__all__ = ["Saturated", "pipeline_alone", "saturated", "unloaded"]

_WARM_UP = 10
_LARGE_BYTES = 50_000_000
_SATURATED_POLL_SECONDS = 0.1


async def unloaded(api: str, photos: Sequence[bytes], count: int) -> Times:
    """One person, one photo after the other, each waited for; and `init` for 50 MB, which signs ten URLs."""
    discarded, times = Times(), Times()
    async with aiohttp.ClientSession() as http:
        [warming_up] = await people(http, api, 1, discarded)
        for _ in range(_WARM_UP):
            await warming_up.wait_until_ready(await warming_up.upload(photos[0]))
        [person] = await people(http, api, 1, times)
        for _, photo in zip(range(count), cycle(photos)):
            await person.wait_until_ready(await person.upload(photo))
        for _ in range(count):
            await person.abort(await person.init(_LARGE_BYTES, "init, 10 parts"))
    return times


@dataclass(frozen=True)
class Saturated:
    """What so many clients got done; `processor` is in seconds, by program of the stack."""

    photos: int
    seconds: float
    processor: Mapping[str, float]


async def saturated(stack: str, api: str, photos: Sequence[bytes], *, clients: int, seconds: float) -> Saturated:
    """Clients who each upload a photo, wait for it to be ready, and begin again."""
    done = 0
    async with aiohttp.ClientSession() as http:
        persons = await people(http, api, clients, Times())
        used, started = processor_seconds(stack), time.perf_counter()

        async def keep_uploading(number: int) -> None:
            nonlocal done
            while time.perf_counter() < started + seconds:
                photo_id = await persons[number].upload(photos[number % len(photos)])
                await persons[number].wait_until_ready(photo_id, every=_SATURATED_POLL_SECONDS)
                done += 1

        await asyncio.gather(*map(keep_uploading, range(clients)))
        elapsed = time.perf_counter() - started
        return Saturated(done, elapsed, used_since(used, processor_seconds(stack)))


async def pipeline_alone(photos: Sequence[bytes], *, processes: int, seconds: float) -> float:
    """Photos a second when the media worker's own decoding processes get them from memory, and nothing else runs."""
    done = 0
    async with Sandbox(processes=processes) as sandbox:
        await asyncio.gather(*(sandbox.process(photos[0]) for _ in range(processes)))
        started = time.perf_counter()
        end = started + seconds

        async def keep_processing(number: int) -> None:
            nonlocal done
            while time.perf_counter() < end:
                outcome = await sandbox.process(photos[number % len(photos)])
                assert isinstance(outcome, Processed), outcome
                done += 1

        await asyncio.gather(*map(keep_processing, range(processes)))
        return done / (time.perf_counter() - started)
