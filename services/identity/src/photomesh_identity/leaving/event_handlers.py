"""Consumer use cases: erase what identity has of an account, and collect what the other groups acknowledge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from photomesh_identity.leaving.domain import Answer
from photomesh_identity.staff.domain import AUDIT_KEPT
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope, ErasureAcknowledged, Kept

__all__ = ["AcknowledgementHandlers", "ErasedAccount", "ErasureStore", "IdentityEraser"]

USERNAME_HELD = timedelta(days=90)
_RECORD_KEPT = timedelta(days=365)


class ErasedAccount(NamedTuple):
    """Rows that were deleted, by kind; until when the username is held, if there was an account; and when staff last
    did something to the account, or the account did something as staff."""

    counts: dict[str, int]
    username_held_until: datetime | None
    last_staff_action: datetime | None


class ErasureStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def erase_account(self, account_id: int, version: int, now: datetime, held_until: datetime) -> ErasedAccount:
        """Deletes the account and all that belongs to it, holds its username, and adds `account.deleted`."""
        ...

    async def acknowledged(self, request_id: int, answer: Answer) -> None:
        """Stores an answer, merged with what the group answered before. Ignores unknown and complete erasures."""
        ...


class IdentityEraser:
    """Erases what identity has of an account. Idempotent. post erases avatars, as it knows the CDN: deleting
    them elsewhere would take away the only list of what caches may have."""

    def __init__(self, store: ErasureStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def erase(self, request: Envelope[AccountErasureRequested]) -> Erased:
        account_id, now = request.data.user_id, self._clock.now()
        counts, held_until, last_action = await self._store.erase_account(
            account_id, request.entityversion, now, now + USERNAME_HELD
        )
        keeps = [
            Kept(
                what="the ids of the account and of this erasure, and its receipt",
                why="so that you can show that the account was erased, and restored backups erase it again",
                until=now + _RECORD_KEPT,
            ),
            kept_in_topic("accounts", "profile", now),
        ]
        if held_until:
            why = "so that nobody takes your name and is mistaken for you"
            keeps.append(Kept(what="a keyed hash of the username", why=why, until=held_until))
        if last_action:
            what = "entries of the audit log: what staff did to the account, and what it did as staff"
            why = "so that misuse of staff's rights can be found and shown; nobody can change or delete entries before"
            keeps.append(Kept(what=what, why=why, until=last_action + AUDIT_KEPT))
        return Erased(counts, keeps)


class AcknowledgementHandlers:
    def __init__(self, store: ErasureStore) -> None:
        self._store = store

    async def acknowledged(self, envelope: Envelope[ErasureAcknowledged]) -> None:
        """Idempotent."""
        event = envelope.data
        answer = Answer(event.group, event.counts, event.keeps, event.done_at)
        await self._store.acknowledged(event.request_id, answer)
