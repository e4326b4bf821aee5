"""Deliveries: an event for an endpoint, and what became of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["LOG_KEPT", "Delivery", "DeliveryState"]

LOG_KEPT = timedelta(days=30)


class DeliveryState(StrEnum):
    """`FAILED`: after the last attempt. `WITHHELD`: the owner may not see it any more, so it was not sent."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class Delivery:
    """`topic`, `partition`, `record_offset`: where the event is; None for a test. `last_…`: of the latest attempt."""

    id: int
    endpoint_id: int
    event_id: str
    type: str
    subject: str
    event_time: datetime
    state: DeliveryState
    attempts: int
    created_at: datetime
    topic: str | None = None
    partition: int | None = None
    record_offset: int | None = None
    next_attempt_at: datetime | None = None
    finished_at: datetime | None = None
    last_status: int | None = None
    last_ms: int | None = None
    last_answer: str | None = None
    last_error: str | None = None
