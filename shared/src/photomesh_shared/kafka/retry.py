"""How often, and how long after another, a failed record is tried."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` in all; between them `base` seconds, doubling up to `cap`, of which up to half is left out at random
    so that many records that failed together are not tried together."""

    attempts: int = 5
    base: float = 0.2
    cap: float = 10.0

    def delay(self, failures: int, randomness: random.Random) -> float:
        """Seconds to wait after this many failures."""
        full = min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
        return full * randomness.uniform(0.5, 1.0)
