"""Deactivation and leaving: hidden at once, back by a log-in, erased when the time has come, with a receipt."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.leaving.domain import Answer
from photomesh_identity.leaving.erasure_store import PostgresErasures
from photomesh_identity.leaving.event_handlers import AcknowledgementHandlers, IdentityEraser
from photomesh_identity.leaving.subscriber_store import PostgresSubscribers
from photomesh_identity.republish import erase_again
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import AccountErasureRequested, Envelope, ErasureAcknowledged, Kept
from photomesh_shared.ids import decode
from photomesh_shared.stores.postgres import open_pool
from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers
from tests.integration.identity.conftest import Serving, serve
from tests.integration.identity.fake_services import FakeServices, serve_fake_services
from tests.support.clock import MovableClock
from tests.support.mail_server import Inbox, token_in
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

DAY = timedelta(days=1)


async def leave(user: ApiUser, **body: object) -> httpx.Response:
    return await user.api.request("DELETE", "/v1/me", json={"password": PASSWORD, **body}, headers=user.headers)


async def deactivate(user: ApiUser, password: str = PASSWORD) -> httpx.Response:
    return await user.api.post("/v1/me/deactivation", json={"password": password}, headers=user.headers)


async def profile(user: ApiUser, viewer: ApiUser | None = None) -> httpx.Response:
    return await user.api.get(f"/v1/users/{user.id}", headers=viewer.headers if viewer else {})


async def erasure(user: ApiUser, answer: httpx.Response, token: str | None = None) -> httpx.Response:
    body = answer.json()
    return await user.api.get(f"/v1/erasures/{body['id']}", headers={"Erasure-Token": token or body["token"]})


@pytest.fixture
def keyed_hash(environment: Mapping[str, str]) -> KeyedHash:
    return KeyedHash([environment["PHOTOMESH_HASH_SECRET"]])


@pytest.fixture
async def store(environment: Mapping[str, str], keyed_hash: KeyedHash) -> AsyncIterator[PostgresErasures]:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        yield PostgresErasures(pool, keyed_hash)


async def request_of(database: asyncpg.Connection[asyncpg.Record], user: ApiUser) -> Envelope[AccountErasureRequested]:
    """The request that the coordinator has added to the outbox."""

    async def look() -> asyncpg.Record | None:
        return await database.fetchrow(
            "SELECT * FROM erasures WHERE account_id = $1 AND started_at IS NOT NULL", decode("u", user.id)
        )

    row = await eventually(look)
    assert row is not None
    event = AccountErasureRequested(
        request_id=row["request_id"], user_id=row["account_id"], requested_at=row["started_at"]
    )
    return Envelope.of(event, entityversion=row["version"])


async def test_a_deactivated_account_is_hidden_until_its_next_log_in(
    users: ApiUsers, social_graph: FakeServices, inbox: Inbox
) -> None:
    ada, grace = await users.new_user(), await users.new_user()
    expect_problem(await deactivate(ada, "wrong password"), 403, "wrong-password")
    assert (await deactivate(ada)).status_code == 204
    assert social_graph.accounts[ada.id]["status"] == "deactivated"
    for viewer in (grace, None):
        expect_problem(await profile(ada, viewer), 404, "account-not-found")
        by_name = await users.api.get(f"/v1/users/by-username/{ada.username}")
        expect_problem(by_name, 404, "account-not-found")
    assert (await profile(ada, ada)).status_code == 200
    expect_problem(await ada.refresh(), 401, "session-ended")
    answer = await users.log_in(ada.username)
    assert answer.json()["returned_from"] == "deactivated"
    assert (await users.log_in(ada.username)).json()["returned_from"] is None
    assert (await profile(ada, grace)).status_code == 200
    assert social_graph.accounts[ada.id]["status"] == "active"


@pytest.mark.parametrize("down", ["social-graph", "post", "feed"])
async def test_hiding_is_acknowledged_once_it_is_effective_everywhere(
    environment: Mapping[str, str], down: str
) -> None:
    with serve_fake_services() as away:
        async with serve(environment, SystemClock(), **{f"{down.replace('-', '_')}_url": away.url}) as users:
            ada = await users.new_user()
            away.down.add("writes")
            expect_problem(await deactivate(ada), 503, "hiding-pending")
            expect_problem(await profile(ada), 404, "account-not-found")
            away.reset()
            assert (await deactivate(ada)).status_code == 204
            assert away.accounts[ada.id]["status"] == "deactivated"


async def test_an_erasure_that_begins_at_once_is_answered_though_hiding_is_pending(
    environment: Mapping[str, str],
) -> None:
    """A repeat could not be confirmed: the credentials go first."""
    with serve_fake_services() as away:
        async with serve(environment, SystemClock(), post_url=away.url) as users:
            ada = await users.new_user()
            away.down.add("writes")
            expect_problem(await leave(ada), 503, "hiding-pending")
            answer = await leave(ada, now=True)
            assert answer.status_code == 202
            assert (await erasure(ada, answer)).status_code == 200


async def test_a_log_in_within_the_time_of_grace_cancels_the_deletion(
    serving: Serving, clock: MovableClock, inbox: Inbox
) -> None:
    async with serving() as users:
        ada = await users.new_user()
        first = await leave(ada)
        assert first.status_code == 202
        due_at = datetime.fromisoformat(first.json()["due_at"])
        assert timedelta(days=29) < due_at - datetime.now(UTC) < timedelta(days=31)
        expect_problem(await profile(ada), 404, "account-not-found")
        assert (await erasure(ada, first)).json()["state"] == "scheduled"
        second = await leave(ada)
        assert second.json()["id"] == first.json()["id"]
        expect_problem(await erasure(ada, first), 404, "erasure-not-found")
        clock.ahead = 29 * DAY
        answer = await users.log_in(ada.username)
        assert answer.json()["returned_from"] == "leaving"
        assert (await profile(ada)).status_code == 200
        expect_problem(await erasure(ada, second), 404, "erasure-not-found")


async def test_an_account_is_erased_and_its_owner_gets_a_receipt(
    serving: Serving,
    clock: MovableClock,
    inbox: Inbox,
    database: asyncpg.Connection[asyncpg.Record],
    store: PostgresErasures,
) -> None:
    async with serving(erasure_interval_seconds="0.05", erasure_repeat_seconds="0.1") as users:
        ada = await users.new_user()
        proof = token_in(await inbox.arrived(ada.user["email"]))
        redeemed = await users.api.post("/v1/email-verifications/redeem", json={"token": proof})
        assert redeemed.status_code < 300
        await users.log_in(ada.username)
        answer = await leave(ada)
        mail = await inbox.arrived(ada.user["email"], "will be deleted")
        assert token_in(mail) == answer.json()["token"]
        clock.ahead = 31 * DAY
        request = await request_of(database, ada)
        expect_problem(await users.log_in(ada.username), 401, "wrong-credentials")
        eraser = IdentityEraser(store, clock)
        erased = await eraser.erase(request)
        assert erased.counts["accounts"] == 1
        assert erased.counts["sessions"] >= 1
        again = await eraser.erase(request)
        assert again.counts["accounts"] == 0

        # Nothing of the person is left, but what is declared; and the name is held.
        assert await traces(database, ada.username, ada.user["email"]) == []
        taken = await users.register(ApiUsers.registration(ada.username))
        expect_problem(taken, 409, "username-taken")
        expect_problem(await users.log_in(ada.username), 401, "wrong-credentials")

        # The request is repeated until all groups have acknowledged.
        report = (await erasure(ada, answer)).json()
        assert (report["state"], report["receipt"]) == ("running", None)
        assert {group["done_at"] for group in report["groups"]} == {None}
        await eventually(lambda: requests(database, ada), until=lambda number: number > 2)
        acknowledgements = AcknowledgementHandlers(store)
        for group in [group["group"] for group in report["groups"]]:
            for counts in ({"things": 3}, {"things": 1, "others": 2}):  # repeated after an interruption
                event = ErasureAcknowledged(
                    request_id=request.data.request_id,
                    user_id=request.data.user_id,
                    group=group,
                    counts=counts,
                    done_at=clock.now(),
                    keeps=(Kept(what="backups", why="they are kept for a month", until=clock.now() + 30 * DAY),),
                )
                await acknowledgements.acknowledged(Envelope.of(event, entityversion=1))

        async def look() -> dict[str, object]:
            return dict((await erasure(ada, answer)).json())

        report = await eventually(look, until=lambda report: report["state"] == "complete")
        keys = (await users.api.get("/v1/erasures/keys")).json()["keys"]
        receipt = str(report["receipt"])
        [key] = [key for key in keys if key["kid"] == jws.extract_compact(receipt.encode()).headers()["kid"]]
        claims = json.loads(jws.deserialize_compact(receipt, ECKey.import_key(key), algorithms=["ES256"]).payload)
        assert claims["sub"] == ada.id
        assert {group["group"] for group in claims["groups"]} == {group["group"] for group in report["groups"]}
        assert all(group["counts"] == {"things": 3, "others": 2} for group in claims["groups"])
        assert claims["groups"][0]["keeps"][0]["what"] == "backups"


async def test_now_waits_only_for_the_mail(
    serving: Serving, inbox: Inbox, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving(erasure_interval_seconds="0.05") as users:
        ada = await users.new_user()
        assert (await leave(ada, now=True)).status_code == 202
        await request_of(database, ada)


async def test_subscribers_of_others_are_waited_for(
    serving: Serving, environment: Mapping[str, str], database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        subscribers = PostgresSubscribers(pool)
        await subscribers.add("acme.search", datetime.now(UTC))
        async with serving(erasure_interval_seconds="0.05") as users:
            ada = await users.new_user()
            answer = await leave(ada, now=True)
            await request_of(database, ada)
            groups = [group["group"] for group in (await erasure(ada, answer)).json()["groups"]]
            assert "acme.search" in groups
            await subscribers.remove("acme.search")
            assert "acme.search" not in [g["group"] for g in (await erasure(ada, answer)).json()["groups"]]
        assert await subscribers.all() == []


async def test_a_restored_database_erases_again_what_had_left(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record], store: PostgresErasures
) -> None:
    ada = await users.new_user()
    event = AccountErasureRequested(request_id=77, user_id=decode("u", ada.id), requested_at=datetime.now(UTC))

    async def topic() -> AsyncIterator[Envelope[AccountErasureRequested]]:
        for _ in range(2):
            yield Envelope.of(event, entityversion=1 << 53, id="77")

    eraser = IdentityEraser(store, SystemClock())
    assert await erase_again(topic(), eraser, store, SystemClock()) == 1
    expect_problem(await profile(ada), 404, "account-not-found")
    assert await database.fetchval("SELECT count(*) FROM erasures WHERE request_id = 77") == 1
    await store.acknowledged(77, Answer("identity", {}, (), datetime.now(UTC)))
    await database.execute("DELETE FROM erasures WHERE request_id = 77")


async def requests(database: asyncpg.Connection[asyncpg.Record], user: ApiUser) -> int:
    number: int = await database.fetchval(
        "SELECT count(*) FROM outbox WHERE topic = 'erasures' AND key = $1", user.id.encode()
    )
    return number


async def traces(database: asyncpg.Connection[asyncpg.Record], *words: str) -> list[str]:
    """Tables of the database in which a word stands."""
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = []
    for (table,) in tables:
        rows = await database.fetch(f"SELECT t::text AS row FROM {table} t")
        found += [f"{table}: {word}" for word in words if any(word in row["row"] for row in rows)]
    return found
