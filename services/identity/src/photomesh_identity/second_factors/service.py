"""Use cases of second factors: enrol, confirm, check codes, remove."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from photomesh_identity.errors import CodeRequired, InvalidTicket, TotpEnabled, TotpNotEnabled, WrongCode
from photomesh_identity.metrics import SECOND_FACTORS
from photomesh_identity.second_factors.domain import (
    TICKET_LIFETIME,
    SecondFactors,
    Totp,
    VerifiedPassword,
    is_totp_code,
    matching_step,
    new_recovery_codes,
    new_ticket,
    new_totp_secret,
    normalize_code,
    provisioning_uri,
    recovery_code_hash,
    secret_text,
    ticket_hash,
)
from photomesh_shared.at_rest import AtRestCipher
from photomesh_shared.clock import Clock

__all__ = ["CIPHER_PURPOSE", "CodeGuard", "SecondFactorService", "SecondFactorStore", "cipher_name"]

CIPHER_PURPOSE = "photomesh second factors"
_ISSUER = "Photomesh"


def cipher_name(account_id: int) -> str:
    """What a sealed secret is bound to."""
    return f"totp {account_id}"


class SecondFactorStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def find(self, account_id: int) -> Totp | None: ...

    async def count_recovery_codes(self, account_id: int) -> int: ...

    async def enrol(self, account_id: int, sealed_secret: bytes, now: datetime) -> bool:
        """Stores an unconfirmed secret in place of an earlier one. Returns False if one is confirmed."""
        ...

    async def confirm(
        self, account_id: int, sealed_secret: bytes, step: int, code_hashes: Sequence[bytes], now: datetime
    ) -> bool:
        """Returns False if this secret is not waiting for its confirmation. Queues a mail."""
        ...

    async def use_step(self, account_id: int, step: int) -> bool:
        """Returns False if a code of this step, or a later one, was used before."""
        ...

    async def use_recovery_code(self, account_id: int, code_hash: bytes, now: datetime) -> bool:
        """Returns False if the account has no such unused code. Queues a mail."""
        ...

    async def replace_recovery_codes(self, account_id: int, code_hashes: Sequence[bytes]) -> None: ...

    async def remove(self, account_id: int, now: datetime) -> bool:
        """Removes the enrolment and the recovery codes; returns whether it was confirmed. Queues a mail if so."""
        ...

    async def add_ticket(self, ticket: bytes, verified: VerifiedPassword, now: datetime, expires_at: datetime) -> None:
        """Raises WrongCredentials if the password was changed since it was verified."""
        ...

    async def find_ticket(self, ticket: bytes, now: datetime) -> VerifiedPassword | None: ...

    async def redeem_ticket(self, ticket: bytes, now: datetime) -> bool:
        """Whether it had not been redeemed or expired."""
        ...


class CodeGuard(Protocol):
    def confirm(self, kind: str, account_id: int) -> AbstractAsyncContextManager[None]:
        """Encloses an attempt, and counts it if it raises one of CREDENTIALS_REFUSED. Raises TooManyAttempts."""
        ...


class SecondFactorService:
    def __init__(self, store: SecondFactorStore, cipher: AtRestCipher, guard: CodeGuard, clock: Clock) -> None:
        self._store = store
        self._cipher = cipher
        self._guard = guard
        self._clock = clock

    async def status(self, account_id: int) -> SecondFactors:
        enabled = await self.is_enabled(account_id)
        return SecondFactors(enabled, await self._store.count_recovery_codes(account_id) if enabled else 0)

    async def is_enabled(self, account_id: int) -> bool:
        """Whether a password alone is not enough to log in."""
        totp = await self._store.find(account_id)
        return totp is not None and totp.confirmed

    async def enrol(self, account_id: int, account_name: str) -> tuple[str, str]:
        """Returns a new secret as text and as the content of a QR code. It counts once `confirm` has seen a code of it.
        Raises TotpEnabled."""
        secret = new_totp_secret()
        sealed = self._cipher.encrypt(cipher_name(account_id), secret)
        if not await self._store.enrol(account_id, sealed, self._clock.now()):
            raise TotpEnabled
        return secret_text(secret), provisioning_uri(secret, account_name, _ISSUER)

    async def confirm(self, account_id: int, code: str) -> list[str]:
        """Enables the second factor; returns the recovery codes, which nobody sees again. Raises WrongCode,
        TotpEnabled, TotpNotEnabled if none was begun, and TooManyAttempts."""
        totp = await self._store.find(account_id)
        if totp is None:
            raise TotpNotEnabled
        if totp.confirmed:
            raise TotpEnabled
        codes = new_recovery_codes()
        async with self._guard.confirm("second-factor", account_id):
            step = self._matching_step(account_id, totp, normalize_code(code))
            if step is None:
                raise WrongCode
        if not await self._store.confirm(
            account_id, totp.sealed_secret, step, _hashes(account_id, codes), self._clock.now()
        ):
            raise TotpEnabled
        return codes

    async def check(self, account_id: int, code: str | None) -> None:
        """Does nothing for an account without a second factor. Raises CodeRequired without a code, WrongCode also for
        one that was used before, and TooManyAttempts."""
        totp = await self._store.find(account_id)
        if totp is None or not totp.confirmed:
            return
        if code is None:
            raise CodeRequired
        text = normalize_code(code)
        kind = "totp" if is_totp_code(text) else "recovery_code"
        async with self._guard.confirm("second-factor", account_id):
            if kind == "totp":
                step = self._matching_step(account_id, totp, text)
                accepted = step is not None and await self._store.use_step(account_id, step)
            else:
                code_hash = recovery_code_hash(account_id, text)
                accepted = await self._store.use_recovery_code(account_id, code_hash, self._clock.now())
            SECOND_FACTORS.labels(kind, "ok" if accepted else "wrong").inc()
            if not accepted:
                raise WrongCode

    async def new_recovery_codes(self, account_id: int) -> list[str]:
        """Replaces the account's recovery codes. Raises TotpNotEnabled."""
        if not await self.is_enabled(account_id):
            raise TotpNotEnabled
        codes = new_recovery_codes()
        await self._store.replace_recovery_codes(account_id, _hashes(account_id, codes))
        return codes

    async def remove(self, account_id: int) -> None:
        """Raises TotpNotEnabled."""
        if not await self._store.remove(account_id, self._clock.now()):
            raise TotpNotEnabled

    async def issue_ticket(self, account_id: int, password_version: int) -> str:
        """For a log-in whose password was right. Raises WrongCredentials if it was changed meanwhile."""
        ticket, now = new_ticket(), self._clock.now()
        verified = VerifiedPassword(account_id, password_version)
        await self._store.add_ticket(ticket_hash(ticket), verified, now, now + TICKET_LIFETIME)
        return ticket

    async def redeem(self, ticket: str, code: str) -> VerifiedPassword:
        """Returns what a ticket was issued for, and uses it up. Raises InvalidTicket, WrongCode and TooManyAttempts; a
        ticket survives wrong codes."""
        hashed = ticket_hash(ticket)
        verified = await self._store.find_ticket(hashed, self._clock.now())
        if verified is None:
            raise InvalidTicket
        await self.check(verified.account_id, code)
        if not await self._store.redeem_ticket(hashed, self._clock.now()):
            raise InvalidTicket
        return verified

    def _matching_step(self, account_id: int, totp: Totp, code: str) -> int | None:
        secret = self._cipher.decrypt(cipher_name(account_id), totp.sealed_secret)
        return matching_step(secret, code, self._clock.now()) if is_totp_code(code) else None


def _hashes(account_id: int, codes: Sequence[str]) -> list[bytes]:
    return [recovery_code_hash(account_id, code) for code in codes]
