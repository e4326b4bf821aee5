"""All accounts, page by page, for services that compare their copies with them."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.internal_api.identity import LIST_ACCOUNTS
from photomesh_shared.settings import ReplaceableSecret
from tests.integration.identity.conftest import serve
from tests.support.clock import MovableClock

_KEY = "k" * 40


async def test_pages_of_accounts(environment: Mapping[str, str], clock: MovableClock) -> None:
    keys = {"PHOTOMESH_CALLER_KEYS": f'{{"post-consumer": "{_KEY}"}}'}
    signer = CallSigner("post-consumer", "identity", ReplaceableSecret(_KEY), SystemClock())
    async with serve({**environment, **keys}, clock) as users:
        first, second, third = [await users.new_user() for _ in range(3)]
        await second.update(private=True, display_name="Hidden")
        after = ids.decode("u", first.id) - 1
        answer = await users.api.get(
            LIST_ACCOUNTS.path,
            params={"after": after, "limit": 2},
            headers={"Authorization": signer.authorization()},
        )
        page = LIST_ACCOUNTS.parse(answer.content)
        assert [account.account_id for account in page.accounts] == [ids.decode("u", one.id) for one in (first, second)]
        assert [(account.private, account.status) for account in page.accounts] == [(False, "active"), (True, "active")]
        assert page.accounts[1].display_name == "Hidden"
        assert page.accounts[1].version > page.accounts[0].version
        assert page.total >= 2
        assert (await users.api.get(LIST_ACCOUNTS.path)).status_code in (401, 403)
        del third
