"""Runs exports: takes one that is due, and does step after step of it, each of which ends in a checkpoint."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from datetime import timedelta

from photomesh_export.domain import Export, ExportSection, Lease, SectionState, State, parts_of
from photomesh_export.errors import LeaseLost, SourceUnavailable
from photomesh_export.metrics import ATTEMPTS, ENDED
from photomesh_export.running.collecting import Collector
from photomesh_export.running.packing import Packer
from photomesh_export.running.protocols import Objects, RunStore
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.internal_api.export import SECTIONS

__all__ = ["Limits", "Worker"]

log = logging.getLogger(__name__)

_MAX_PAUSE_SECONDS = 900.0


class Limits:
    def __init__(
        self,
        *,
        lease_seconds: float,
        poll_seconds: float,
        retry_seconds: float,
        max_attempts: int,
        part_bytes: int,
        keep_days: int,
    ) -> None:
        self.lease = timedelta(seconds=lease_seconds)
        self.poll_seconds = poll_seconds
        self.backoff = Backoff(base=retry_seconds, cap=max(_MAX_PAUSE_SECONDS, retry_seconds))
        self.max_attempts = max_attempts
        self.part_bytes = part_bytes
        self.keep = timedelta(days=keep_days)


class Worker:
    def __init__(
        self, store: RunStore, collector: Collector, packer: Packer, objects: Objects, limits: Limits, clock: Clock
    ) -> None:
        self._store = store
        self._collector = collector
        self._packer = packer
        self._objects = objects
        self._limits = limits
        self._clock = clock

    async def run(self) -> None:
        """Run exports one after the other, for ever. Raises DatabaseUnavailable."""
        while True:
            if not await self.run_next():
                await self._clock.sleep(self._limits.poll_seconds)

    async def run_next(self) -> bool:
        """Run the next export that is due, until it ends or an attempt fails. Returns False if there is none."""
        now = self._clock.now()
        lease = await self._store.claim(secrets.token_hex(8), now, now + self._limits.lease)
        if lease is None:
            return False
        running = asyncio.create_task(self._attempt(lease))
        renewing = asyncio.create_task(self._renew(lease))
        try:
            # A worker that cannot renew must stop before another begins.
            await asyncio.wait((running, renewing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, renewing):
                task.cancel()
            await asyncio.gather(running, renewing, return_exceptions=True)
            if running.cancelled():
                with suppress(Unavailable):
                    await self._store.release(lease, counted=False)
        if not running.cancelled():
            running.result()
        return True

    async def _renew(self, lease: Lease) -> None:
        """Renew the lease until it is lost; ends in time if the database does not answer."""
        renewed = self._clock.monotonic()
        pause = self._limits.lease.total_seconds() / 4
        while self._clock.monotonic() - renewed < 3 * pause:
            await self._clock.sleep(pause)
            try:
                await self._store.renew(lease, self._clock.now() + self._limits.lease)
                renewed = self._clock.monotonic()
            except LeaseLost:
                break
            except Unavailable:
                log.warning("could not renew the lease of an export", extra={"export": lease.export.id})
        log.info("lease of an export lost", extra={"export": lease.export.id})

    async def _attempt(self, lease: Lease) -> None:
        export = lease.export
        try:
            await self._advance(lease)
        except LeaseLost:
            # Cancelled, or another worker has it. If it was cancelled, its objects can be deleted from now on.
            await self._store.release(lease)
        except SourceUnavailable as error:
            await self._retry(lease, "source", error)
        except Unavailable as error:
            # Our own servers: no step is to blame, so none is left out for it.
            await self._retry(lease, "unavailable", error, counted=False)
        except Exception as error:
            log.exception("attempt at an export failed", extra={"export": export.id})
            await self._retry(lease, "error", error)

    async def _retry(self, lease: Lease, reason: str, error: Exception, *, counted: bool = True) -> None:
        ATTEMPTS.labels(reason).inc()
        pause = self._limits.backoff.delay(max(lease.export.attempts, 1))
        log.warning("export continues later", extra={"export": lease.export.id, "reason": repr(error)})
        await self._store.release(lease, run_after=self._clock.now() + timedelta(seconds=pause), counted=counted)

    async def _advance(self, lease: Lease) -> None:
        export = lease.export
        exhausted = export.attempts > self._limits.max_attempts
        if export.state is State.QUEUED:
            await self._store.start(lease, [section.name for section in SECTIONS])
        if export.state is not State.PACKING:
            exhausted = await self._collect(lease, exhausted=exhausted)
            sizes = await self._store.sizes(export.id)
            parts = parts_of((size for _, size in sizes), self._limits.part_bytes)
            await self._store.plan(lease, {number: part for (number, _), part in zip(sizes, parts, strict=True)})
        if exhausted:
            await self._end(lease, State.FAILED)
            return
        stored = {part.number for part in await self._store.parts(export.id)}
        last = await self._store.parts_planned(export.id)
        for number in range(1, last + 1):
            if number not in stored:
                await self._packer.pack(lease, number, last=number == last)
        await self._end(lease, State.COMPLETED)

    async def _collect(self, lease: Lease, *, exhausted: bool) -> bool:
        """Collect what is left of all sections. If attempts are exhausted, the one at which they failed is left out;
        returns whether they still are."""
        for section in await self._store.sections(lease.export.id):
            if section.state is not SectionState.PENDING:
                continue
            if exhausted:
                exhausted = False
                await self._collector.give_up(lease, section, _problem(section, self._limits.max_attempts))
                continue
            await self._collector.collect(lease, section)
        return exhausted

    async def _end(self, lease: Lease, state: State) -> None:
        now = self._clock.now()
        await self._store.finish(lease, state, now, now + self._limits.keep if state is State.COMPLETED else None)
        ENDED.labels(str(state)).inc()
        log.info("export ended", extra={"export": lease.export.id, "state": str(state)})
        await self._clear_work(lease.export)

    async def _clear_work(self, export: Export) -> None:
        with suppress(Unavailable):  # the rest goes with the export
            await self._objects.delete_all(f"{export.prefix}/work")


def _problem(section: ExportSection, attempts: int) -> str:
    return f"could not be read beyond {section.items} items, in {attempts} attempts"
