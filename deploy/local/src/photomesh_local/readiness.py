"""Waiting until a program really answers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from photomesh_local.program import StackError

_T = TypeVar("_T")


async def until_ready(
    probe: Callable[[], Awaitable[None]],
    say: Callable[[str], None] = lambda text: None,
    state: Callable[[], str | None] | None = None,
) -> None:
    """Return once the probe passes.

    `state` is asked for the supervisor's word on the program, so that one that dies again and again is given up
    before the caller's deadline.
    """
    deaths = 0
    while True:
        try:
            async with asyncio.timeout(5):
                await probe()
        except (OSError, StackError, EOFError, TimeoutError) as error:
            say((str(error) or "no answer yet").splitlines()[0][:100])
        else:
            return
        await asyncio.sleep(0.15)
        if state is not None:
            now = await asyncio.to_thread(state)
            deaths = deaths + 1 if now in ("BACKOFF", "EXITED") else 0
            if now in ("FATAL", "STOPPED", None) or deaths > 60:
                raise StackError(f"it does not stay up ({(now or 'forgotten').lower()})")


def blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end on a loop of its own, also when the caller's thread runs one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
