"""Waiting for photos whose first event may still be on its way.

`POST /v1/uploads/{id}/complete` responds before that event arrives here, so a client that asks at once would be told
that its photo does not exist. Ids are generated when an upload begins: a young id may be such a photo. The request
waits a little for it, and then its response says that a retry may help. None of this differs between a photo that is
absent and one that is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.ids import timestamp_of

__all__ = ["PhotoArrivals", "Wait"]

_CLOCK_SKEW = timedelta(minutes=1)
_BACKOFF = Backoff(base=0.02, cap=0.25)


@dataclass(frozen=True)
class PhotoArrivals:
    clock: Clock
    max_age: timedelta
    """How old the id of a photo may be whose upload was completed just now: as long as an upload may stay open."""
    max_wait: timedelta

    def may_arrive(self, photo_id: int) -> bool:
        """Whether the photo's upload may have been completed so recently that no event has arrived yet."""
        return -_CLOCK_SKEW < self.clock.now() - timestamp_of(photo_id) < self.max_age

    def wait_for(self, photo_id: int) -> Wait:
        """Starts the time in which the photo may arrive."""
        return Wait(self, photo_id, self.clock.monotonic() + self.max_wait.total_seconds())


@dataclass
class Wait:
    arrivals: PhotoArrivals
    photo_id: int
    deadline: float
    """On the monotonic clock."""
    pauses: Iterator[float] = field(default_factory=_BACKOFF.delays)

    async def once_more(self) -> bool:
        """Pauses before another look; False if there is no point in one."""
        clock = self.arrivals.clock
        if not self.arrivals.may_arrive(self.photo_id) or clock.monotonic() >= self.deadline:
            return False
        await clock.sleep(next(self.pauses))
        return True
