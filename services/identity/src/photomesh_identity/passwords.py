"""Argon2id, in threads of its own: it takes a tenth of a second and 64 MiB, and lets go of the interpreter meanwhile.

The number of threads bounds the memory, and the number of places in the queue bounds how long anybody waits.
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

__all__ = ["Argon2Passwords"]

Result = TypeVar("Result")


class Argon2Passwords:
    """Hashes and verifies. Every method raises PasswordsBusy when the queue is full."""

    def __init__(self, *, memory_kib: int, time_cost: int, lanes: int, threads: int, queue: int) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._places = threads + queue
        self._taken = 0
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The hash in PHC format, with a salt of its own."""
        return await self._in_thread("hash", lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one behind the hash. None takes as long as a wrong password, so that the time
        does not tell whether an account exists."""
        right = await self._in_thread("verify", lambda: self._verify(stored or self._nobodys, password))
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than the present ones."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, operation: str, work: Callable[[], Result]) -> Result:
        if self._taken >= self._places:
            raise PasswordsBusy
        self._taken += 1
        PASSWORDS_WAITING.inc()

        def leave(_: object) -> None:  # when the thread is done, which may be after the caller has gone
            self._taken -= 1
            PASSWORDS_WAITING.dec()

        def timed() -> Result:
            with PASSWORD_SECONDS.labels(operation).time():
                return work()

        future = asyncio.get_running_loop().run_in_executor(self._threads, timed)
        future.add_done_callback(leave)
        return await asyncio.shield(future)
