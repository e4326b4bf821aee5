"""Runs the pipeline in processes that may die: a decoder that crashes, hangs or eats memory costs one photo's attempt.

A fork server has the codecs loaded, so that a new process needs to import nothing. JPEG, PNG and WebP photos go to
processes that serve many; each AVIF and HEIC photo gets one of its own, which ends with it. The event loop only waits:
photos and results pass through pipes that threads read and write.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from typing import Self

from photomesh_media_worker.domain import REASONS, PhotoType, Processed, Rejected, Rejection
from photomesh_media_worker.headers import SNIFF_BYTES, sniff
from photomesh_media_worker.sandbox.child import CODECS, ENVIRONMENT, Limits, serve

__all__ = ["DecoderCrashed", "DecoderTimedOut", "Limits", "Sandbox"]

_PHOTOS_PER_CHILD = 2_000  # whatever a codec may leak, it does not leak for ever
_SMALLEST_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


class DecoderCrashed(Exception):
    """The process that worked on the photo ended without a result."""


class DecoderTimedOut(Exception):
    """The process that worked on the photo gave no result in time."""


class Sandbox:
    """A pool of decoding processes; use as an async context manager."""

    def __init__(self, *, processes: int, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._processes = processes
        self._context = get_context("forkserver")
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="sandbox")
        # They are slow and take much memory, so they never have all processes to themselves.
        self._disposable = asyncio.Semaphore(max(1, processes - 1))
        self._starting = threading.Lock()  # multiprocessing's bookkeeping is not made for threads
        self._closed = False
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()

    async def __aenter__(self) -> Self:
        """Starts the processes, and proves in each that the pipeline works."""
        os.environ.update(ENVIRONMENT)  # before the fork server, which inherits it
        self._context.set_forkserver_preload([CODECS])
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
        for child in list(self._children):
            child.kill()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for child in list(self._children):
            self._end(child)

    @property
    def pids(self) -> set[int]:
        """Of the processes that decode, or wait for a photo."""
        return {child.pid for child in list(self._children)}

    async def process(self, data: bytes | bytearray) -> Processed | Rejected:
        """As `pipeline.process`. Raises DecoderCrashed or DecoderTimedOut."""
        try:
            kind = sniff(bytes(data[:SNIFF_BYTES]))
        except Rejection as rejection:
            return Rejected(rejection.reason, rejection.detail)
        async with self._disposable if kind.disposable else nullcontext():
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._process, kind, data)

    def _process(self, kind: PhotoType, data: bytes | bytearray) -> Processed | Rejected:
        child = self._idle.pop() if self._idle and not kind.disposable else self._start()
        keep = False
        try:
            outcome = child.process(data)
            keep = not kind.disposable and child.photos < _PHOTOS_PER_CHILD
        except EOFError:
            return self._without_result(kind, child)
        finally:
            if keep:
                self._idle.append(child)
            else:
                self._end(child)
        return outcome

    def _without_result(self, kind: PhotoType, child: _Child) -> Rejected:
        code = self._end(child)
        if code == -signal.SIGXCPU:
            return Rejected(REASONS["too-complex"], f"more than {self._limits.cpu_seconds} s", kind)
        raise DecoderCrashed(f"{kind}: the process ended with {code}")

    def _start(self) -> _Child:
        with self._starting:
            if self._closed:
                raise DecoderCrashed("the sandbox is closed")
            child = _Child(self._context, self._limits)
            self._children.add(child)
        return child

    def _end(self, child: _Child) -> int | None:
        child.kill()
        self._children.discard(child)
        with self._starting:
            return child.close()


class _Child:
    """The parent's end of a decoding process."""

    def __init__(self, context: ForkServerContext, limits: Limits) -> None:
        self.photos = 0
        self._wall_seconds = limits.wall_seconds
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, limits), daemon=True)
        self._process.start()
        theirs.close()

    def process(self, data: bytes | bytearray) -> Processed | Rejected:
        """Raises EOFError if the process ended, and DecoderTimedOut."""
        self.photos += 1
        try:
            self._connection.send_bytes(data)
            if not self._connection.poll(self._wall_seconds):
                raise DecoderTimedOut(f"no result after {self._wall_seconds} s")
            outcome: Processed | Rejected = self._connection.recv()
        except OSError as error:
            raise EOFError from error
        return outcome

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> int | None:
        """To be called after `kill`; gives the exit code, which is that of an earlier death if there was one."""
        self._connection.close()
        self._process.join(5)
        return self._process.exitcode
