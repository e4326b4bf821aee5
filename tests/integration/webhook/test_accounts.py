"""What becomes of webhooks when their account is deactivated or erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import AccountErasureRequested, AccountUpdated, Envelope
from photomesh_webhook.accounts.event_handlers import AccountEraser, AccountEventHandlers
from photomesh_webhook.accounts.store import PostgresAccounts
from tests.integration.webhook.conftest import Developer, number
from tests.integration.webhook.test_deliveries import store_delivery

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool


def updated(account_id: int, status: str) -> Envelope[AccountUpdated]:
    event = AccountUpdated.example().model_copy(update={"user_id": account_id, "status": status})
    return Envelope.of(event, entityversion=1)


async def states(of: Developer) -> list[tuple[Any, Any]]:
    return [(one["state"], one["disabled_reason"]) for one in (await of.call("GET", "")).json()["items"]]


async def test_webhooks_of_a_deactivated_account_stop_until_it_is_back(ada: Developer, pool: Pool) -> None:
    handlers = AccountEventHandlers(PostgresAccounts(pool), SystemClock())
    await ada.created()
    own = await ada.created()
    await ada.call("PATCH", f"/{own['id']}", json={"enabled": False})
    for _ in range(2):
        await handlers.account_changed(updated(ada.id, "deactivated"))
        assert await states(ada) == [("disabled", "account"), ("disabled", "owner")]
    for _ in range(2):
        await handlers.account_changed(updated(ada.id, "active"))
        assert await states(ada) == [("enabled", None), ("disabled", "owner")]


async def test_an_erasure_takes_webhooks_logs_and_what_waits_to_be_sent_about_the_account(
    ada: Developer, grace: Developer, pool: Pool, database: Connection
) -> None:
    mine, theirs = await ada.created(), await grace.created()
    await store_delivery(database, mine["id"])
    about = {"about": [ada.id, grace.id], "state": "pending", "body": b"{}", "next_attempt_at": datetime.now(UTC)}
    liked = await store_delivery(database, theirs["id"], type="photomesh.post.liked.v1", **about)
    unliked = await store_delivery(database, theirs["id"], type="photomesh.post.unliked.v1", **about)
    sent = await store_delivery(database, theirs["id"], about=[ada.id, grace.id])
    other = await store_delivery(database, theirs["id"], **{**about, "about": [grace.id]})

    eraser = AccountEraser(PostgresAccounts(pool), SystemClock())
    request = AccountErasureRequested.example().model_copy(update={"user_id": ada.id})
    erased = await eraser.erase(Envelope.of(request, entityversion=1))
    assert erased.counts == {"webhooks": 1, "deliveries": 1, "withdrawn": 1}
    assert not await database.fetch("SELECT FROM deliveries WHERE endpoint_id = $1", number(mine["id"]))
    left = await database.fetch("SELECT id FROM deliveries WHERE endpoint_id = $1", number(theirs["id"]))
    assert {ids.encode("whd", row["id"]) for row in left} == {unliked, sent, other}, liked
    again = await eraser.erase(Envelope.of(request, entityversion=1))
    assert set(again.counts.values()) == {0}

    refused = await ada.create()
    assert (refused.status_code, refused.json()["code"]) == (404, "account-not-found")
