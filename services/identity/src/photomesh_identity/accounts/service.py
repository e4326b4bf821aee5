"""Use cases of accounts and their profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Protocol

from photomesh_identity.accounts.domain import Account, ProfileEdit, age_of, apply_edit, with_age
from photomesh_identity.accounts.events import account_updated
from photomesh_identity.credentials.domain import normalize_username
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.metrics import PROFILE_EDITS
from photomesh_shared.clock import Clock
from photomesh_shared.errors import PreconditionFailed
from photomesh_shared.events import Envelope, Event

__all__ = ["AccountService", "AccountStore", "Avatars", "PrivacyTarget", "UsernameStore"]


class AccountStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def find(self, account_id: int) -> Account | None: ...

    async def page(self, after: int, limit: int) -> tuple[list[Account], int]: ...

    async def find_by_username(self, username: str) -> Account | None: ...

    async def update(
        self,
        account_id: int,
        change: Callable[[Account], Account],
        event: Callable[[Account], Envelope[Event]],
    ) -> tuple[Account, Account]:
        """Applies `change` under the account's lock, and adds the event if it returns another account. Returns the
        account before and after. Raises AccountNotFound, and what `change` raises."""
        ...


class Avatars(Protocol):
    async def copy_photo(self, owner_id: int, photo_id: int, authorization: str) -> Mapping[int, str]:
        """Copies the photo's small sizes; returns size → key. `authorization` is the owner's header. Raises
        AvatarPhotoForStory, AvatarPhotoNotFound, AvatarPhotoNotReady, or Unavailable."""
        ...

    async def remove(self, avatar: Mapping[int, str]) -> None:
        """Never raises; failures are logged."""
        ...


class PrivacyTarget(Protocol):
    async def store_account(self, account: Account) -> None:
        """Stores the account ahead of its event, where following and reading are decided. Raises PrivacyPending."""
        ...


class UsernameStore(Protocol):
    async def change_username(self, account_id: int, username: str) -> Account:
        """Takes the name, holds the old one for its owner, and adds the event and the notice. Raises UsernameTaken,
        TooManyTries, AccountNotFound, and Unavailable when the database does not answer."""
        ...


class AccountService:
    def __init__(
        self,
        store: AccountStore,
        usernames: UsernameStore,
        avatars: Avatars,
        privacy: PrivacyTarget,
        clock: Clock,
        *,
        cdn_url: str,
    ) -> None:
        self._store = store
        self._usernames = usernames
        self._avatars = avatars
        self._privacy = privacy
        self._clock = clock
        self._cdn_url = cdn_url

    async def get(self, account_id: int) -> Account:
        """Raises AccountNotFound."""
        return _found(await self._store.find(account_id))

    async def page(self, after: int, limit: int) -> tuple[list[Account], int]:
        """The next accounts by id, and how many there are, roughly."""
        return await self._store.page(after, limit)

    async def get_by_username(self, username: str) -> Account:
        """Raises AccountNotFound."""
        try:
            return _found(await self._store.find_by_username(normalize_username(username)))
        except ValueError as error:
            raise AccountNotFound from error

    async def update_profile(
        self,
        account_id: int,
        edit: ProfileEdit,
        *,
        authorization: str,
        precondition: Callable[[Account], None],
    ) -> Account:
        """Returns the account after the edit. `precondition` raises if the account is not the version that the client
        has seen. Raises also as `Avatars.copy_photo`. post erases the avatar before, with the CDN's copies, once it has
        the event.

        Going private is acknowledged once it is effective: until social-graph and post have it, anyone could still
        follow without a request, and read. Raises PrivacyPending if one of them cannot be reached; the edit is stored,
        and a repeat tries again.
        """
        avatar: Mapping[int, str] | None = None
        if edit.avatar_photo_id is not None:
            precondition(await self.get(account_id))
            avatar = await self._avatars.copy_photo(account_id, edit.avatar_photo_id, authorization)

        def change(current: Account) -> Account:
            precondition(current)
            return apply_edit(current, edit, avatar, self._clock.now())

        try:
            before, after = await self._store.update(
                account_id, change, lambda account: account_updated(account, self._cdn_url)
            )
        except (PreconditionFailed, AccountNotFound):  # not Unavailable: the commit may have succeeded
            await self._avatars.remove(avatar or {})
            raise
        if after is not before:
            PROFILE_EDITS.inc()
        if edit.private:
            await self._privacy.store_account(after)
        return after

    async def change_username(self, account_id: int, username: str) -> Account:
        """Returns the account with its new name, which has passed `normalize_username`; others can take the old one
        only after a while. Raises as `UsernameStore.change_username`."""
        return await self._usernames.change_username(account_id, username)

    async def state_birth_date(self, account_id: int, birth_date: date) -> Account:
        """Keeps the range of the age, and makes a minor's account private, which is acknowledged as by
        `update_profile`. Raises TooYoung, AgeKnown, InvalidRequest, PrivacyPending, AccountNotFound."""
        now = self._clock.now()
        age = age_of(birth_date, now.date())
        before, after = await self._store.update(
            account_id,
            lambda account: with_age(account, age, now),
            lambda account: account_updated(account, self._cdn_url),
        )
        if after.private and not before.private:
            await self._privacy.store_account(after)
        return after


def _found(account: Account | None) -> Account:
    if account is None:
        raise AccountNotFound
    return account
