"""What webhook asks of identity: who is an administrator now, and entries of the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import decode, encode
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.internal_api.identity import (
    LIST_STAFF_ROLES,
    RECORD_WEBHOOK_ACTION,
    StaffRolesQuery,
    WebhookAction,
)
from photomesh_shared.internal_api.operation import Operation
from photomesh_shared.settings import ReplaceableSecret
from photomesh_shared.tokens.roles import Role
from tests.integration.identity.api_users import ApiUsers
from tests.integration.identity.conftest import serve
from tests.integration.identity.test_staff import Database, log_of, with_role
from tests.support.clock import MovableClock

_KEY = "k" * 40
_WEBHOOK = 382_764_513_820_131_328
Answer = TypeVar("Answer")


async def call(users: ApiUsers, caller: str, operation: Operation[Answer], body: BaseModel) -> Answer:
    signer = CallSigner(caller, "identity", ReplaceableSecret(_KEY), SystemClock())
    headers = {"Authorization": signer.authorization(), "Content-Type": "application/json"}
    answer = await users.api.post(operation.path, content=body.model_dump_json(), headers=headers)
    assert answer.status_code == 200, answer.text
    return operation.parse(answer.content)


async def test_roles_count_until_they_are_revoked_or_the_second_factor_ends(
    environment: Mapping[str, str], clock: MovableClock, database: Database
) -> None:
    keys = {"PHOTOMESH_CALLER_KEYS": json.dumps({"webhook-sender": _KEY, "webhook": _KEY})}
    async with serve({**environment, **keys}, clock) as users:
        admin, _ = await with_role(users, clock, database, Role.ADMINISTRATOR)
        other, _ = await with_role(users, clock, database, Role.ADMINISTRATOR)
        admin_id = decode("u", admin.id)

        async def roles() -> list[str]:
            return (await call(users, "webhook-sender", LIST_STAFF_ROLES, StaffRolesQuery(account_id=admin_id))).roles

        async def records(action: str) -> bool:
            body = WebhookAction.model_validate({"staff_id": admin.id, "action": action, "webhook_id": _WEBHOOK})
            return (await call(users, "webhook", RECORD_WEBHOOK_ACTION, body)).allowed

        assert await roles() == ["administrator"]
        assert await records("webhook_created")
        assert await records("webhook_changed")
        entries = await log_of(other, f"&staff_id={admin.id}")
        assert [(one["action"], one["webhook_id"], one["user_id"], one["reason"]) for one in entries] == [
            ("webhook_changed", encode("wh", _WEBHOOK), None, ""),
            ("webhook_created", encode("wh", _WEBHOOK), None, ""),
        ]

        await database.execute("DELETE FROM staff_roles WHERE account_id = $1", admin_id)
        assert await roles() == []
        assert not await records("webhook_changed")
        assert len(await log_of(other, f"&staff_id={admin.id}")) == 2, "what was not allowed is not written"

        other_id = decode("u", other.id)
        await database.execute("DELETE FROM totp WHERE account_id = $1", other_id)
        found = await call(users, "webhook-sender", LIST_STAFF_ROLES, StaffRolesQuery(account_id=other_id))
        assert found.roles == []
