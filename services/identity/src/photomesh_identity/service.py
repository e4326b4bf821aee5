"""Accounts and their profiles, and what these need. Log-ins are in `sessions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from photomesh_identity import credentials
from photomesh_identity.domain import Account, ProfileEdit, Session, avatar_urls, edited, token_hash
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.metrics import PROFILE_EDITS, REGISTRATIONS
from photomesh_identity.sessions import Grant, Ids, Passwords, Sessions
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError, InvalidRequest, PreconditionFailed
from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope, Event
from photomesh_shared.ids import encode

__all__ = ["AccountStore", "Accounts", "Avatars"]


class AccountStore(Protocol):
    """Every method raises Unavailable when the database is away."""

    async def refuse_taken(self, username: str, email: str) -> None:
        """Raises UsernameTaken or EmailTaken."""
        ...

    async def add_account(
        self, account: Account, password_hash: str, session: Session, token: bytes, event: Envelope[Event]
    ) -> None:
        """All of it, or nothing. Raises UsernameTaken or EmailTaken."""
        ...

    async def account(self, account_id: int) -> Account | None: ...

    async def account_named(self, username: str) -> Account | None: ...

    async def change_account(
        self,
        account_id: int,
        change: Callable[[Account], Account],
        event: Callable[[Account], Envelope[Event]],
    ) -> tuple[Account, Account]:
        """Applies `change` under the account's lock and adds the event if anything changed; before and after.
        Raises AccountNotFound, and whatever `change` raises."""
        ...


class Avatars(Protocol):
    async def make(self, owner_id: int, photo_id: int, authorization: str) -> Mapping[int, str]:
        """Copies of the photo's small sizes that outlive it: size → key. Raises AvatarPhotoNotFound,
        AvatarPhotoNotReady, or Unavailable."""
        ...

    async def remove(self, avatar: Mapping[int, str]) -> None:
        """Never raises: what cannot be removed is logged."""
        ...


class Accounts:
    """Accounts and their profiles."""

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        sessions: Sessions,
        avatars: Avatars,
        ids: Ids,
        clock: Clock,
        *,
        cdn_url: str,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._avatars = avatars
        self._ids = ids
        self._clock = clock
        self._cdn_url = cdn_url

    async def register(self, username: str, email: str, password: str) -> tuple[Account, Grant]:
        """Opens an account and logs it in; each argument has passed its rule in `credentials`. Raises InvalidRequest,
        UsernameTaken or EmailTaken."""
        if fault := credentials.reveals(password, username, email):
            raise InvalidRequest(errors=[FieldError("/password", fault)])
        await self._store.refuse_taken(username, email)  # before the costly hash; the database has the last word
        password_hash = await self._passwords.hash(password)
        now = self._clock.now()
        account = Account(self._ids.next(), username, email, username, "", False, None, 1, now, now)
        session, refresh_token = self._sessions.begin(account.id)
        registered = self._envelope(account, AccountRegistered(**self._public(account)))
        await self._store.add_account(account, password_hash, session, token_hash(refresh_token), registered)
        REGISTRATIONS.inc()
        return account, self._sessions.grant(session, refresh_token)

    async def get(self, account_id: int) -> Account:
        """Raises AccountNotFound."""
        return _found(await self._store.account(account_id))

    async def named(self, username: str) -> Account:
        """Raises AccountNotFound."""
        try:
            return _found(await self._store.account_named(credentials.username(username)))
        except ValueError as error:
            raise AccountNotFound from error

    async def edit(
        self,
        account_id: int,
        edit: ProfileEdit,
        *,
        authorization: str,
        precondition: Callable[[Account], None],
    ) -> Account:
        """The profile after the edit. `precondition` raises when the account is not the one that the caller has
        seen. Raises also as `Avatars.make`."""
        avatar: Mapping[int, str] | None = None
        if edit.avatar_photo_id is not None:
            precondition(await self.get(account_id))
            avatar = await self._avatars.make(account_id, edit.avatar_photo_id, authorization)

        def change(current: Account) -> Account:
            precondition(current)
            return edited(current, edit, avatar, self._clock.now())

        try:
            before, after = await self._store.change_account(account_id, change, self._updated)
        except (PreconditionFailed, AccountNotFound):  # but not Unavailable: the commit may have happened
            await self._avatars.remove(avatar or {})
            raise
        if after is not before:
            PROFILE_EDITS.inc()
        if before.avatar and before.avatar != after.avatar:
            await self._avatars.remove(before.avatar)
        return after

    def _updated(self, account: Account) -> Envelope[Event]:
        return self._envelope(account, AccountUpdated(**self._public(account), updated_at=account.updated_at))

    def _public(self, account: Account) -> dict[str, object]:
        urls = avatar_urls(account, self._cdn_url)
        return {
            "user_id": account.id,
            "username": account.username,
            "display_name": account.display_name,
            "bio": account.bio,
            "private": account.private,
            "avatar_url": urls[min(urls)] if urls else None,
            "registered_at": account.created_at,
        }

    @staticmethod
    def _envelope(account: Account, event: Event) -> Envelope[Event]:
        event_id = f"{encode('u', account.id)}.{account.version}"
        return Envelope.of(event, entityversion=account.version, id=event_id, time=account.updated_at)


def _found(account: Account | None) -> Account:
    if account is None:
        raise AccountNotFound
    return account
