"""Use cases of leaving: deactivate an account, have it erased, come back, and look how the erasure goes."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.credentials.confirmation import Confirmation
from photomesh_identity.credentials.tokens import new_mail_token, token_hash
from photomesh_identity.errors import ErasureNotFound, WrongCredentials
from photomesh_identity.leaving.domain import Erasure
from photomesh_identity.metrics import STATUS_CHANGES
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import ACTIVE

__all__ = ["Departure", "HidingTarget", "LeavingService", "LeavingStore"]

log = logging.getLogger(__name__)

_REQUEST_ID_BITS = 63


class LeavingStore(Protocol):
    """Every method raises Unavailable when the database does not answer. Changes add the event of the account, and the
    first two end all sessions and queue a notice."""

    async def deactivate(self, account_id: int, now: datetime) -> Account:
        """Raises AccountNotFound."""
        ...

    async def leave(self, account_id: int, erasure: Erasure, token: str, now: datetime) -> tuple[Account, Erasure]:
        """Schedules the erasure; one that is scheduled already gets this token, and the earlier of the two times.
        Raises AccountNotFound, also when the erasure has started."""
        ...

    async def status(self, account_id: int) -> str | None: ...

    async def come_back(self, account_id: int, now: datetime) -> Account | None:
        """Makes the account active, and cancels a scheduled erasure. None if that has started."""
        ...

    async def erasure(self, request_id: int, token: bytes) -> Erasure | None: ...


class HidingTarget(Protocol):
    async def store_everywhere(self, account: Account) -> None:
        """Stores the account ahead of its event wherever others see it. Raises HidingPending."""
        ...


@dataclass(frozen=True)
class Departure:
    """A scheduled erasure, and the token by which its owner can read it."""

    erasure: Erasure
    token: str


class LeavingService:
    def __init__(
        self, store: LeavingStore, confirmation: Confirmation, target: HidingTarget, clock: Clock, *, grace: timedelta
    ) -> None:
        """`grace`: how long an account that leaves can come back."""
        self._store = store
        self._confirmation = confirmation
        self._target = target
        self._clock = clock
        self._grace = grace

    async def deactivate(self, account_id: int, password: str, code: str | None) -> None:
        """Acknowledged once the account is hidden everywhere. Raises WrongPassword, TooManyTries, AccountNotFound, and
        HidingPending, after which a repeat tries again."""
        await self._confirmation.require(account_id, password, code)
        account = await self._store.deactivate(account_id, self._clock.now())
        STATUS_CHANGES.labels("deactivated").inc()
        await self._target.store_everywhere(account)

    async def leave(self, account_id: int, password: str, code: str | None, *, at_once: bool) -> Departure:
        """As `deactivate`, and the account is erased when its time of grace is over, or at once. Then a repeat could
        not be confirmed, since the credentials go first: what is not hidden yet is hidden by the account's event."""
        await self._confirmation.require(account_id, password, code)
        now, token = self._clock.now(), new_mail_token()
        due_at = now if at_once else now + self._grace
        erasure = Erasure(secrets.randbits(_REQUEST_ID_BITS), account_id, now, due_at)
        account, erasure = await self._store.leave(account_id, erasure, token, now)
        STATUS_CHANGES.labels("leaving").inc()
        try:
            await self._target.store_everywhere(account)
        except Unavailable as error:
            if not at_once:
                raise
            log.info("an account that is being erased is not hidden everywhere yet", extra={"reason": str(error)})
        return Departure(erasure, token)

    async def come_back(self, account_id: int) -> str | None:
        """Called by every log-in. Makes the account active; returns the status that it had, None if it was active.
        Raises WrongCredentials if the account is being erased."""
        before = await self._store.status(account_id)
        if before == ACTIVE:
            return None
        account = await self._store.come_back(account_id, self._clock.now()) if before else None
        if account is None:
            raise WrongCredentials
        STATUS_CHANGES.labels("active").inc()
        try:
            await self._target.store_everywhere(account)
        except Unavailable as error:  # its event shows it a moment later
            log.info("an account that came back is not shown everywhere yet", extra={"reason": str(error)})
        return before

    async def erasure(self, request_id: int, token: str) -> Erasure:
        """Raises ErasureNotFound, also for a wrong token."""
        found = await self._store.erasure(request_id, token_hash(token))
        if found is None:
            raise ErasureNotFound
        return found
