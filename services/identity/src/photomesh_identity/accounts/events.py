"""Events of accounts: each carries the whole public profile, never the e-mail address."""

from __future__ import annotations

from photomesh_identity.accounts.domain import Account, avatar_url
from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope, Event
from photomesh_shared.ids import encode

__all__ = ["account_registered", "account_updated"]


def account_registered(account: Account, cdn_url: str) -> Envelope[Event]:
    return _envelope(account, AccountRegistered(**_public_profile(account, cdn_url)))


def account_updated(account: Account, cdn_url: str) -> Envelope[Event]:
    return _envelope(account, AccountUpdated(**_public_profile(account, cdn_url), updated_at=account.updated_at))


def _public_profile(account: Account, cdn_url: str) -> dict[str, object]:
    return {
        "user_id": account.id,
        "username": account.username,
        "display_name": account.display_name,
        "bio": account.bio,
        "private": account.private,
        "avatar_url": avatar_url(account, cdn_url),
        "registered_at": account.created_at,
        "status": account.status,
        "mentionable_by": account.mentionable_by,
        "searchable": account.searchable,
    }


def _envelope(account: Account, event: Event) -> Envelope[Event]:
    event_id = f"{encode('u', account.id)}.{account.version}"
    return Envelope.of(event, entityversion=account.version, id=event_id, time=account.updated_at)
