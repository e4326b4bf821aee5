"""Use cases of e-mail addresses: prove one, and take another."""

from __future__ import annotations

from typing import Protocol

from photomesh_identity.addresses.domain import Claim, Emails
from photomesh_identity.credentials.confirmation import Allowance, Allowances, Confirmation
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.credentials.tokens import KeyedHash, new_mail_token, token_hash
from photomesh_identity.errors import AccountNotFound, LinkNotValid, TooManyTries
from photomesh_identity.metrics import EMAILS_VERIFIED
from photomesh_shared.clock import Clock

__all__ = ["AddressService", "AddressStore"]

_OF_ACCOUNT = Allowance.of_day("verification-account", 10)
_TO_ADDRESS = Allowance.of_day("verification-address", 5)


class AddressStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def find(self, account_id: int) -> Emails | None: ...

    async def claim(self, claim: Claim, token: str) -> None:
        """Stores what the account asks for, instead of what it asked for before, and queues the mails. Raises
        AccountNotFound."""
        ...

    async def prove(self, token: bytes) -> bool:
        """Makes the claimed address the account's own, and proved. False if there is no such claim any more. Raises
        EmailTaken if another account has proved it."""
        ...


class AddressService:
    def __init__(
        self,
        store: AddressStore,
        confirmation: Confirmation,
        allowances: Allowances,
        keyed_hash: KeyedHash,
        clock: Clock,
    ) -> None:
        self._store = store
        self._confirmation = confirmation
        self._allowances = allowances
        self._keyed_hash = keyed_hash
        self._clock = clock

    async def get(self, account_id: int) -> Emails:
        """Raises AccountNotFound."""
        if (found := await self._store.find(account_id)) is None:
            raise AccountNotFound
        return found

    async def change(self, account_id: int, email: str, password: str, code: str | None) -> Emails:
        """Mails a link to the new address; until it is opened, the old one stays. Raises WrongPassword and
        TooManyTries."""
        await self._confirmation.require(account_id, password, code)
        await self._claim(account_id, email)
        return await self.get(account_id)

    async def mail_again(self, account_id: int) -> Emails:
        """Mails a new link for the address that is not proved yet, if there is one. Raises TooManyTries."""
        emails = await self.get(account_id)
        if email := emails.pending or (None if emails.verified else emails.email):
            await self._claim(account_id, email)
        return emails

    async def may_mail(self, email: str) -> bool:
        """Whether a mail may go to an address for an account that is being registered. Counts it."""
        return await self._take(_TO_ADDRESS, self._subject(email)) is None

    async def prove(self, token: str) -> None:
        """By the token of a mail. Raises LinkNotValid and EmailTaken."""
        if not await self._store.prove(token_hash(token)):
            raise LinkNotValid
        EMAILS_VERIFIED.inc()

    async def _claim(self, account_id: int, email: str) -> None:
        for allowance, subject in (
            (_OF_ACCOUNT, account_id.to_bytes(8)),
            (_TO_ADDRESS, self._subject(email)),
        ):
            if wait := await self._take(allowance, subject):
                raise TooManyTries(wait)
        token = new_mail_token()
        await self._store.claim(Claim(account_id, email, token_hash(token), self._clock.now()), token)

    async def _take(self, allowance: Allowance, subject: bytes) -> float | None:
        wait = await self._allowances.take(allowance, subject, self._clock.now())
        return wait.total_seconds() if wait else None

    def _subject(self, email: str) -> bytes:
        return self._keyed_hash.current("verification-address", email_key(email))
