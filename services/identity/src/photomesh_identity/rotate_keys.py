"""``python -m photomesh_identity.rotate_keys``: adds a signing key, deletes those that are not needed any
more, and encrypts all, and the secrets of second factors, with the first secret of PHOTOMESH_KEY_ENCRYPTION_SECRET.

The new key is published at once and signs after PHOTOMESH_KEY_PUBLISH_SECONDS; running services pick it up.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from photomesh_identity.second_factors.service import CIPHER_PURPOSE, cipher_name
from photomesh_identity.second_factors.store import PostgresSecondFactors
from photomesh_identity.settings import Settings
from photomesh_identity.signing_keys import domain
from photomesh_identity.signing_keys.domain import KeyCipher, SigningKey
from photomesh_identity.signing_keys.store import PostgresSigningKeys
from photomesh_shared.at_rest import AtRestCipher
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.stores.postgres import open_pool

__all__ = ["rotate_keys"]


async def rotate_keys(settings: Settings, clock: Clock) -> list[SigningKey]:
    """Returns the keys after the rotation, newest last."""
    cipher = KeyCipher(*settings.key_encryption_secret.accepted)
    delay, lifetime = (
        timedelta(seconds=settings.key_publish_seconds),
        timedelta(seconds=settings.access_token_seconds),
    )
    factors = AtRestCipher(CIPHER_PURPOSE, *settings.key_encryption_secret.accepted)
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        await PostgresSecondFactors(pool).reencrypt(
            lambda account_id, sealed: factors.reencrypt(cipher_name(account_id), sealed)
        )
        return await PostgresSigningKeys(pool).update(
            lambda keys: domain.rotate(keys, cipher, clock.now(), publish_delay=delay, token_lifetime=lifetime)
        )


def main() -> None:
    *older, newest = asyncio.run(rotate_keys(Settings(), SystemClock()))
    print(f"{newest.kid} signs from {newest.active_from:%Y-%m-%d %H:%M:%S} UTC; {len(older)} older keys stay published")


if __name__ == "__main__":
    main()
