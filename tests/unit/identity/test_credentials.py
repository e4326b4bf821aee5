"""Rules for usernames, e-mail addresses and passwords."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_identity.credentials.domain import (
    check_new_password,
    email_key,
    normalize_email,
    normalize_password,
    normalize_username,
    resemblance,
)

_ALLOWED = st.text("abzABZ059._", min_size=0, max_size=35)


@pytest.mark.parametrize("name", ["ada", "Ada", "a.d.a", "ada_", "_ada", "000", "a" * 30, "a.1"])
def test_valid_usernames(name: str) -> None:
    assert normalize_username(name) == name.lower()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "3 to 30"),
        ("ab", "3 to 30"),
        ("a" * 31, "3 to 30"),
        (".ada", "dot"),
        ("ada.", "dot"),
        ("a..da", "dot"),
        ("...", "dot"),
        ("ada lovelace", "only the letters"),
        ("zoë", "only the letters"),
        ("ada\n", "only the letters"),
        ("аda", "only the letters"),  # a Cyrillic letter that looks like ours
        ("ada-l", "only the letters"),
        ("ADMIN", "reserved"),
        ("photomesh", "reserved"),
        ("me.", "dot"),
    ],
)
def test_invalid_usernames(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalize_username(name)


@given(st.one_of(_ALLOWED, st.text()))
def test_username_normalization_is_idempotent(text: str) -> None:
    """Valid usernames are in their final form, and safe in a URL."""
    try:
        name = normalize_username(text)
    except ValueError:
        return
    assert normalize_username(name) == normalize_username(name.upper()) == name
    assert re.fullmatch(r"[a-z0-9_]([a-z0-9_.]*[a-z0-9_])", name)
    assert ".." not in name


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace+photos@EXAMPLE.com", "Ada.Lovelace+photos@example.com"),
        ("zoë@bücher.example", "zoë@bücher.example"),
        ("zoe\u0308@example.com", "zoë@example.com"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
    ],
)
def test_valid_addresses(text: str, address: str) -> None:
    assert normalize_email(text) == address
    assert email_key(address) == email_key(normalize_email(address.upper()))


@given(st.one_of(st.text(), st.emails()))
def test_address_normalization_is_idempotent(text: str) -> None:
    try:
        address = normalize_email(text)
    except ValueError:
        return
    assert normalize_email(address) == address
    assert "\0" not in address
    assert len(address.encode()) <= 320


@pytest.mark.parametrize(
    "password", ["correct horse battery", "0123456789_x!", "пароль от моря", "🧮🐎🔋🪄 ok five", "x" * 64 + "abcd"]
)
def test_valid_passwords(password: str) -> None:
    assert check_new_password(password) == password


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "10 to 128"),
        ("123456789", "10 to 128"),
        ("abcd" * 33, "10 to 128"),
        ("1234567890", "easy to guess"),
        ("QWERTYUIOP", "easy to guess"),
        ("PassWord123", "easy to guess"),
        ("aaaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("abcabcabcabcabc", "easy to guess"),
        ("１２３４５６７８９０", "easy to guess"),
    ],
)
def test_invalid_passwords(password: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_new_password(password)


@given(st.text(min_size=1))
def test_password_normalization_is_idempotent(text: str) -> None:
    once = normalize_password(text)
    assert normalize_password(once) == once


def test_passwords_that_resemble_their_owner() -> None:
    assert resemblance("ADA and Charles", "ada", "x@example.com") == "must not contain the username"
    assert resemblance("lovelace 1843", "grace", "Lovelace@example.com") == "must not contain the e-mail address"
    assert resemblance("a very good one", "grace", "a@example.com") is None
    assert resemblance("correct horse battery", "ada", "ada@example.com") is None
