"""What a library does that awaits a task which it has cancelled itself."""

from __future__ import annotations

import asyncio

__all__ = ["await_a_task_that_was_cancelled"]


async def await_a_task_that_was_cancelled() -> None:
    """Raises CancelledError although the caller's task was not cancelled."""
    task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    task.cancel()
    await task
