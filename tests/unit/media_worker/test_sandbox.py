"""Decoding processes that die, hang or are stopped cost one photo's attempt and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from photomesh_media_worker.domain import Processed, Rejected
from photomesh_media_worker.sandbox.pool import DecoderCrashed, DecoderTimedOut, Limits, Sandbox
from tests.support import photos
from tests.support.photos import KINDS, Kind
from tests.support.waiting import eventually

PHOTO = photos.photo("jpeg", 160, 120)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(processes=1, limits=Limits(wall_seconds=20)) as running:
        yield running


async def stopped(sandbox: Sandbox) -> int:
    """Halts the waiting process, as a decoder that hangs would; its process id."""
    (pid,) = sandbox.pids
    os.kill(pid, signal.SIGSTOP)

    async def state() -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    await eventually(state, until=lambda letter: letter == "T")
    return pid


@pytest.mark.parametrize("kind", KINDS)
async def test_results_are_those_of_the_pipeline(sandbox: Sandbox, kind: Kind) -> None:
    outcome = await sandbox.process(photos.photo(kind, 160, 120))
    assert isinstance(outcome, Processed)
    assert outcome.type == photos.MIME[kind]


@pytest.mark.parametrize("data", [b"", b"text", photos.bomb("heic"), PHOTO[:-50]])
async def test_rejections_are_results(sandbox: Sandbox, data: bytes) -> None:
    assert isinstance(await sandbox.process(data), Rejected)


async def test_jpegs_share_a_process_and_heics_do_not(sandbox: Sandbox) -> None:
    before = sandbox.pids
    for kind in ("jpeg", "png", "webp", "heic", "avif"):
        await sandbox.process(photos.photo(kind, 160, 120))
    assert sandbox.pids == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
async def test_a_crash_is_an_error_of_one_attempt(sandbox: Sandbox, how: signal.Signals) -> None:
    pid = await stopped(sandbox)
    attempt = asyncio.create_task(sandbox.process(PHOTO))
    os.kill(pid, how)
    os.kill(pid, signal.SIGCONT) if how is not signal.SIGKILL else None
    with pytest.raises(DecoderCrashed, match=f"image/jpeg: the process ended with -{how.value}"):
        await attempt
    assert isinstance(await sandbox.process(PHOTO), Processed)
    assert sandbox.pids != {pid}


async def test_too_much_processor_time_is_the_photos_fault(sandbox: Sandbox) -> None:
    pid = await stopped(sandbox)
    attempt = asyncio.create_task(sandbox.process(PHOTO))
    os.kill(pid, signal.SIGXCPU)  # what the system sends at the limit
    os.kill(pid, signal.SIGCONT)
    outcome = await attempt
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == "too-complex"
    assert outcome.decoder_seconds > 0  # counts against its owner's budget


async def test_a_process_that_hangs_is_ended() -> None:
    async with Sandbox(processes=1, limits=Limits(wall_seconds=2)) as sandbox:
        await stopped(sandbox)
        with pytest.raises(DecoderTimedOut):
            await sandbox.process(PHOTO)
        assert not sandbox.pids
        assert isinstance(await sandbox.process(PHOTO), Processed)


async def test_memory_is_limited() -> None:
    # Its coefficients alone are 294 MB. The limit leaves room for what every photo takes, the stacks of threads among
    # it, whose size is the machine's choice.
    large = photos.encode("jpeg", photos.scene(7000, 7000), progressive=True, subsampling=0)
    async with Sandbox(processes=1, limits=Limits(memory_bytes=160 * 1024 * 1024)) as sandbox:
        outcome = await sandbox.process(large)
        assert isinstance(outcome, Rejected)
        assert outcome.reason.code == "too-complex"
        assert isinstance(await sandbox.process(PHOTO), Processed)


async def test_limits_are_those_that_were_asked_for(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    limits = Path(f"/proc/{pid}/limits").read_text()
    address_space = next(line.split() for line in limits.splitlines() if line.startswith("Max address space"))
    processor = next(line.split() for line in limits.splitlines() if line.startswith("Max cpu time"))
    assert Limits().memory_bytes < int(address_space[3]) < Limits().memory_bytes + 1024**3
    assert Limits().cpu_seconds < int(processor[3]) < Limits().cpu_seconds + 10


async def test_many_photos_at_once_and_nothing_left_behind() -> None:
    async with Sandbox(processes=2) as sandbox:
        mixed = [photos.photo(kind, 160, 120) for kind in KINDS] * 4
        outcomes = await asyncio.gather(*(sandbox.process(data) for data in mixed))
        assert all(isinstance(outcome, Processed) for outcome in outcomes)
        pids = sandbox.pids
        assert len(pids) == 2
    assert not sandbox.pids

    async def alive() -> list[int]:
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    await eventually(alive, until=lambda left: not left)
