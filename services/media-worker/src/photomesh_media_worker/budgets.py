"""How long the photos of one account may keep decoders busy in a day.

An ordinary photo takes a fraction of a second, and one that is made to be slow fifteen. One account's photos are
decoded one at a time, so that others hardly wait for them; the budget bounds what they cost.

Counts are kept in this process. That is nearly exact, since an account's photos are in one partition, which one process
reads; after a rebalance or a restart an account has all of it again.
"""

from __future__ import annotations

from collections import OrderedDict

from photomesh_shared.clock import Clock

__all__ = ["DecoderBudgets"]

_DAY = 86_400


class DecoderBudgets:
    """Buckets that leak evenly: what is used up becomes free over a day."""

    def __init__(self, seconds: float, clock: Clock, *, accounts: int = 100_000) -> None:
        """`seconds`: what an account may use in a day. Of more than `accounts`, those that were longest unused are
        forgotten."""
        self._seconds = seconds
        self._clock = clock
        self._accounts = accounts
        self._used: OrderedDict[int, tuple[float, float]] = OrderedDict()  # seconds, and when they were counted

    def is_exhausted(self, account_id: int) -> bool:
        return self._left_over(account_id) >= self._seconds

    def charge(self, account_id: int, seconds: float) -> None:
        self._used[account_id] = self._left_over(account_id) + seconds, self._clock.monotonic()
        self._used.move_to_end(account_id)
        while len(self._used) > self._accounts:
            self._used.popitem(last=False)

    def _left_over(self, account_id: int) -> float:
        """What was used and is not free again."""
        used, at = self._used.get(account_id, (0.0, 0.0))
        return max(0.0, used - (self._clock.monotonic() - at) * self._seconds / _DAY)
