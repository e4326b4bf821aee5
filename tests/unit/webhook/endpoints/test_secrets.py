"""Secrets of endpoints."""

from __future__ import annotations

import base64

import pytest

from photomesh_webhook.endpoints.secrets import SecretBox, new_secret


def test_a_secret_has_the_form_of_standard_webhooks() -> None:
    secret = new_secret()
    text = SecretBox.text(secret)
    assert text.startswith("whsec_")
    assert base64.b64decode(text.removeprefix("whsec_"), validate=True) == secret
    assert len(secret) == 32
    assert new_secret() != secret


def test_a_sealed_secret_is_opened_for_its_endpoint_only() -> None:
    box, secret = SecretBox("one"), new_secret()
    sealed = box.seal(7, secret)
    assert secret not in sealed
    assert box.open(7, sealed) == secret
    with pytest.raises(ValueError, match="wh_8"):
        box.open(8, sealed)


def test_a_sealed_secret_survives_the_replacement_of_the_key() -> None:
    secret = new_secret()
    sealed = SecretBox("old").seal(7, secret)
    assert SecretBox("new", "old").open(7, sealed) == secret
    with pytest.raises(ValueError, match="another"):
        SecretBox("new").open(7, sealed)
