"""Signing keys: the first key, rotation, and verifiers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from joserfc.jwk import ECKey

from photomesh_identity.rotate_keys import rotate_keys
from photomesh_identity.settings import Settings
from photomesh_shared.ids import encode
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks
from tests.integration.identity.api_users import ApiUser, ApiUsers
from tests.integration.identity.conftest import SECOND, Serving
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem
from tests.support.services import settings_from
from tests.support.waiting import eventually


async def _kids(users: ApiUsers) -> list[str]:
    answer = await users.api.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    return [key["kid"] for key in answer.json()["keys"]]


def _kid(user: ApiUser) -> str:
    header: dict[str, Any] = json.loads(urlsafe_b64decode(user.tokens["access_token"].split(".")[0] + "=="))
    return str(header["kid"])


async def test_only_public_parts_are_published(users: ApiUsers) -> None:
    answer = await users.api.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["alg"], key["use"], key["crv"]) == ("ES256", "sig", "P-256")


async def test_other_services_verify_tokens_with_the_published_key(users: ApiUsers) -> None:
    ada = await users.new_user()
    verifier = TokenVerifier(
        fetch_jwks(users.api, "/.well-known/jwks.json"), issuer="photomesh", audience="photomesh-api"
    )
    principal = await verifier.verify(ada.tokens["access_token"])
    assert encode("u", principal.account_id) == ada.id


async def test_replicas_that_start_together_share_the_first_key(serving: Serving, empty_database: str) -> None:
    async with AsyncExitStack() as stack:
        replicas = await asyncio.gather(
            *(stack.enter_async_context(serving(postgres_dsn=empty_database)) for _ in range(4))
        )
        published = [await _kids(replica) for replica in replicas]
        assert published == [published[0]] * 4
        assert len(published[0]) == 1


async def test_rotation(
    environment: Mapping[str, str], serving: Serving, clock: MovableClock, empty_database: str
) -> None:
    settings = settings_from(Settings, environment, postgres_dsn=empty_database)
    async with serving(postgres_dsn=empty_database, key_reload_seconds="0.05") as users:
        ada = await users.new_user()
        [old] = await _kids(users)
        assert _kid(ada) == old

        [_, added] = await rotate_keys(settings, clock)
        assert await eventually(lambda: _kids(users), until=lambda kids: len(kids) == 2) == [old, added.kid]
        await ada.refreshed()
        assert _kid(ada) == old  # published, not active yet

        clock.ahead += 900 * SECOND
        last_of_old = ApiUser(users.api, ada.user, ada.tokens)
        clock.ahead -= SECOND
        await last_of_old.refreshed(ada.refresh_token)
        clock.ahead += SECOND
        ada = await users.log_in_as(ada.username)
        assert _kid(ada) == added.kid
        assert (await ada.me()).status_code == 200
        assert _kid(last_of_old) == old
        assert (await last_of_old.me()).status_code == 200  # signed by the old key, still valid

        clock.ahead += 900 * SECOND
        expect_problem(await last_of_old.me(), 401, "expired-token")
        assert old in await _kids(users)
        clock.ahead += 61 * SECOND
        assert await _kids(users) == [added.kid]

        kids = [key.kid for key in await rotate_keys(settings, clock)]
        assert kids[0] == added.kid
        assert len(kids) == 2  # the oldest key was deleted


async def test_commands_migrate_and_rotate_keys(
    environment: Mapping[str, str], empty_database: str, serving: Serving
) -> None:
    env = {**environment, "PHOTOMESH_POSTGRES_DSN": empty_database}
    for module in ("migrate", "rotate_keys", "rotate_keys"):
        run = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", f"photomesh_identity.{module}"],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip()
    assert "1 older keys stay published" in run.stdout
    async with serving(postgres_dsn=empty_database) as users:
        assert len(await _kids(users)) == 2
        await users.new_user()


async def test_the_private_part_is_stored_encrypted(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    [row] = await database.fetch("SELECT public_jwk::text, sealed_private FROM signing_keys")
    assert '"d"' not in row["public_jwk"]
    with pytest.raises(ValueError, match=r".*"):
        ECKey.import_key(bytes(row["sealed_private"][12:]))


async def test_does_not_start_with_another_encryption_secret(serving: Serving, users: ApiUsers) -> None:
    with pytest.raises(ValueError, match="PHOTOMESH_KEY_ENCRYPTION_SECRET"):
        async with serving(key_encryption_secret="another"):
            pass
    assert (await users.api.get("/readyz")).status_code == 200
