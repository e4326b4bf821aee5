"""Argon2id in threads of its own: a hash takes about 0.1 s and 64 MiB, and releases the GIL.

The number of threads bounds the memory; the length of the queue bounds the waiting time.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from photomesh_identity.errors import PasswordsBusy
from photomesh_identity.metrics import PASSWORD_SECONDS, PASSWORDS_WAITING

__all__ = ["Argon2Hasher"]

Result = TypeVar("Result")


class Argon2Hasher:
    """Hashes and verifies passwords. Both raise PasswordsBusy when the queue is full."""

    def __init__(self, *, memory_kib: int, time_cost: int, lanes: int, threads: int, queue: int) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._capacity = threads + queue
        self._pending = 0
        self._dummy_hash = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Returns the hash in PHC format, with a random salt."""
        return await self._run("hash", lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the hash is of this password. Without a stored hash it takes as long as for a wrong password, so that
        its duration does not reveal whether an account exists."""
        matches = await self._run("verify", lambda: self._verify(stored or self._dummy_hash, password))
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than the current ones."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, operation: str, work: Callable[[], Result]) -> Result:
        if self._pending >= self._capacity:
            raise PasswordsBusy
        self._pending += 1
        PASSWORDS_WAITING.inc()

        def release(_: object) -> None:  # when the thread is done, which may be after the caller was cancelled
            self._pending -= 1
            PASSWORDS_WAITING.dec()

        def timed() -> Result:
            with PASSWORD_SECONDS.labels(operation).time():
                return work()

        future = asyncio.get_running_loop().run_in_executor(self._threads, timed)
        future.add_done_callback(release)
        return await asyncio.shield(future)
