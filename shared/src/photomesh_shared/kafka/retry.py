"""Retry policy of failed records: number of attempts and delays."""

from __future__ import annotations

from dataclasses import dataclass

from photomesh_shared.concurrency.backoff import Backoff

__all__ = ["RetryPolicy"]


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts`: maximum number per record; `backoff`: delays between them."""

    attempts: int = 5
    backoff: Backoff = Backoff(base=0.2, cap=10.0)  # noqa: RUF009 - frozen
