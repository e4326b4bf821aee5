"""Request and response models of leaving."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from photomesh_identity.http.account_schemas import Code, CurrentPassword
from photomesh_identity.http.schemas import JsonWebKeySet
from photomesh_identity.leaving.domain import Erasure
from photomesh_identity.leaving.service import Departure
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import ErasureId

__all__ = ["AccountDeletion", "Confirmed", "ErasedGroup", "ErasureReport", "JsonWebKeySet", "ScheduledErasure"]

_TOKEN = "pN0v9dZ4c0sB8mX2w1yQ7rT5uE3iO6aK9lJ4hG2fD0s"  # noqa: S105 — an example
_KEPT: dict[str, Any] = {
    "what": "posts shown in feeds (topic impressions)",
    "why": "records are kept for 28 days, and cannot be removed one by one",
    "until": "2027-01-18T10:00:00Z",
}
_GROUP: dict[str, Any] = {
    "group": "feed",
    "done_at": "2026-12-21T10:00:07Z",
    "counts": {"feeds": 1, "snapshots": 12},
    "keeps": [_KEPT],
}


class Confirmed(RequestBody):
    """Your password, and a code of your second factor if you have one."""

    model_config = examples({"password": "correct horse battery"})

    password: CurrentPassword
    code: Code = None


class AccountDeletion(Confirmed):
    """The confirmation that your account shall be deleted."""

    model_config = examples({"password": "correct horse battery"}, {"password": "correct horse battery", "now": True})

    now: bool = Field(default=False, strict=True, description="Without the time in which you can come back.")


class ScheduledErasure(BaseModel):
    """What will happen to your account."""

    model_config = examples({"id": "er_6w1q6uB23Bg", "due_at": "2026-12-21T10:00:00Z", "token": _TOKEN})

    id: ErasureId
    due_at: UtcTime = Field(description="When the account is erased, unless you log in before.")
    token: str = Field(description="Keep it: it shows you how the erasure goes, and the receipt, also afterwards.")

    @classmethod
    def of(cls, departure: Departure) -> ScheduledErasure:
        erasure = departure.erasure
        return cls(id=erasure.request_id, due_at=erasure.due_at, token=departure.token)


class KeptData(BaseModel):
    """Something about you that is still there."""

    model_config = examples(_KEPT)

    what: str
    why: str
    until: UtcTime | None = Field(description="When it is gone; null if that is not a matter of time.")


class ErasedGroup(BaseModel):
    """A part of the platform that had data of yours."""

    model_config = examples(_GROUP)

    group: str
    done_at: UtcTime | None = Field(description="Null while it is not done.")
    counts: dict[str, int] = Field(description="How many things of each kind were erased.")
    keeps: list[KeptData]


class ErasureReport(BaseModel):
    """How the erasure of an account goes."""

    model_config = examples(
        {
            "id": "er_6w1q6uB23Bg",
            "state": "complete",
            "asked_at": "2026-11-21T10:00:00Z",
            "due_at": "2026-12-21T10:00:00Z",
            "started_at": "2026-12-21T10:00:00Z",
            "completed_at": "2026-12-21T10:00:09Z",
            "groups": [_GROUP],
            "receipt": "eyJhbGciOiJFUzI1NiIsImtpZCI6…",
        }
    )

    id: ErasureId
    state: str = Field(description="`scheduled`, `running` or `complete`. More may be added.")
    asked_at: UtcTime
    due_at: UtcTime
    started_at: UtcTime | None
    completed_at: UtcTime | None
    groups: list[ErasedGroup]
    receipt: str | None = Field(
        description="A JWS in compact form, signed by a key of `/v1/erasures/keys`; null until the erasure is complete."
    )

    @classmethod
    def of(cls, erasure: Erasure) -> ErasureReport:
        answers = {answer.group: answer for answer in erasure.answers}
        return cls(
            id=erasure.request_id,
            state=erasure.state,
            asked_at=erasure.asked_at,
            due_at=erasure.due_at,
            started_at=erasure.started_at,
            completed_at=erasure.completed_at,
            groups=[
                ErasedGroup(
                    group=group,
                    done_at=answer.done_at if (answer := answers.get(group)) else None,
                    counts=dict(answer.counts) if answer else {},
                    keeps=[KeptData(**kept.model_dump()) for kept in answer.keeps] if answer else [],
                )
                for group in sorted({*erasure.groups, *answers})
            ],
            receipt=erasure.receipt,
        )
