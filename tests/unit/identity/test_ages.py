"""Rules of ages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from photomesh_identity.accounts.domain import Account, Age, ProfileEdit, age_of, apply_edit, with_age
from photomesh_identity.errors import AgeKnown, PrivateUntil16, TooYoung
from photomesh_shared.errors import InvalidRequest

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
ADA = Account(1, "ada", "ada@example.com", "Ada", "", False, None, 1, NOW, NOW)


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(2013, 11, 21), Age.UNDER_16),
        (date(2010, 11, 22), Age.UNDER_16),
        (date(2010, 11, 21), Age.UNDER_18),
        (date(2008, 11, 22), Age.UNDER_18),
        (date(2008, 11, 21), Age.ADULT),
        (date(1908, 2, 29), Age.ADULT),
    ],
)
def test_an_age_counts_from_the_birthday_on(born: date, age: Age) -> None:
    assert age_of(born, NOW.date()) is age


def test_children_and_impossible_dates_are_refused() -> None:
    with pytest.raises(TooYoung):
        age_of(date(2013, 11, 22), NOW.date())
    for born in (date(2026, 11, 22), date(1900, 1, 1)):
        with pytest.raises(InvalidRequest):
            age_of(born, NOW.date())


@pytest.mark.parametrize("age", Age)
def test_a_minors_account_becomes_private_and_an_adults_stays_as_it_is(age: Age) -> None:
    after = with_age(ADA, age, NOW)
    assert (after.age, after.private) == (age, age is not Age.ADULT)
    assert after.version > ADA.version
    assert with_age(replace(ADA, private=True), age, NOW).private


def test_an_age_is_stated_once_and_by_minors_again_after_a_year() -> None:
    minor, adult = with_age(ADA, Age.UNDER_16, NOW), with_age(ADA, Age.ADULT, NOW)
    for account, later in ((minor, timedelta(days=364)), (adult, timedelta(days=3650))):
        with pytest.raises(AgeKnown):
            with_age(account, Age.ADULT, NOW + later)
    assert with_age(minor, Age.UNDER_18, NOW + timedelta(days=365)).age is Age.UNDER_18


def test_under_16_an_account_stays_private() -> None:
    minor = with_age(ADA, Age.UNDER_16, NOW)
    with pytest.raises(PrivateUntil16):
        apply_edit(minor, ProfileEdit(private=False), None, NOW)
    assert apply_edit(minor, ProfileEdit(bio="Hello", private=True), None, NOW).bio == "Hello"
    assert not apply_edit(with_age(ADA, Age.UNDER_18, NOW), ProfileEdit(private=False), None, NOW).private
