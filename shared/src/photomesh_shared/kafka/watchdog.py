"""Tells a consumer that is stuck from one that is idle, slow, or waiting for somebody else."""

from __future__ import annotations

from photomesh_shared.clock import Clock

__all__ = ["Watchdog"]


class Watchdog:
    """Stalled: records wait, none has been finished for `stall_seconds`, and no dependency is known to be down.

    Half-way there it becomes `suspicious`, which is the time to try a new consumer: clients have been seen alive but
    deaf after a broker's restart (aio-libs/aiokafka issues 625 and 1154).
    """

    def __init__(self, clock: Clock, stall_seconds: float) -> None:
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._moved_at = clock.monotonic()
        self._judged_at = self._moved_at
        self._reached_at = self._moved_at
        self._lag = 0

    def progressed(self) -> None:
        """A record is done with."""
        self._moved_at = self._clock.monotonic()

    def excuse(self) -> None:
        """A dependency is down: nothing can be expected to move."""
        self._moved_at = self._judged_at = self._reached_at = self._clock.monotonic()

    def observe(self, lag: int, *, excused: bool) -> None:
        """The broker answered; `lag` records wait. `excused`: some of them for a dependency."""
        self._lag = lag
        self._judged_at = self._reached_at = self._clock.monotonic()
        if lag == 0 or excused:
            self._moved_at = self._judged_at

    def unreachable(self) -> None:
        """The broker did not answer: it is down, or our connection to it is dead."""
        self._moved_at = self._judged_at = self._clock.monotonic()

    @property
    def suspicious(self) -> bool:
        """Whether the consumer rather than the broker may be at fault."""
        now, patience = self._clock.monotonic(), self._stall_seconds / 2
        return (self._lag > 0 and now - self._moved_at > patience) or now - self._reached_at > patience

    @property
    def stalled(self) -> bool:
        """Whether only a new process can help. A watchdog that nobody has told anything for so long says so too."""
        now = self._clock.monotonic()
        return (self._lag > 0 and now - self._moved_at > self._stall_seconds) or (
            now - self._judged_at > self._stall_seconds
        )
