"""Argon2id in a bounded number of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from photomesh_identity.credentials.hasher import Argon2Hasher
from photomesh_identity.errors import PasswordsBusy


def _hasher(*, time_cost: int = 1, threads: int = 2, queue: int = 10) -> Argon2Hasher:
    return Argon2Hasher(memory_kib=64, time_cost=time_cost, lanes=1, threads=threads, queue=queue)


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    hasher = _hasher()
    yield hasher
    hasher.close()


async def test_verifies_only_the_right_password(hasher: Argon2Hasher) -> None:
    stored = await hasher.hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert stored != await hasher.hash("correct horse battery")
    assert await hasher.verify(stored, "correct horse battery")
    assert not await hasher.verify(stored, "correct horse batterY")
    assert not await hasher.verify(stored, "")
    assert not await hasher.verify("no hash at all", "correct horse battery")


async def test_without_a_stored_hash_no_password_is_right(hasher: Argon2Hasher) -> None:
    assert not await hasher.verify(None, "")


async def test_hashes_with_other_parameters_verify_and_need_a_rehash(hasher: Argon2Hasher) -> None:
    other = _hasher(time_cost=2)
    stored = await other.hash("correct horse battery")
    assert await hasher.verify(stored, "correct horse battery")
    assert hasher.needs_rehash(stored)
    assert not other.needs_rehash(stored)
    other.close()


async def test_a_full_queue_rejects_at_once_and_recovers() -> None:
    hasher = _hasher(threads=1, queue=2)
    outcomes = await asyncio.gather(*(hasher.hash("x") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, PasswordsBusy) for outcome in outcomes) == 5
    assert await hasher.hash("x")
    hasher.close()


async def test_a_cancelled_call_counts_until_its_thread_is_done() -> None:
    hasher = _hasher(threads=1, queue=0, time_cost=3000)  # so slow that it is not done before we look
    cancelled = asyncio.create_task(hasher.hash("x"))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    with pytest.raises(PasswordsBusy):
        await hasher.hash("x")
    hasher.close()
