"""Use cases of passkeys: register, log in, list, rename, remove."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.errors import PasskeyNotFound, PasskeyRefused, TooManyPasskeys
from photomesh_identity.metrics import SECOND_FACTORS
from photomesh_identity.passkeys.domain import LOG_IN, MAX_PASSKEYS, Challenges, Passkey, register
from photomesh_identity.passkeys.verification import (
    MalformedCredential,
    RelyingParty,
    challenge_of,
    credential_id_of,
)
from photomesh_shared.clock import Clock

__all__ = ["PasskeyService", "PasskeyStore"]

log = logging.getLogger(__name__)

_ID_BITS = 63  # random, so that passkeys need no lease on ids


class PasskeyStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def list_of(self, account_id: int) -> list[Passkey]:
        """The newest first."""
        ...

    async def find(self, credential_id: bytes) -> Passkey | None: ...

    async def add(self, passkey: Passkey, challenge: bytes, challenge_ends: datetime) -> None:
        """Stores the passkey, uses up the challenge, and queues a mail. Raises PasskeyRefused if the challenge was used
        before, PasskeyRegistered, TooManyPasskeys."""
        ...

    async def use(
        self, passkey: Passkey, challenge: bytes, challenge_ends: datetime, *, sign_count: int, backed_up: bool
    ) -> bool:
        """Uses up the challenge. Returns False if it was used before, or the passkey was used meanwhile."""
        ...

    async def rename(self, account_id: int, passkey_id: int, name: str) -> Passkey | None: ...

    async def remove(self, account_id: int, passkey_id: int, now: datetime) -> bool:
        """Queues a mail."""
        ...


class PasskeyService:
    def __init__(self, store: PasskeyStore, relying_party: RelyingParty, challenges: Challenges, clock: Clock) -> None:
        self._store = store
        self._relying_party = relying_party
        self._challenges = challenges
        self._clock = clock

    async def registration_options(self, account: Account) -> dict[str, Any]:
        """Raises TooManyPasskeys."""
        known = await self._store.list_of(account.id)
        if len(known) >= MAX_PASSKEYS:
            raise TooManyPasskeys(limit=MAX_PASSKEYS)
        return self._relying_party.creation_options(
            self._challenges.issue(register(account.id), self._clock.now()),
            user_id=account.id,
            username=account.username,
            display_name=account.display_name,
            known=[passkey.credential_id for passkey in known],
        )

    async def register(self, account_id: int, credential: dict[str, Any], name: str) -> Passkey:
        """Raises PasskeyRefused, PasskeyRegistered and TooManyPasskeys."""
        now = self._clock.now()
        try:
            challenge = challenge_of(credential)
            if (ends := self._challenges.end(challenge, register(account_id), now)) is None:
                raise PasskeyRefused("The challenge has expired, or is not for this account.")
            new = self._relying_party.verify_registration(credential, challenge)
        except MalformedCredential as error:
            log.info("passkey refused", extra={"reason": str(error)})
            raise PasskeyRefused from error
        passkey = Passkey(
            secrets.randbits(_ID_BITS),
            account_id,
            new.credential_id,
            new.public_key,
            new.sign_count,
            name,
            new.backed_up,
            now,
        )
        await self._store.add(passkey, _hash(challenge), ends)
        return passkey

    def log_in_options(self) -> dict[str, Any]:
        """For any passkey: the authenticator names the account."""
        return self._relying_party.request_options(self._challenges.issue(LOG_IN, self._clock.now()))

    async def authenticate(self, credential: dict[str, Any]) -> int:
        """Returns the account that the passkey belongs to. Raises PasskeyRefused."""
        try:
            account_id = await self._authenticate(credential)
        except (MalformedCredential, PasskeyRefused) as error:
            SECOND_FACTORS.labels("passkey", "wrong").inc()
            log.info("passkey refused", extra={"reason": str(error)})
            raise PasskeyRefused from error
        SECOND_FACTORS.labels("passkey", "ok").inc()
        return account_id

    async def _authenticate(self, credential: dict[str, Any]) -> int:
        challenge = challenge_of(credential)
        if (ends := self._challenges.end(challenge, LOG_IN, self._clock.now())) is None:
            raise PasskeyRefused("The challenge has expired.")
        passkey = await self._store.find(credential_id_of(credential))
        if passkey is None:
            raise PasskeyRefused("The passkey is unknown.")
        used = self._relying_party.verify_use(
            credential, challenge, public_key=passkey.public_key, sign_count=passkey.sign_count
        )
        if not await self._store.use(
            passkey, _hash(challenge), ends, sign_count=used.sign_count, backed_up=used.backed_up
        ):
            raise PasskeyRefused("The challenge was used before.")
        return passkey.account_id

    async def list_passkeys(self, account_id: int) -> Sequence[Passkey]:
        return await self._store.list_of(account_id)

    async def rename(self, account_id: int, passkey_id: int, name: str) -> Passkey:
        """Raises PasskeyNotFound."""
        renamed = await self._store.rename(account_id, passkey_id, name)
        if renamed is None:
            raise PasskeyNotFound
        return renamed

    async def remove(self, account_id: int, passkey_id: int) -> None:
        """Raises PasskeyNotFound."""
        if not await self._store.remove(account_id, passkey_id, self._clock.now()):
            raise PasskeyNotFound


def _hash(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
