"""Events of accounts, as identity publishes them."""

from __future__ import annotations

from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope

__all__ = ["account"]


def account(user_id: int, *, private: bool = False, version: int = 1) -> Envelope[AccountRegistered | AccountUpdated]:
    """The first version is a registration, the others are changes of it."""
    kind = AccountRegistered if version == 1 else AccountUpdated
    fields = kind.example().model_dump() | {
        "user_id": user_id,
        "username": f"user{user_id}",
        "display_name": f"User {user_id}, {version}",
        "private": private,
    }
    return Envelope.of(kind(**fields), entityversion=version, id=f"{user_id}.{version}")
