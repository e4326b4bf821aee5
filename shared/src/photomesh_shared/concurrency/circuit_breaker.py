"""A circuit breaker: while a server keeps failing, calls fail at once, except for occasional trials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from photomesh_shared.clock import Clock

__all__ = ["CircuitBreaker", "CircuitOpen"]


class CircuitOpen(Exception):
    """The circuit is open; the call was not made."""


class CircuitBreaker:
    """Opens after `threshold` failures in a row. After `open_seconds`, one call at a time is let through as a trial:
    success closes the breaker, failure starts another `open_seconds`."""

    def __init__(
        self, clock: Clock, *, failures: tuple[type[Exception], ...], threshold: int = 5, open_seconds: float = 1.0
    ) -> None:
        """`failures`: the exceptions that count as the server's; others, such as a cancellation, are ignored."""
        self._clock = clock
        self._kinds = failures
        self._threshold = threshold
        self._open_seconds = open_seconds
        self._failures = 0
        self._trial_at = 0.0
        self._on_trial = False

    @property
    def is_open(self) -> bool:
        return self._failures >= self._threshold

    @contextmanager
    def call(self) -> Iterator[None]:
        """Guard a call and record its outcome. Raises CircuitOpen if it must not be made."""
        trial = self.is_open
        if trial:
            if self._on_trial or self._clock.monotonic() < self._trial_at:
                raise CircuitOpen
            self._on_trial = True
        try:
            yield
        except self._kinds:
            self._failures += 1
            self._trial_at = self._clock.monotonic() + self._open_seconds
            raise
        else:
            self._failures = 0
        finally:
            if trial:
                self._on_trial = False
