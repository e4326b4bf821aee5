"""Webhooks of an account: made, changed, deleted; their secrets and their events."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from photomesh_shared import ids
from photomesh_webhook.app import create_app
from photomesh_webhook.endpoints.secrets import SecretBox
from photomesh_webhook.settings import Settings
from tests.integration.webhook.conftest import URL, Developer, Identity, number
from tests.support.services import client_of, settings_from

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection

NewDeveloper = Callable[..., Developer]


async def events_of(database: Connection, webhook_id: str) -> list[dict[str, Any]]:
    """Of the outbox, in order."""
    rows = await database.fetch("SELECT type, payload FROM outbox WHERE key = $1 ORDER BY id", webhook_id.encode())
    return [{"type": row["type"], **json.loads(row["payload"])} for row in rows]


async def live_secrets(database: Connection, environment: Mapping[str, str], webhook_id: str) -> list[str]:
    box = SecretBox(*settings_from(Settings, environment).key_encryption_secret.accepted)
    rows = await database.fetch("SELECT sealed FROM secrets WHERE endpoint_id = $1 ORDER BY id", number(webhook_id))
    return [box.text(box.open(number(webhook_id), row["sealed"])) for row in rows]


async def test_a_webhook_is_made_with_a_secret_that_is_shown_once(
    ada: Developer, database: Connection, environment: Mapping[str, str]
) -> None:
    response = await ada.create(description="My  bot", types=["photomesh.post.*", "photomesh.post.*"])
    made = response.json()
    assert response.headers["Location"] == f"/v1/webhooks/{made['id']}"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert made["secret"].startswith("whsec_")
    assert await live_secrets(database, environment, made["id"]) == [made.pop("secret")]
    assert made["types"] == ["photomesh.post.*"]
    assert (made["state"], made["behind"], made["gap"], made["pending"]) == ("enabled", False, False, 0)
    assert await ada.get(made["id"]) == made
    listed = (await ada.call("GET", "")).json()
    assert listed == {"items": [made]}


async def test_a_creation_can_be_repeated_and_gives_the_secret_again(ada: Developer) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = await ada.create(headers=key), await ada.create(headers=key)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    await ada.call("POST", f"/{first.json()['id']}/rotate-secret")
    third = await ada.create(headers=key)
    assert third.json()["secret"] is None


async def test_nobody_sees_or_changes_the_webhooks_of_others(ada: Developer, grace: Developer) -> None:
    made = await ada.created()
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("POST", "/replay", {"since": "2026-11-21T10:00:00Z"}),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/whd_1/redeliver", None),
    ):
        response = await grace.call(method, f"/{made['id']}{path}", json=body)
        assert (response.status_code, response.json()["code"]) == (404, "webhook-not-found"), path
    assert (await grace.call("DELETE", f"/{made['id']}")).status_code == 204
    made.pop("secret")
    assert await ada.get(made["id"]) == made
    assert (await grace.call("GET", "")).json() == {"items": []}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8444/",
        "https://user@hooks.example.com/",
        "https://0x7f.1/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
    ],
)
async def test_urls_that_may_not_be_called_are_refused(ada: Developer, url: str) -> None:
    response = await ada.create(url=url)
    assert (response.status_code, response.json()["code"]) == (422, "webhook-url-refused")
    made = await ada.created()
    response = await ada.call("PATCH", f"/{made['id']}", json={"url": url})
    assert (response.status_code, response.json()["code"]) == (422, "webhook-url-refused")
    await ada.call("DELETE", f"/{made['id']}")


async def test_types_that_are_not_offered_are_named(ada: Developer) -> None:
    response = await ada.create(types=["photomesh.post.*", "photomesh.block.created.v1", "photomesh.account.*"])
    assert (response.status_code, response.json()["code"]) == (422, "unknown-event-types")
    assert [error["pointer"] for error in response.json()["errors"]] == ["/types/1", "/types/2"]


async def test_another_url_takes_back_that_the_old_one_failed(ada: Developer, database: Connection) -> None:
    made = await ada.created()
    failed = "UPDATE endpoints SET failures = 12, failing_since = now() - interval '2 hours', warned_hours = 1"
    await database.execute(f"{failed} WHERE id = $1", number(made["id"]))
    await ada.call("PATCH", f"/{made['id']}", json={"description": "Mended tomorrow"})
    assert len(await events_of(database, made["id"])) == 1, "it still fails"
    await ada.call("PATCH", f"/{made['id']}", json={"url": f"{URL}/elsewhere"})
    _, changed = await events_of(database, made["id"])
    assert changed["type"] == "photomesh.webhook.state-changed.v1"
    assert (changed["state"], changed["failing_hours"], changed["failing_since"]) == ("enabled", 0, None)


async def test_events_of_everybody_are_for_administrators(ada: Developer, new_developer: NewDeveloper) -> None:
    everyone: dict[str, Any] = {"audience": "everyone", "types": ["photomesh.account.*"]}
    for who in (ada, new_developer(roles="moderator support")):
        response = await who.create(**everyone)
        assert (response.status_code, response.json()["code"]) == (403, "role-required")
    operator = new_developer(roles="administrator")
    made = await operator.created(**everyone)
    assert made["audience"] == "everyone"
    # Without the role it can be looked at and deleted.
    dismissed = Developer(operator.id, operator.api, {**operator.headers, **_without_roles(new_developer, operator)})
    for method, path, body in (
        ("PATCH", "", {"enabled": True}),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("POST", "/replay", {"since": "2026-11-21T10:00:00Z"}),
    ):
        response = await dismissed.call(method, f"/{made['id']}{path}", json=body)
        assert (response.status_code, response.json()["code"]) == (403, "role-required"), path
    assert (await dismissed.get(made["id"]))["state"] == "enabled"
    assert (await dismissed.call("DELETE", f"/{made['id']}")).status_code == 204


def _without_roles(new_developer: NewDeveloper, of: Developer) -> Mapping[str, str]:
    return new_developer(sub=_wire(of.id)).headers


def _wire(account_id: int) -> str:
    return ids.encode("u", account_id)


async def test_what_administrators_do_with_everybodys_events_is_in_the_audit_log_before_it_happens(
    new_developer: NewDeveloper, identity: Identity
) -> None:
    operator = new_developer(roles="administrator")
    everyone: dict[str, Any] = {"audience": "everyone", "types": ["photomesh.account.*"]}
    made = await operator.created(**everyone)
    webhook = number(made["id"])
    assert identity.of(operator.id) == [("webhook_created", webhook)]
    await operator.call("PATCH", f"/{made['id']}", json={"description": "Search"})
    await operator.call("POST", f"/{made['id']}/rotate-secret")
    assert identity.of(operator.id)[1:] == [("webhook_changed", webhook)] * 2

    # What a token still says of a role that has ended does not count.
    identity.dismissed.add(operator.id)
    for response in (
        await operator.create(**everyone),
        await operator.call("PATCH", f"/{made['id']}", json={"description": "Other"}),
        await operator.call("POST", f"/{made['id']}/rotate-secret"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "role-required")
    assert (await operator.get(made["id"]))["description"] == "Search"
    own = await operator.created()
    assert {one["id"] for one in (await operator.call("GET", "")).json()["items"]} == {made["id"], own["id"]}
    assert len(identity.of(operator.id)) == 3, "what is one's own is in no log of staff"


async def test_what_cannot_be_written_to_the_audit_log_does_not_happen(
    new_developer: NewDeveloper, environment: Mapping[str, str]
) -> None:
    operator = new_developer(roles="administrator")
    everyone: dict[str, Any] = {"audience": "everyone", "types": ["photomesh.account.*"]}
    made = await operator.created(**everyone)
    nobody_listens = {**environment, "PHOTOMESH_IDENTITY_URL": "http://127.0.0.1:1"}
    async with client_of(create_app(settings_from(Settings, nobody_listens))) as api:
        cut_off = Developer(operator.id, api, operator.headers)
        for response in (
            await cut_off.create(**everyone),
            await cut_off.call("PATCH", f"/{made['id']}", json={"description": "Other"}),
            await cut_off.call("POST", f"/{made['id']}/rotate-secret"),
        ):
            assert (response.status_code, response.json()["code"]) == (503, "service-unavailable")
        await cut_off.created()  # one's own needs nobody
    assert (await operator.get(made["id"]))["description"] == ""


async def test_an_account_has_ten(ada: Developer) -> None:
    for _ in range(10):
        await ada.created()
    response = await ada.create()
    assert (response.status_code, response.json()["code"]) == (409, "too-many-webhooks")
    assert response.json()["limit"] == 10
    (first, *_) = (await ada.call("GET", "")).json()["items"]
    await ada.call("DELETE", f"/{first['id']}")
    await ada.created()


async def test_an_update_changes_what_it_names(ada: Developer, database: Connection) -> None:
    made = await ada.created(description="old")
    response = await ada.call("PATCH", f"/{made['id']}", json={"ordering": "none"})
    assert response.status_code == 200, response.text
    assert (response.json()["ordering"], response.json()["description"]) == ("none", "old")
    changed = (await ada.call("PATCH", f"/{made['id']}", json={"url": f"{URL}/2", "enabled": False})).json()
    assert (changed["url"], changed["state"], changed["disabled_reason"]) == (f"{URL}/2", "disabled", "owner")
    assert changed["behind"]
    enabled = (await ada.call("PATCH", f"/{made['id']}", json={"enabled": True})).json()
    assert (enabled["state"], enabled["disabled_reason"], enabled["behind"]) == ("enabled", None, True)
    told = await events_of(database, made["id"])
    assert [event["state"] for event in told] == ["enabled", "disabled", "enabled"]
    assert URL not in json.dumps(told)


async def test_an_update_with_if_match_heeds_what_owners_changed_and_not_what_delivery_knows(
    ada: Developer, database: Connection
) -> None:
    made = await ada.created()
    tag = (await ada.call("GET", f"/{made['id']}")).headers["ETag"]
    cached = await ada.call("GET", f"/{made['id']}", headers={"If-None-Match": tag})
    assert cached.status_code == 304
    await database.execute("UPDATE endpoints SET gap = true WHERE id = $1", number(made["id"]))
    seen = await ada.call("GET", f"/{made['id']}", headers={"If-None-Match": tag})
    assert (seen.status_code, seen.json()["gap"]) == (200, True)
    changed = await ada.call("PATCH", f"/{made['id']}", headers={"If-Match": tag}, json={"description": "one"})
    assert changed.status_code == 200
    refused = await ada.call("PATCH", f"/{made['id']}", headers={"If-Match": tag}, json={"description": "two"})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition-failed")
    again = await ada.call(
        "PATCH", f"/{made['id']}", headers={"If-Match": changed.headers["ETag"]}, json={"description": "two"}
    )
    assert again.json()["description"] == "two"


async def test_a_replaced_secret_lives_for_a_day_and_only_two_do(
    ada: Developer, database: Connection, environment: Mapping[str, str]
) -> None:
    made = await ada.created()
    secrets = [made["secret"]]
    for _ in range(2):
        response = await ada.call("POST", f"/{made['id']}/rotate-secret")
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "private, no-store")
        secrets.append(response.json()["secret"])
        assert await live_secrets(database, environment, made["id"]) == secrets[-2:]
    assert len(set(secrets)) == 3
    lives = await database.fetchval(
        "SELECT expires_at - created_at > interval '23 hours' FROM secrets"
        " WHERE endpoint_id = $1 AND expires_at IS NOT NULL",
        number(made["id"]),
    )
    assert lives


async def test_a_deleted_webhook_is_gone_with_what_it_had(ada: Developer, database: Connection) -> None:
    made = await ada.created()
    await ada.call("POST", f"/{made['id']}/test")
    for _ in range(2):
        assert (await ada.call("DELETE", f"/{made['id']}")).status_code == 204
    assert (await ada.call("GET", f"/{made['id']}")).status_code == 404
    assert not await database.fetch("SELECT FROM secrets WHERE endpoint_id = $1", number(made["id"]))
    assert not await database.fetch("SELECT FROM deliveries WHERE endpoint_id = $1", number(made["id"]))
    told = await events_of(database, made["id"])
    assert [event["type"] for event in told] == [
        "photomesh.webhook.state-changed.v1",
        "photomesh.webhook.deleted.v1",
    ]


async def test_a_personal_token_needs_the_scope(new_developer: NewDeveloper) -> None:
    reader = new_developer(scope="webhooks:read")
    assert (await reader.call("GET", "")).status_code == 200
    response = await reader.create()
    assert (response.status_code, response.json()["required_scope"]) == (403, "webhooks:write")
    await new_developer(scope="webhooks:write").created()
