"""Routes of consents."""

from __future__ import annotations

from fastapi import Response

from photomesh_identity.errors import TooManyTries
from photomesh_identity.http.account_schemas import ConsentDecision, Consents
from photomesh_identity.http.dependencies import NO_STORE, Dependencies
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.get("/v1/me/consents", auth=Auth.REQUIRED, rate=RateClass.READ, summary="Get what you have agreed to")
async def get_consents(response: Response, viewer: Viewer, deps: Dependencies) -> Consents:
    """The last decision on each purpose; one without a decision is not in the list."""
    response.headers.update(NO_STORE)
    return Consents.of(list(await deps.consents.latest(viewer.account_id)))


@router.put(
    "/v1/me/consents",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[TooManyTries],
    summary="Agree to a purpose, or withdraw that",
)
async def decide_consent(body: ConsentDecision, response: Response, viewer: Viewer, deps: Dependencies) -> Consents:
    """Every decision is kept with its time and the version of the text; the last one on a purpose holds."""
    response.headers.update(NO_STORE)
    held = await deps.consents.decide(viewer.account_id, body.purpose, body.version, given=body.given)
    return Consents.of(list(held))
