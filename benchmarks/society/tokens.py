"""Access tokens for people who have no password: signed with the key that the stack's identity signs with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import photomesh_local as local
from photomesh_identity.signing_keys.domain import KeyCipher
from photomesh_identity.signing_keys.service import KeyRing, TokenPolicy
from photomesh_identity.signing_keys.store import PostgresSigningKeys
from photomesh_shared.clock import SystemClock
from photomesh_shared.stores.postgres import open_pool

__all__ = ["tokens"]

_LIFETIME = timedelta(hours=6)  # longer than any benchmark
_SESSION = 1


async def tokens(stack: str, account_ids: Iterable[int]) -> dict[int, str]:
    """One for each account; every service of the stack accepts them. Identity has run before."""
    environment = local.environment(stack, "identity")
    policy = TokenPolicy(environment["PHOTOMESH_TOKEN_ISSUER"], environment["PHOTOMESH_TOKEN_AUDIENCE"], _LIFETIME)
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        cipher = KeyCipher(environment["PHOTOMESH_KEY_ENCRYPTION_SECRET"])
        keys = KeyRing(PostgresSigningKeys(pool), cipher, policy, SystemClock())
        await keys.load()
        return {account: keys.access_token(account, _SESSION) for account in account_ids}
