"""The worker on one photo again and again, in a process of its own: how long its event loop stands still.

    python -m benchmarks.media.worker 4 photo      (how many at once; a photo)

Everything that the deployable loads is loaded; object storage and Kafka are in memory. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

import photomesh_media_worker.wiring  # noqa: F401 - with it, all that the deployable loads
from photomesh_media_worker.sandbox.pool import Sandbox
from photomesh_media_worker.service import MediaService
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.photos import PhotoReady, PhotoUploaded

_PHOTOS = 6


class _Objects:
    """Holds one photo, and gives it as a stream does: in pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def get(self, bucket: str, key: str, *, max_bytes: int, etag: str | None = None) -> bytearray:
        body = bytearray()
        for at in range(0, len(self._data), 256 * 1024):
            body += self._data[at : at + 256 * 1024]
            await asyncio.sleep(0)
        return body

    async def put(
        self, bucket: str, key: str, body: bytes, *, content_type: str, cache_control: str | None = None
    ) -> None:
        await asyncio.sleep(0)


class _Publisher:
    def __init__(self) -> None:
        self.ready = 0

    async def publish(self, envelope: Envelope[Event]) -> None:
        self.ready += isinstance(envelope.data, PhotoReady)


class _LoopWatch:
    """Asks to be called each millisecond, and notes how late that is.

    Of the delay only as much counts as this process computed meanwhile, on whichever thread: in the rest of it the
    machine was busy with others, and no core was free for us.
    """

    def __init__(self) -> None:
        self.held_up = 0.0

    async def run(self) -> None:
        while True:
            expected, computed = time.perf_counter() + 0.001, time.process_time()
            await asyncio.sleep(0.001)
            late = time.perf_counter() - expected
            self.held_up = max(self.held_up, min(late, time.process_time() - computed))


async def _work(data: bytes, at_once: int) -> dict[str, float]:
    publisher = _Publisher()
    async with Sandbox(processes=2) as sandbox:
        service = MediaService(
            _Objects(data),
            sandbox,
            publisher,
            SystemClock(),
            variants_bucket="variants",
            variant_key_secret="secret",
            max_concurrent=at_once,
        )
        example = PhotoUploaded.example()
        photos = [example.model_copy(update={"photo_id": number}) for number in range(1, _PHOTOS + 1)]
        watch = _LoopWatch()
        watching = asyncio.create_task(watch.run())
        await asyncio.gather(*(service.process(Envelope.of(photo, entityversion=1)) for photo in photos))
        watching.cancel()
    assert publisher.ready == _PHOTOS
    return {"held_up": watch.held_up}


def main() -> None:
    at_once, path = int(sys.argv[1]), Path(sys.argv[2])
    json.dump(uvloop.run(_work(path.read_bytes(), at_once)), sys.stdout)


if __name__ == "__main__":
    main()
