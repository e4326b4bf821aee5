"""Argon2id in bounded threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from photomesh_identity.errors import PasswordsBusy
from photomesh_identity.passwords import Argon2Passwords


def _passwords(*, time_cost: int = 1, threads: int = 2, queue: int = 10) -> Argon2Passwords:
    return Argon2Passwords(memory_kib=64, time_cost=time_cost, lanes=1, threads=threads, queue=queue)


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    passwords = _passwords()
    yield passwords
    passwords.close()


async def test_only_the_right_one_fits(passwords: Argon2Passwords) -> None:
    stored = await passwords.hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert stored != await passwords.hash("correct horse battery")
    assert await passwords.verify(stored, "correct horse battery")
    assert not await passwords.verify(stored, "correct horse batterY")
    assert not await passwords.verify(stored, "")
    assert not await passwords.verify("no hash at all", "correct horse battery")


async def test_nobodys_password_is_never_right(passwords: Argon2Passwords) -> None:
    assert not await passwords.verify(None, "")


async def test_hashes_of_other_parameters_still_fit_and_are_outdated(passwords: Argon2Passwords) -> None:
    other = _passwords(time_cost=2)
    stored = await other.hash("correct horse battery")
    assert await passwords.verify(stored, "correct horse battery")
    assert passwords.outdated(stored)
    assert not other.outdated(stored)
    other.close()


async def test_a_full_queue_refuses_at_once_and_recovers() -> None:
    passwords = _passwords(threads=1, queue=2)
    outcomes = await asyncio.gather(*(passwords.hash("x") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, PasswordsBusy) for outcome in outcomes) == 5
    assert await passwords.hash("x")
    passwords.close()


async def test_a_caller_who_leaves_keeps_the_place_until_the_thread_is_done() -> None:
    passwords = _passwords(threads=1, queue=0, time_cost=3000)  # so slow that it is not done before we look
    leaving = asyncio.create_task(passwords.hash("x"))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    with pytest.raises(PasswordsBusy):
        await passwords.hash("x")
    passwords.close()
