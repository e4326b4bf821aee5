"""Which sessions are open, for notification, whose devices end with them."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.internal_api.identity import LIST_OPEN_SESSIONS, SessionsQuery
from photomesh_shared.settings import ReplaceableSecret
from tests.integration.identity.api_users import ApiUser, ApiUsers
from tests.integration.identity.conftest import serve
from tests.integration.identity.test_session_list import end, log_in, sessions_of
from tests.support.clock import MovableClock

_KEY = "k" * 40


async def test_sessions_that_ended_are_left_out(environment: Mapping[str, str], clock: MovableClock) -> None:
    keys = {"PHOTOMESH_CALLER_KEYS": f'{{"notification-push": "{_KEY}"}}'}
    signer = CallSigner("notification-push", "identity", ReplaceableSecret(_KEY), SystemClock())

    async def still_open(users: ApiUsers, account: ApiUser, session_ids: list[str]) -> set[str]:
        query = SessionsQuery(
            account_id=ids.decode("u", account.id), session_ids=[ids.decode("ss", one) for one in session_ids]
        )
        answer = await users.api.post(
            LIST_OPEN_SESSIONS.path,
            content=query.model_dump_json(),
            headers={"Authorization": signer.authorization(), "Content-Type": "application/json"},
        )
        return {ids.encode("ss", one) for one in LIST_OPEN_SESSIONS.parse(answer.content).session_ids}

    async with serve({**environment, **keys}, clock) as users:
        ada, grace = await users.new_user(), await users.new_user()
        desk, phone = await log_in(users, ada), await log_in(users, ada)
        all_of_ada = [str(one["id"]) for one in await sessions_of(desk)]
        [of_phone] = [str(one["id"]) for one in await sessions_of(phone) if one["current"]]
        of_grace = [str(one["id"]) for one in await sessions_of(grace)]

        assert await still_open(users, ada, [*all_of_ada, *of_grace, "ss_1"]) == set(all_of_ada)
        await end(desk, f"/{of_phone}")
        assert await still_open(users, ada, all_of_ada) == set(all_of_ada) - {of_phone}
        await end(desk)
        assert await still_open(users, ada, all_of_ada) == set()
        unsigned = await users.api.post(LIST_OPEN_SESSIONS.path, content=b"{}")
        assert unsigned.status_code in (401, 403)
