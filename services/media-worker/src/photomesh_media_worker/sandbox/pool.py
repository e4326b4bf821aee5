"""Runs the pipeline in processes that may die: a decoder that crashes, hangs or eats memory costs one photo's attempt.

JPEG, PNG and WebP photos go to processes that serve many; each AVIF and HEIC photo gets one of its own, which ends with
it. The event loop only waits: photos and results pass through sockets that threads read and write.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Self

from photomesh_media_worker.domain import REASONS, PhotoType, Processed, Rejected, Rejection
from photomesh_media_worker.headers.sniff import SNIFF_BYTES, sniff
from photomesh_media_worker.sandbox.launcher import Decoder, DecoderCrashed, DecoderTimedOut, ForkServer
from photomesh_media_worker.sandbox.limits import Limits

__all__ = ["DecoderCrashed", "DecoderTimedOut", "Limits", "Sandbox"]

_PHOTOS_PER_PROCESS = 2_000  # whatever a codec may leak, it does not leak for ever
_SMALLEST_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


class Sandbox:
    """A pool of decoding processes; use as an async context manager."""

    def __init__(self, *, processes: int, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._processes = processes
        self._server = ForkServer(self._limits)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="sandbox")
        # They are slow and take much memory, so they never have all processes to themselves.
        self._disposable = asyncio.Semaphore(max(1, processes - 1))
        self._starting = threading.Lock()
        self._closed = False
        self._idle: list[Decoder] = []
        self._decoders: set[Decoder] = set()

    async def __aenter__(self) -> Self:
        """Starts the processes, and proves in each that the pipeline works."""
        try:
            for outcome in await asyncio.gather(*(self.process(_SMALLEST_PNG) for _ in range(self._processes))):
                if isinstance(outcome, Rejected):
                    raise DecoderCrashed(f"the pipeline does not work: {outcome.detail}")
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._starting:
            self._closed = True
        for decoder in list(self._decoders):
            decoder.kill()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for decoder in list(self._decoders):
            self._end(decoder)
        await asyncio.to_thread(self._server.close)

    @property
    def pids(self) -> set[int]:
        """Of the processes that decode, or wait for a photo."""
        return {decoder.pid for decoder in list(self._decoders)}

    async def process(self, data: bytes | bytearray) -> Processed | Rejected:
        """As `pipeline.process`. Raises DecoderCrashed or DecoderTimedOut."""
        try:
            kind = sniff(bytes(data[:SNIFF_BYTES]))
        except Rejection as rejection:
            return Rejected(rejection.reason, rejection.detail)
        async with self._disposable if kind.disposable else nullcontext():
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._process, kind, data)

    def _process(self, kind: PhotoType, data: bytes | bytearray) -> Processed | Rejected:
        decoder = self._idle.pop() if self._idle and not kind.disposable else self._start()
        keep = False
        started = time.monotonic()
        try:
            outcome = decoder.process(data)
            keep = not kind.disposable and decoder.photos < _PHOTOS_PER_PROCESS
        except EOFError:
            outcome = self._without_result(kind, decoder)
        finally:
            if keep:
                self._idle.append(decoder)
            else:
                self._end(decoder)
        return replace(outcome, decoder_seconds=time.monotonic() - started)

    def _without_result(self, kind: PhotoType, decoder: Decoder) -> Rejected:
        code = self._end(decoder)
        if code == -signal.SIGXCPU:
            return Rejected(REASONS["too-complex"], f"more than {self._limits.cpu_seconds} s", kind)
        raise DecoderCrashed(f"{kind}: the process ended with {code}")

    def _start(self) -> Decoder:
        with self._starting:
            if self._closed:
                raise DecoderCrashed("the sandbox is closed")
            decoder = self._server.start()
            self._decoders.add(decoder)
        return decoder

    def _end(self, decoder: Decoder) -> int | None:
        """None if it has been ended before."""
        if decoder not in self._decoders:
            return None
        self._decoders.discard(decoder)
        decoder.kill()
        return decoder.close()
