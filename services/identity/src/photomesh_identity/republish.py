"""Writes the current state of every account to the topic `accounts`, with a new version each::

python -m photomesh_identity.republish

After a restore of the database: consumers then follow what it says, whatever they have seen since the backup. Accounts
that were erased since then are erased again, by the topic `erasures`. It may run beside the service, whose outbox relay
publishes the events, and may be repeated.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable
from dataclasses import replace

from photomesh_identity.accounts.events import account_updated
from photomesh_identity.accounts.store import PostgresAccounts
from photomesh_identity.consumer_wiring import open_eraser
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.leaving.erasure_store import PostgresErasures
from photomesh_identity.leaving.event_handlers import IdentityEraser
from photomesh_identity.settings import Settings
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.consumer.erasure import requested_erasures
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS, AccountErasureRequested, Envelope
from photomesh_shared.events.versions import next_version
from photomesh_shared.stores.postgres import open_pool

__all__ = ["erase_again", "main", "republish"]

_BATCH = 500


async def republish(store: PostgresAccounts, clock: Clock, *, cdn_url: str) -> int:
    """Returns how many accounts there were. Raises DatabaseUnavailable."""
    count, last = 0, -1
    while account_ids := await store.ids_after(last, _BATCH):
        for last in account_ids:
            try:
                await store.update(
                    last,
                    lambda account: replace(account, version=next_version(account.version, clock.now())),
                    lambda account: account_updated(account, cdn_url),
                )
            except AccountNotFound:  # deleted meanwhile
                continue
            count += 1
    return count


async def erase_again(
    requests: AsyncIterable[Envelope[AccountErasureRequested]],
    eraser: IdentityEraser,
    store: PostgresErasures,
    clock: Clock,
) -> int:
    """Returns how many accounts there still were. Raises Unavailable."""
    count = 0
    async for request in requests:
        erased = await eraser.erase(request)
        await store.restore(request, TOPICS["erasures"].consumers, clock.now())
        count += erased.counts["accounts"]
    return count


async def _run(settings: Settings) -> tuple[int, int]:
    clock = SystemClock()
    async with (
        open_eraser(settings, clock) as (eraser, erasures),
        open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool,
    ):
        erased = await erase_again(requested_erasures(settings), eraser, erasures, clock)
        return await republish(PostgresAccounts(pool), clock, cdn_url=settings.cdn_url), erased


def main() -> int:
    try:
        accounts, erased = asyncio.run(_run(Settings()))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    print(f"{accounts} accounts are in the outbox; {erased} that had left were erased again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
