"""Workers that are killed, or away for too long; exports that are cancelled, over, or erased."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from photomesh_export.domain import ExportSection, Lease, SectionState, State
from photomesh_export.errors import LeaseLost
from photomesh_export.store.runs import ExportRuns
from photomesh_shared import failpoints
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.events import AccountErasureRequested, Envelope
from photomesh_shared.internal_api.export import SECTIONS
from photomesh_shared.stores.postgres import open_pool
from tests.integration.export.conftest import Person, Working
from tests.support.clock import FakeClock
from tests.support.exports import download
from tests.support.services import Process, process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

WORKER = "photomesh_export.worker"


async def _with_much(person: Person) -> None:
    for section in ("posts", "comments", "likes"):
        person.has(section, *({"number": number, "photo_ids": []} for number in range(30)))
    for number in range(4):
        await person.uploaded(number, bytes([number]) * 3_000)


@pytest.mark.parametrize("failpoint", ["export.after_chunk=kill@4", "export.during_part=kill@3"])
async def test_another_worker_goes_on_where_one_was_killed(
    ada: Person, worker_environment: Mapping[str, str], tmp_path: Path, failpoint: str
) -> None:
    await _with_much(ada)
    environment = {**worker_environment, "PHOTOMESH_LEASE_SECONDS": "4", "PHOTOMESH_PART_BYTES": "7000"}
    await ada.begin()
    async with process(WORKER, environment, port=free_port(), failpoints=failpoint, ready=False) as victim:
        await eventually(lambda: _exit_code(victim), until=lambda code: code == -9, within=60)
    reads = ada.sources.reads.total()
    collected = sum(section["items"] for section in (await ada.look())["sections"])
    async with process(WORKER, environment, port=free_port(), ready=False):
        export = await eventually(ada.look, until=lambda one: one["ended_at"], within=60)
    assert export["state"] == "completed"
    archive = await download(export, tmp_path)
    for section in ("posts", "comments", "likes"):
        assert archive.section(section) == ada.sources.items[ada.wire_id, section]
    assert len(archive.originals) == 4
    assert archive.manifest["failed"] == []
    if collected:
        assert ada.sources.reads.total() - reads < reads + len(SECTIONS) * 20, "it began from its checkpoint"
    if failpoint.startswith("export.during_part"):
        assert ada.sources.reads.total() == reads, "nothing was read again"


@pytest.mark.parametrize(
    "failpoint",
    ["export.after_chunk=raise@4", "export.after_checkpoint=raise@9", "export.after_upload=raise@1"],
)
async def test_an_attempt_that_fails_is_repeated_from_the_checkpoint(
    ada: Person, working: Working, tmp_path: Path, failpoint: str
) -> None:
    await _with_much(ada)
    await ada.begin()
    async with working(part_bytes="7000") as deps:
        failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": failpoint})
        try:
            assert await deps.worker.run_next()
        finally:
            failpoints.configure({})
        assert (await ada.look())["ended_at"] is None
        await eventually(deps.worker.run_next)
    archive = await download(await ada.look(), tmp_path)
    for section in ("posts", "comments", "likes"):
        assert archive.section(section) == ada.sources.items[ada.wire_id, section]
    assert len(archive.originals) == 4
    assert archive.manifest["failed"] == []


async def _exit_code(victim: Process) -> int | None:
    return victim.exit_code


async def test_two_workers_never_have_the_same_export(ada: Person, dsn: str) -> None:
    await ada.begin()
    now = SystemClock().now()
    minute = timedelta(minutes=1)
    async with open_pool(dsn) as pool:
        runs = ExportRuns(pool)
        first = await runs.claim("first", now, now + minute)
        assert first is not None
        assert await runs.claim("second", now, now + minute) is None
        second = await runs.claim("second", now + 2 * minute, now + 3 * minute)
        assert second is not None
        assert second.export.attempts == 2
        section = (await _started(runs, second))[0]
        with pytest.raises(LeaseLost):
            await runs.save_section(first, section)
        with pytest.raises(LeaseLost):
            await runs.finish(first, State.COMPLETED, now)
        with pytest.raises(LeaseLost):
            await runs.renew(first, now + 9 * minute)
        await runs.release(first)
        await runs.save_section(second, section)


async def _started(runs: ExportRuns, lease: Lease) -> list[ExportSection]:
    await runs.start(lease, ["posts"])
    sections = await runs.sections(lease.export.id)
    assert [section.state for section in sections] == [SectionState.PENDING]
    return sections


async def test_a_cancelled_export_stops_and_nothing_stays(ada: Person, working: Working) -> None:
    await _with_much(ada)
    await ada.begin()
    ada.sources.broken.add("likes")
    async with working() as deps:
        await deps.worker.run_next()
        assert await ada.storage.list_keys("exports", f"{ada.wire_id}/")
        assert (await ada.cancel()).status_code == 204
        assert (await ada.cancel()).status_code == 204
        assert (await ada.look())["state"] == "cancelled"
        assert not await deps.worker.run_next()
        await deps.sweeper.sweep()
        assert await ada.storage.list_keys("exports", f"{ada.wire_id}/") == []
    again = await ada.begin()
    assert again.status_code == 202, "it was not completed, so another may begin"


async def test_finished_exports_are_deleted_after_a_week_or_when_asked(
    ada: Person, grace: Person, working: Working
) -> None:
    await ada.begin()
    await grace.begin()
    clock = FakeClock(SystemClock().now())
    async with working(clock) as deps:
        await deps.worker.run_next()
        await deps.worker.run_next()
        assert (await grace.cancel()).status_code == 204
        await deps.sweeper.sweep()
        assert (await grace.look())["parts"] == []
        assert await grace.storage.list_keys("exports", f"{grace.wire_id}/") == []
        await clock.advance(6.9 * 86_400)
        await deps.sweeper.sweep()
        assert await ada.storage.list_keys("exports", f"{ada.wire_id}/")
        await clock.advance(0.2 * 86_400)
        await deps.sweeper.sweep()
        assert await ada.storage.list_keys("exports", f"{ada.wire_id}/") == []
    assert (await ada.look())["state"] == "expired"
    assert (await grace.begin()).status_code == 429, "it had been completed"


async def test_erasing_an_account_deletes_its_exports(ada: Person, grace: Person, working: Working) -> None:
    await _with_much(ada)
    await ada.begin()
    await grace.begin()
    request = Envelope.of(AccountErasureRequested.example().model_copy(update={"user_id": ada.id}), entityversion=1)
    async with working() as deps:
        await deps.worker.run_next()
        await deps.worker.run_next()
        erased = await deps.eraser.erase(request)
        assert erased.counts == {"exports": 1, "objects": 1}
        assert not erased.keeps
        again = await deps.eraser.erase(request)
        assert again.counts == {"exports": 0, "objects": 0}
    assert await ada.storage.list_keys("exports", f"{ada.wire_id}/") == []
    assert (await ada.api.get("/v1/me/export", headers=ada.headers)).status_code == 404
    refused = await ada.begin()
    assert (refused.status_code, refused.json()["title"]) == (404, AccountNotFound.title), "with an old token"
    assert (await grace.look())["state"] == "completed"
