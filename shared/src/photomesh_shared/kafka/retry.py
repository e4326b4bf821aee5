"""How often, and how long after another, a failed record is tried."""

from __future__ import annotations

from dataclasses import dataclass

from photomesh_shared.concurrency.backoff import Backoff

__all__ = ["RetryPolicy"]


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` of a record in all, with `backoff` between them."""

    attempts: int = 5
    backoff: Backoff = Backoff(base=0.2, cap=10.0)  # noqa: RUF009 - frozen
