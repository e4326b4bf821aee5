"""Stray cancellations: `CancelledError` in a task that was not cancelled.

A library that awaits a task which it has cancelled itself raises `CancelledError` into its caller (aiokafka's fetcher
does if it closes during its back-off). `except Exception` does not catch it, a `TaskGroup` ignores a child that ends
with it, and a done callback finds no error: the caller stops silently.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["StrayCancellation", "surface_stray_cancellation"]


class StrayCancellation(Exception):
    """The enclosed code raised `CancelledError`, although this task was not cancelled."""


@contextmanager
def surface_stray_cancellation() -> Iterator[None]:
    """Raise StrayCancellation in place of a `CancelledError` unless the current task is being cancelled."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StrayCancellation("CancelledError in a task that was not cancelled") from error
