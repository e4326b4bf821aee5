"""Counting by compare-and-set: likes, comments and collections are all counted this way.

Nothing is added up from events. A partition's rows remember what is counted; rows, count and next revision change in
one transaction that fails if another writer has changed the revision since it was read. So a count is that of its rows
whichever process writes, and a step may be repeated from any point and by several processes at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import TypeVar

from photomesh_post.metrics import TALLY_CONFLICTS
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable

__all__ = ["compare_and_set"]

State = TypeVar("State")

_ATTEMPTS = 8
_BACKOFF = Backoff(base=0.005, cap=0.2)


async def compare_and_set(
    read: Callable[[], Awaitable[State]],
    count: Callable[[State], State],
    replace: Callable[[State, State], Awaitable[bool]],
    clock: Clock,
) -> State:
    """The state of a partition once it is counted.

    `count` returns the very state that it is given if all is counted. `replace` writes a state in place of the one that
    was read, and returns False if another writer was first. Raises Unavailable after too many conflicts.
    """
    for pause in islice(_BACKOFF.delays(), _ATTEMPTS):
        current = await read()
        counted = count(current)
        if counted is current or await replace(current, counted):
            return counted
        TALLY_CONFLICTS.inc()
        await clock.sleep(pause)
    raise Unavailable("Too many concurrent counts of the same partition.")
