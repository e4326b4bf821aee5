"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_identity.http.routes import (
    accounts,
    addresses,
    consents,
    internal,
    leaving,
    passkeys,
    passwords,
    profiles,
    second_factors,
    sessions,
    staff,
    tokens,
)
from photomesh_identity.settings import Settings
from photomesh_identity.wiring import open_deps
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh identity",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[
            accounts.router,
            passwords.router,
            addresses.router,
            consents.router,
            sessions.router,
            second_factors.router,
            passkeys.router,
            tokens.router,
            profiles.router,
            leaving.router,
            staff.router,
        ],
        internal=[internal.router, tokens.internal],
        description="Accounts, sessions and profiles.",
    )
