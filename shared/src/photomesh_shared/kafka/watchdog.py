"""Distinguishes a stalled consumer from one that is idle, slow, or waiting for a dependency."""

from __future__ import annotations

from photomesh_shared.clock import Clock

__all__ = ["Watchdog"]


class Watchdog:
    """Stalled: records wait, none has been processed for `stall_seconds`, and no dependency is known to be down.

    Half-way there it becomes `suspicious`, and a new consumer is tried: clients have been seen alive without receiving
    records after a broker restart (aio-libs/aiokafka issues 625 and 1154).
    """

    def __init__(self, clock: Clock, stall_seconds: float) -> None:
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._moved_at = clock.monotonic()
        self._judged_at = self._moved_at
        self._reached_at = self._moved_at
        self._lag = 0

    def progressed(self) -> None:
        """Record that a record was processed."""
        self._moved_at = self._clock.monotonic()

    def excuse(self) -> None:
        """Record that a dependency is down, so no progress is expected."""
        self._moved_at = self._judged_at = self._reached_at = self._clock.monotonic()

    def observe(self, lag: int, *, excused: bool) -> None:
        """Record that the broker responded and `lag` records wait. `excused`: some of them for a dependency."""
        self._lag = lag
        self._judged_at = self._reached_at = self._clock.monotonic()
        if lag == 0 or excused:
            self._moved_at = self._judged_at

    def unreachable(self) -> None:
        """Record that the broker did not respond: it is down, or the connection to it is dead."""
        self._moved_at = self._judged_at = self._clock.monotonic()

    @property
    def suspicious(self) -> bool:
        """Whether the consumer, rather than the broker, may be at fault."""
        now, patience = self._clock.monotonic(), self._stall_seconds / 2
        return (self._lag > 0 and now - self._moved_at > patience) or now - self._reached_at > patience

    @property
    def stalled(self) -> bool:
        """Whether only a new process can help; also True if no method was called for that long."""
        now = self._clock.monotonic()
        return (self._lag > 0 and now - self._moved_at > self._stall_seconds) or (
            now - self._judged_at > self._stall_seconds
        )
