"""Cancellations that nobody asked for.

A library that awaits a task which it has cancelled itself raises `CancelledError` into its caller (aiokafka's fetcher
does when it closes in its back-off). `except Exception` does not catch it, a `TaskGroup` ignores a child that ends with
it, and a done callback that looks for errors finds none: the caller just stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["StrayCancellation", "surface_stray_cancellation"]


class StrayCancellation(Exception):
    """The code within ended as if cancelled, although this task was not."""


@contextmanager
def surface_stray_cancellation() -> Iterator[None]:
    """Raises StrayCancellation in place of a `CancelledError` unless the current task was asked to cancel."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StrayCancellation("the code within was cancelled, and not by its caller") from error
