"""The gateway's settings, as its environment has them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from photomesh_gateway.pages.limits import limits_of
from photomesh_gateway.ratelimit.gcra import Rate
from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_gateway.settings import Settings
from photomesh_shared import limits
from photomesh_shared.http import RateClass
from tests.support.services import settings_from


def test_rates_lists_and_addresses() -> None:
    settings = settings_from(
        Settings,
        {},
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
        settings_from(Settings, {}, **change)


def test_the_limits_that_are_told_are_those_enforced() -> None:
    told = limits_of(settings_from(Settings, {}, rate_upload="7/70"))
    assert {rate.name for rate in told.rates} == {"user", "address", *RateClass}
    assert [(rate.quota, rate.window_seconds) for rate in told.rates if rate.name == "upload"] == [(7, 70)]
    assert told.requests.max_body_bytes == max(route.max_body for route in ROUTES)
    assert told.uploads.max_bytes == limits.MAX_UPLOAD_BYTES
    assert told.uploads.content_types == list(limits.ALLOWED_TYPES)
