"""Rules of profiles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_identity.accounts.domain import (
    Account,
    Age,
    ProfileEdit,
    apply_edit,
    avatar_large_url,
    avatar_url,
    normalize_bio,
    normalize_display_name,
)
from photomesh_shared.events.versions import version_at

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ADA = Account(1, "ada", "ada@example.com", "Ada", "", False, {150: "a/150.jpg"}, 3, NOW, NOW)


def test_an_edit_makes_a_new_version() -> None:
    after = apply_edit(ADA, ProfileEdit(bio="Numbers", private=True), None, LATER)
    assert after == replace(ADA, bio="Numbers", private=True, version=version_at(LATER), updated_at=LATER)


@pytest.mark.parametrize(
    "edit", [ProfileEdit(), ProfileEdit(display_name="Ada", bio="", private=False), ProfileEdit(display_name="Ada")]
)
def test_an_edit_without_effect_returns_the_same_account(edit: ProfileEdit) -> None:
    assert apply_edit(ADA, edit, None, LATER) is ADA


def test_searches_find_who_wants_to_be_found_and_no_minor() -> None:
    assert ADA.searchable
    hidden = apply_edit(ADA, ProfileEdit(searchable=False), None, LATER)
    assert not hidden.searchable
    assert apply_edit(hidden, ProfileEdit(searchable=True), None, LATER).searchable
    for age in Age:
        assert replace(ADA, age=age).searchable == (age is Age.ADULT)


def test_edits_of_the_avatar() -> None:
    assert apply_edit(ADA, ProfileEdit(avatar_photo_id=7), {150: "b/150.jpg"}, LATER).avatar == {150: "b/150.jpg"}
    without = apply_edit(ADA, ProfileEdit(remove_avatar=True), None, LATER)
    assert without.avatar is None
    assert apply_edit(without, ProfileEdit(remove_avatar=True), None, LATER) is without
    assert avatar_url(ADA, "http://cdn/variants") == "http://cdn/variants/a/150.jpg"
    both = apply_edit(ADA, ProfileEdit(avatar_photo_id=7), {150: "b/150.jpg", 320: "b/320.jpg"}, LATER)
    assert avatar_url(both, "http://cdn/variants") == "http://cdn/variants/b/150.jpg"
    assert avatar_large_url(both, "http://cdn/variants") == "http://cdn/variants/b/320.jpg"
    assert avatar_url(without, "http://cdn/variants") is avatar_large_url(without, "http://cdn/variants") is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [(" Ada ", "Ada"), ("e\u0301", "é"), ("👩‍🚀 Ada", "👩‍🚀 Ada"), ("x" * 50, "x" * 50)],
)
def test_valid_display_names(text: str, kept: str) -> None:
    assert normalize_display_name(text) == kept


@pytest.mark.parametrize(
    "text", ["", "  ", "x" * 51, "a\nb", "a\0b", "a\x7fb", "a\u202eb", "a\u2028b", "a\ud800b", "\u3164", "\u200b"]
)
def test_invalid_display_names(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        normalize_display_name(text)


@pytest.mark.parametrize("text", ["a\0b", "a\u202eb", "a\u2066b", "a\u2028b", "a\ud800b"])
def test_invalid_bios(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        normalize_bio(text)


@pytest.mark.parametrize(
    ("text", "kept"), [("\u2800 \u200b", ""), ("a\r\n\tb ", "a\n\tb"), ("\u2067a\u2069b", "\u2067a\u2069b")]
)
def test_valid_bios(text: str, kept: str) -> None:
    assert normalize_bio(text) == kept


@given(st.text(max_size=350))
def test_normalization_is_idempotent(text: str) -> None:
    for rule_ in (normalize_bio, normalize_display_name):
        try:
            kept = rule_(text)
        except ValueError:
            continue
        assert rule_(kept) == kept
        assert "\0" not in kept
        kept.encode()
