"""Many who ask for different things of one kind at the same time are answered in one go.

    async def fetch(ids: Sequence[int]) -> Mapping[int, Row]: ...

    rows = Together(fetch, most=20)
    row = await rows.get(post_id)        # None if `fetch` gives none

`single_flight` is for those who ask for the same thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["Together"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """A few calls run at a time. Who comes while they run shares the next one with everybody else who does: it begins
    after they asked, so nobody gets an answer that is older than their question. Who comes alone waits for nobody; the
    more come, the more share a call, up to `most`.

    An error of a call is shared like an answer, and nothing is kept.
    """

    def __init__(self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int, calls: int = 2) -> None:
        """`most`: keys of one call; `calls`: how many run at a time, so that one that takes long keeps nobody waiting
        but those who are in it."""
        self._fetch = fetch
        self._most = most
        self._calls = calls
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._calls_running = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """What `fetch` gives for the key, in this call's or somebody else's company. Who is cancelled while waiting
        leaves the call to the others."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieve)
            if self._calls_running < self._calls:
                self._calls_running += 1
                self._tasks.add(task := asyncio.create_task(self._run()))
                task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        try:
            while some := dict(islice(self._waiting.items(), self._most)):
                for key in some:
                    del self._waiting[key]
                await self._answer(some)
        finally:
            # In the same step in which nobody was found to wait: whoever comes after it must find a free place.
            self._calls_running -= 1

    async def _answer(self, some: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._fetch(list(some))
        except Exception as error:  # noqa: BLE001 - it is theirs who wait
            for answer in some.values():
                answer.set_exception(error)
        except BaseException:
            for answer in some.values():
                answer.cancel()
            raise
        else:
            for key, answer in some.items():
                answer.set_result(found.get(key))


def _retrieve(answer: asyncio.Future[V | None]) -> None:
    """Marks an error as seen, also when nobody waits for it any more."""
    if not answer.cancelled():
        answer.exception()
