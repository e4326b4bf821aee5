"""The gateway's settings, as its environment has them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from photomesh_gateway.pages.limits import limits_of
from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_gateway.settings import Settings
from photomesh_shared import limits
from photomesh_shared.concurrency.gcra import Rate
from photomesh_shared.http import RateClass
from tests.support.services import settings_from

KEYS = {"PHOTOMESH_CALL_KEYS": "{}"}


def test_rates_lists_and_addresses() -> None:
    settings = settings_from(
        Settings,
        KEYS,
        rate_auth="5/10",
        cors_origins='["https://app.example"]',
        trusted_proxies='["10.0.0.0/8"]',
        post_url="http://post:8000",
    )
    assert settings.rate_of(RateClass.AUTH) == Rate(5, 10)
    assert settings.cors_origins == ["https://app.example"]
    assert settings.trusted_proxies == ["10.0.0.0/8"]
    assert settings.url_of(Upstream.POST) == "http://post:8000"


@pytest.mark.parametrize(
    "change", [{"rate_auth": "5"}, {"trusted_proxies": '["here"]'}, {"trusted_proxies": '["10.0.0.1/8"]'}]
)
def test_what_it_refuses(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings_from(Settings, KEYS, **change)


def test_what_is_kept_for_a_caller_has_a_budget() -> None:
    """Every change, but those that undo or end something, and sessions' own."""
    without = {
        (route.method, route.template)
        for route in ROUTES
        if route.method in ("POST", "PUT", "PATCH") and route.budget is None
    }
    assert without == {
        ("POST", "/v1/sessions/refresh"),  # replaces the token before
        ("POST", "/v1/sessions/passkey/options"),  # signs, and keeps nothing
        ("POST", "/v1/me/passkeys/options"),  # the same
        ("POST", "/v1/me/totp/remove"),
        ("POST", "/v1/uploads/{upload_id}/parts"),  # signs, and keeps nothing
        ("POST", "/v1/uploads/{upload_id}/complete"),  # once for each upload
        ("PUT", "/v1/notifications/seen"),  # one marker
        ("POST", "/v1/notifications/stream-tickets"),  # kept for 30 seconds
    }


def test_the_limits_that_are_told_are_those_enforced() -> None:
    told = limits_of(settings_from(Settings, KEYS, rate_upload="7/70"))
    assert {rate.name for rate in told.rates} == {"user", "address", *RateClass}
    assert [(rate.quota, rate.window_seconds) for rate in told.rates if rate.name == "upload"] == [(7, 70)]
    assert {budget.name: (budget.per_account, budget.per_address) for budget in told.budgets} == {
        "registrations": (None, 200),
        "logins": (None, 1_000),
        "uploads": (None, 20_000),
        "records": (2_000, 40_000),
        "toggles": (5_000, 100_000),
        "impressions": (2_000, 40_000),
        "exports": (5, 100),
        "webhooks": (500, 10_000),
    }
    assert told.requests.max_body_bytes == max(route.max_body for route in ROUTES)
    assert told.uploads.max_bytes == limits.MAX_UPLOAD_BYTES
    assert told.uploads.content_types == list(limits.ALLOWED_TYPES)
