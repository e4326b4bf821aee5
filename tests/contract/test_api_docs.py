"""docs/api.md says what the settings, the code and the OpenAPI document say."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from photomesh_feed.reading.ranked import _KEPT_SECONDS as RANKED_SECONDS
from photomesh_gateway import compression
from photomesh_identity.settings import Settings as IdentitySettings
from photomesh_shared.stores import idempotency_keys
from photomesh_upload.settings import Settings as UploadSettings
from tests.contract.test_openapi import OPERATIONS, resolved

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/api.md").read_text()


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    return str(found)


def in_words(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0 and (unit != "day" or seconds > length):
            return f"{seconds // length} {unit}{'s' if seconds > length else ''}"
    raise AssertionError(seconds)


def test_lifetimes_are_those_of_the_settings() -> None:
    identity, upload = IdentitySettings.model_construct(), UploadSettings.model_construct()
    rows = re.findall(r"^\| (?!what|---)(.+?) \| (.+?) \|$", section("Tokens and other lifetimes"), re.M)
    assert {what.partition(";")[0]: lasts for what, lasts in rows} == {
        "access token": in_words(timedelta(seconds=identity.access_token_seconds)),
        "refresh token, without use": in_words(timedelta(seconds=identity.refresh_idle_seconds)),
        "session, in any case": in_words(timedelta(seconds=identity.refresh_total_seconds)),
        "repeating a refresh whose answer was lost": in_words(timedelta(seconds=identity.refresh_grace_seconds)),
        "an open upload": in_words(timedelta(seconds=upload.upload_seconds)),
        "a presigned URL": in_words(timedelta(seconds=upload.url_seconds)),
        "an ended upload can be read": in_words(timedelta(days=upload.keep_days)),
        "an `Idempotency-Key`": "24 hours",
        "cursors of a ranked feed": in_words(timedelta(seconds=RANKED_SECONDS)),
    }
    assert "24 hours" in str(idempotency_keys.__doc__)


def test_the_operations_that_heed_if_match_are_named() -> None:
    heeding = {
        name
        for name, operation in OPERATIONS.items()
        if "If-Match" in [resolved(parameter)["name"] for parameter in operation.get("parameters", [])]
    }
    text = section("Caching and conditions")
    assert set(re.findall(r"`((?:PATCH|DELETE|PUT) /v1/\S+)`", text)) == heeding


def test_every_read_takes_a_condition() -> None:
    for name, operation in OPERATIONS.items():
        names = [resolved(parameter)["name"] for parameter in operation.get("parameters", [])]
        if name.startswith("GET"):
            streams = "text/event-stream" in resolved(operation["responses"]["200"]).get("content", {})
            assert ("If-None-Match" in names) is not streams


def test_what_is_compressed() -> None:
    low, high = compression.MIN_BYTES, compression.MAX_BYTES
    assert f"{low / 1000:.1f} KB to {high // 1024} KB are compressed" in section("Compression")


def test_every_link_leads_to_a_file() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
