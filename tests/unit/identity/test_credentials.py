"""Usernames, e-mail addresses, passwords."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_identity import credentials

_ALLOWED = st.text("abzABZ059._", min_size=0, max_size=35)


@pytest.mark.parametrize("name", ["ada", "Ada", "a.d.a", "ada_", "_ada", "000", "a" * 30, "a.1"])
def test_usernames_that_we_take(name: str) -> None:
    assert credentials.username(name) == name.lower()


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
def test_usernames_that_we_refuse(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        credentials.username(name)


@given(st.one_of(_ALLOWED, st.text()))
def test_a_username_is_one_for_good(text: str) -> None:
    """Whatever is taken is in its final form, and safe in a URL."""
    try:
        name = credentials.username(text)
    except ValueError:
        return
    assert credentials.username(name) == credentials.username(name.upper()) == name
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
def test_addresses_have_one_form(text: str, address: str) -> None:
    assert credentials.email_address(text) == address
    assert credentials.email_key(address) == credentials.email_key(credentials.email_address(address.upper()))


@given(st.one_of(st.text(), st.emails()))
def test_an_address_stays_what_it_is(text: str) -> None:
    try:
        address = credentials.email_address(text)
    except ValueError:
        return
    assert credentials.email_address(address) == address
    assert "\0" not in address
    assert len(address.encode()) <= 320


@pytest.mark.parametrize(
    "password", ["correct horse battery", "0123456789x", "пароль от моря", "🧮🐎🔋🪄 ok five", "x" * 64 + "abcd"]
)
def test_passwords_that_we_take(password: str) -> None:
    assert credentials.new_password(password) == password


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
def test_passwords_that_we_refuse(password: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        credentials.new_password(password)


@given(st.text(min_size=1))
def test_a_password_has_one_form(text: str) -> None:
    once = credentials.normal_password(text)
    assert credentials.normal_password(once) == once


def test_a_password_must_not_reveal_its_owner() -> None:
    assert credentials.reveals("ADA and Charles", "ada", "x@example.com") == "must not contain the username"
    assert (
        credentials.reveals("lovelace 1843", "grace", "Lovelace@example.com") == "must not contain the e-mail address"
    )
    assert credentials.reveals("a very good one", "grace", "a@example.com") is None
    assert credentials.reveals("correct horse battery", "ada", "ada@example.com") is None
