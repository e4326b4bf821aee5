"""Routes of leaving: deactivate an account, delete it, and see that it was erased."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Response

from photomesh_identity.errors import (
    AccountNotFound,
    ErasureNotFound,
    HidingPending,
    PasswordsBusy,
    TooManyTries,
    WrongPassword,
)
from photomesh_identity.http.dependencies import NO_STORE, Dependencies
from photomesh_identity.http.leaving_schemas import AccountDeletion, Confirmed, ErasureReport, ScheduledErasure
from photomesh_identity.http.schemas import JsonWebKeySet
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass
from photomesh_shared.ids import ErasureId

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])

_CONFIRMED = (AccountNotFound, WrongPassword, TooManyTries, PasswordsBusy, HidingPending)


@router.post(
    "/v1/me/deactivation",
    auth=Auth.REQUIRED,
    rate=RateClass.AUTH,
    budget=Budget.RECORDS,
    problems=_CONFIRMED,
    status_code=204,
    summary="Deactivate your account",
)
async def deactivate(body: Confirmed, viewer: Viewer, deps: Dependencies) -> None:
    """Hides your account, and all that you posted, liked and wrote, from everybody else, as if it did not exist. Ends
    all sessions. Effective when it is answered. Nothing is deleted: the next log-in makes the account active again."""
    await deps.leaving.deactivate(viewer.account_id, body.password, body.code)


@router.delete(
    "/v1/me",
    auth=Auth.REQUIRED,
    rate=RateClass.AUTH,
    budget=Budget.RECORDS,
    problems=_CONFIRMED,
    status_code=202,
    summary="Delete your account",
)
async def delete_me(body: AccountDeletion, response: Response, viewer: Viewer, deps: Dependencies) -> ScheduledErasure:
    """Hides your account, as its deactivation does, and ends all sessions. After 30 days, or with `now` at once,
    everything about you is erased; until then, a log-in cancels that. A repeated request is answered with another
    token, and the earlier one becomes invalid. Your username stays reserved for 90 days after the erasure."""
    departure = await deps.leaving.leave(viewer.account_id, body.password, body.code, at_once=body.now)
    response.headers.update(NO_STORE)
    return ScheduledErasure.of(departure)


@router.get(
    "/v1/erasures/keys", auth=Auth.NONE, rate=RateClass.READ, summary="Get the keys that verify receipts of erasures"
)
async def get_receipt_keys(response: Response, deps: Dependencies) -> JsonWebKeySet:
    """Keys are never removed, so a receipt can be verified for ever."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return JsonWebKeySet.model_validate({"keys": await deps.erasures.receipt_keys()})


@router.get(
    "/v1/erasures/{erasure_id}",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    problems=[ErasureNotFound],
    summary="See the erasure of an account",
)
async def get_erasure(
    erasure_id: ErasureId,
    erasure_token: Annotated[str, Header(max_length=100, description="The token that the deletion was answered with.")],
    response: Response,
    deps: Dependencies,
) -> ErasureReport:
    """What was erased, what is still there, why and until when; and the signed receipt, once all is done. For a year
    after the erasure."""
    response.headers.update(NO_STORE)
    return ErasureReport.of(await deps.leaving.erasure(erasure_id, erasure_token))
