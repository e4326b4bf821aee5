"""Accounts that are deactivated or leave, and the erasure of those that left. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from photomesh_identity.accounts.domain import Account
from photomesh_shared.events import AccountErasureRequested, Envelope, Kept
from photomesh_shared.events.versions import next_version
from photomesh_shared.ids import encode

__all__ = [
    "DEACTIVATED",
    "LEAVING",
    "Answer",
    "Erasure",
    "ErasureState",
    "erasure_requested",
    "merged",
    "receipt_claims",
    "with_status",
]

DEACTIVATED, LEAVING = "deactivated", "leaving"


class ErasureState(StrEnum):
    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETE = "complete"


@dataclass(frozen=True)
class Answer:
    """What a consumer group acknowledged."""

    group: str
    counts: Mapping[str, int]
    keeps: Sequence[Kept]
    done_at: datetime


@dataclass(frozen=True)
class Erasure:
    """`groups`: the consumer groups that must acknowledge, once it is started. `receipt`: a JWS, once complete."""

    request_id: int
    account_id: int
    asked_at: datetime
    due_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    groups: Sequence[str] = ()
    answers: Sequence[Answer] = ()
    receipt: str | None = None

    @property
    def state(self) -> ErasureState:
        if self.completed_at:
            return ErasureState.COMPLETE
        return ErasureState.RUNNING if self.started_at else ErasureState.SCHEDULED


def with_status(account: Account, status: str, now: datetime) -> Account:
    """Returns the account's next version, or `account` itself if it has the status already."""
    if account.status == status:
        return account
    return replace(account, status=status, version=next_version(account.version, now), updated_at=now)


def erasure_requested(
    request_id: int, account_id: int, version: int, started_at: datetime
) -> Envelope[AccountErasureRequested]:
    """The request to all consumer groups. Each repetition is the same event."""
    event = AccountErasureRequested(request_id=request_id, user_id=account_id, requested_at=started_at)
    event_id = f"{encode('u', account_id)}.{version}"
    return Envelope.of(event, entityversion=version, id=event_id, time=started_at)


def merged(before: Answer | None, answer: Answer) -> Answer:
    """Returns what is known after a repeated answer: an interrupted run counts again only what was left."""
    if before is None:
        return answer
    names = before.counts.keys() | answer.counts.keys()
    counts = {name: max(before.counts.get(name, 0), answer.counts.get(name, 0)) for name in sorted(names)}
    return replace(answer, counts=counts)


def receipt_claims(erasure: Erasure, completed_at: datetime, issuer: str) -> dict[str, Any]:
    """What a receipt says."""
    assert erasure.started_at is not None
    return {
        "iss": issuer,
        "sub": encode("u", erasure.account_id),
        "jti": encode("er", erasure.request_id),
        "iat": int(completed_at.timestamp()),
        "asked_at": _text(erasure.asked_at),
        "started_at": _text(erasure.started_at),
        "completed_at": _text(completed_at),
        "groups": [
            {
                "group": answer.group,
                "done_at": _text(answer.done_at),
                "counts": dict(answer.counts),
                "keeps": [kept.model_dump(mode="json") for kept in answer.keeps],
            }
            for answer in sorted(erasure.answers, key=lambda answer: answer.group)
        ],
    }


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
