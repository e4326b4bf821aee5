"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["eventually"]

Value = TypeVar("Value")


async def eventually(
    look: Callable[[], Awaitable[Value]],
    *,
    until: Callable[[Value], object] = bool,
    within: float = 20.0,
    every: float = 0.05,
) -> Value:
    """The first value of `look` that satisfies `until`. Fails with the last value seen after `within` seconds.

    An AssertionError inside `look` counts as "not yet".
    """
    deadline = time.monotonic() + within
    while True:
        seen: object
        try:
            value = await look()
            if until(value):
                return value
            seen = value
        except AssertionError as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {seen!r}")
        await asyncio.sleep(every)
