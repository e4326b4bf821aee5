"""Waiting until a program really answers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from photomesh_local.processes.program import StackError

_T = TypeVar("_T")
_LIVES = 4


async def until_ready(
    probe: Callable[[], Awaitable[None]],
    say: Callable[[str], None] = lambda text: None,
    life: Callable[[], tuple[str, int]] | None = None,
) -> None:
    """Return once the probe passes.

    `life` is asked for the supervisor's word on the program, its state and process id, so that one that dies again
    and again is given up before the caller's deadline.
    """
    lives: set[int] = set()
    ended = 0
    while True:
        try:
            async with asyncio.timeout(5):
                await probe()
        except (OSError, StackError, EOFError, TimeoutError) as error:
            say((str(error) or "no answer yet").splitlines()[0][:100])
        else:
            return
        await asyncio.sleep(0.15)
        if life is not None:
            state, pid = await asyncio.to_thread(life)
            lives |= {pid} if pid else set()
            if len(lives) > _LIVES:
                raise StackError(f"it died {_LIVES} times before it was ready")
            ended = ended + 1 if state == "EXITED" else 0  # for a moment, if it is to be started again
            if ended > 10 or state in ("FATAL", "STOPPED", "UNKNOWN"):
                raise StackError(f"it does not run: {state.lower()}")


def blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end on a loop of its own, also when the caller's thread runs one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
