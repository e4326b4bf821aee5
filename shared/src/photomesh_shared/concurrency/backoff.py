"""Exponential backoff with jitter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Backoff"]

_RANDOM = random.Random()  # noqa: S311 - jitter, no secret


@dataclass(frozen=True)
class Backoff:
    """`base` seconds after the first failure, doubled with each further one up to `cap`.

    A random share of each delay, up to `jitter`, is left out, so that clients that failed together do not retry
    together ("equal jitter" at 0.5: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    base: float
    cap: float
    jitter: float = 0.5

    def delay(self, failures: int, randomness: random.Random = _RANDOM) -> float:
        """Return the seconds to wait after this many failures (at least 1)."""
        full = min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
        return full * randomness.uniform(1 - self.jitter, 1)

    def delays(self, randomness: random.Random = _RANDOM) -> Iterator[float]:
        """Yield the delays after the first failure, the second, and so on without end."""
        failures = 0
        while True:
            failures += 1
            yield self.delay(failures, randomness)
