"""``python -m photomesh_identity.rotate_keys``: adds a signing key and drops those that are no longer needed.

The new key is published at once and signs after PHOTOMESH_KEY_PUBLISH_SECONDS; running services notice by themselves.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from photomesh_identity.keys import Seal, SealedKey, rotated
from photomesh_identity.settings import Settings
from photomesh_identity.store import PostgresStore
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.postgres import open_pool

__all__ = ["rotate"]


async def rotate(settings: Settings, clock: Clock) -> list[SealedKey]:
    """The keys after the rotation, the newest last."""
    seal = Seal(settings.key_encryption_secret.get_secret_value())
    delay, lifetime = (
        timedelta(seconds=settings.key_publish_seconds),
        timedelta(seconds=settings.access_token_seconds),
    )
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool:
        return await PostgresStore(pool).change_signing_keys(
            lambda keys: rotated(keys, seal, clock.now(), publish_delay=delay, token_lifetime=lifetime)
        )


def main() -> None:
    *older, newest = asyncio.run(rotate(Settings(), SystemClock()))
    print(f"{newest.kid} signs from {newest.active_from:%Y-%m-%d %H:%M:%S} UTC; {len(older)} older stay published")


if __name__ == "__main__":
    main()
