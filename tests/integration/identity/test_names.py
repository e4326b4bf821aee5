"""What search asks of identity: the account of exactly this name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from photomesh_shared.clock import SystemClock
from photomesh_shared.ids import encode
from photomesh_shared.internal_api.identity import FIND_BY_NAME, NameQuery
from tests.integration.identity.conftest import serve
from tests.integration.identity.test_staff_webhooks import _KEY, call


async def test_an_account_is_found_by_its_very_name_unless_it_does_not_want_to(environment: Mapping[str, str]) -> None:
    keys = {"PHOTOMESH_CALLER_KEYS": json.dumps({"search": _KEY})}
    async with serve({**environment, **keys}, SystemClock()) as users:
        ada = await users.new_user()
        today = datetime.now(UTC).date()
        minor = await users.new_user(birth_date=today.replace(day=1, year=today.year - 15).isoformat())

        async def found(name: str) -> list[str]:
            answer = await call(users, "search", FIND_BY_NAME, NameQuery(username=name))
            return [encode("u", one.id) for one in answer.accounts]

        assert await found(ada.username.upper()) == [ada.id]
        for name in (ada.username[:-1], "", "*", "x" * 100, minor.username):
            assert await found(name) == []
        assert (await ada.me()).json()["searchable"] is True
        assert (await ada.update(searchable=False)).json()["searchable"] is False
        assert await found(ada.username) == []
        await ada.update(searchable=True)
        assert await found(ada.username) == [ada.id]
