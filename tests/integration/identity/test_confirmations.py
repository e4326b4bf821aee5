"""What other services ask identity: whether the owner is behind a request, and for mails about it."""

from __future__ import annotations

import json

import httpx

from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api.confirmation import CONFIRM_OWNER, NOTIFY_OF_EXPORT
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.settings import ReplaceableSecret
from tests.integration.identity.api_users import PASSWORD, ApiUser
from tests.integration.identity.conftest import Serving
from tests.integration.identity.test_second_factors import enable
from tests.support.clock import MovableClock
from tests.support.mail_server import Inbox, token_in

KEY = "k" * 40
CALLERS = json.dumps({"export": KEY, "export-worker": KEY})


async def ask(user: ApiUser, path: str, body: object, caller: str) -> httpx.Response:
    signer = CallSigner(caller, "identity", ReplaceableSecret(KEY), SystemClock())
    headers = {"Authorization": signer.authorization()}
    return await user.api.put(path.format(account_id=user.id), json=body, headers=headers)


async def confirm(user: ApiUser, caller: str = "export", **proof: str) -> httpx.Response:
    sessions = (await user.api.get("/v1/me/sessions", headers=user.headers)).json()["items"]
    [session_id] = [one["id"] for one in sessions if one["current"]]
    body = {"session_id": session_id, "password": PASSWORD} | proof
    return await ask(user, CONFIRM_OWNER.path, body, caller)


async def refusal(user: ApiUser, **proof: str) -> object:
    answer = await confirm(user, **proof)
    assert answer.status_code == 200, answer.text
    return answer.json()["refused"]


async def test_owners_are_confirmed_by_password_and_code(serving: Serving, clock: MovableClock) -> None:
    async with serving(caller_keys=CALLERS) as users:
        ada = await users.new_user()
        assert await refusal(ada) is None
        assert await refusal(ada, password="wrong") == "wrong-password"
        assert await refusal(ada, session_id="ss_1") == "session-ended"
        app, _ = await enable(ada, clock)
        assert await refusal(ada) == "code-required"
        assert await refusal(ada, code=app.wrong_code()) == "wrong-code"
        assert await refusal(ada, code=app.next_code()) is None
        for _ in range(11):
            answer = await confirm(ada, password="wrong")
        assert answer.json()["refused"] == "too-many-tries"
        assert answer.json()["retry_after"] > 0
        assert (await confirm(ada, "export-worker")).status_code == 403, "it does not call this operation"


async def test_mails_about_an_export(serving: Serving, inbox: Inbox) -> None:
    async with serving(caller_keys=CALLERS) as users:
        ada = await users.new_user()
        token = token_in(await inbox.arrived(ada.user["email"]))
        await users.api.post("/v1/email-verifications/redeem", json={"token": token})
        for kind, subject in (("requested", "was requested"), ("ready", "is ready")):
            notice = {"kind": kind, "at": "2026-11-27T10:00:00Z"}
            answer = await ask(ada, NOTIFY_OF_EXPORT.path, notice, "export-worker")
            assert answer.status_code == 200, answer.text
            mail = await inbox.arrived(ada.user["email"], subject)
            assert "27 November 2026, 10:00 UTC" in str(mail.get_content())
