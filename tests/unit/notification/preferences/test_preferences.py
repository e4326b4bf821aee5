"""Preferences, quiet hours, and mutes of posts."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from photomesh_notification.errors import NoPostOfYours, TooManyMutedPosts
from photomesh_notification.http.schemas.preferences import KindPreferences, NewKindPreferences
from photomesh_notification.preferences.domain import (
    DEFAULT,
    KINDS,
    MAX_MUTED_POSTS,
    Audience,
    KindPreference,
    Preferences,
    QuietHours,
)
from photomesh_notification.preferences.projection import decode_preferences, encode_preferences
from tests.support.notification.memory_inbox import MemoryInbox


def test_what_was_never_stored_is_the_default() -> None:
    assert decode_preferences(None) == Preferences()
    assert all(Preferences().of(kind) == DEFAULT for kind in KINDS)


def test_every_kind_has_its_member() -> None:
    assert tuple(KindPreferences.model_fields) == tuple(NewKindPreferences.model_fields) == KINDS


def test_preferences_survive_their_row() -> None:
    likes = KindPreference(listed=False, pushed=False, audience=Audience.FOLLOWING)
    preferences = Preferences({"like": likes}, QuietHours(time(22, 30), time(6, 5), "Europe/London"))
    assert decode_preferences(encode_preferences(preferences)) == preferences
    assert decode_preferences(encode_preferences(Preferences({"like": DEFAULT}))) == Preferences()


@pytest.mark.parametrize(
    ("hours", "moment", "quiet"),
    [
        (QuietHours(time(22), time(7), "UTC"), "23:00", True),
        (QuietHours(time(22), time(7), "UTC"), "06:59", True),
        (QuietHours(time(22), time(7), "UTC"), "07:00", False),
        (QuietHours(time(22), time(7), "UTC"), "12:00", False),
        (QuietHours(time(13), time(15), "UTC"), "14:00", True),
        (QuietHours(time(13), time(15), "UTC"), "15:00", False),
        (QuietHours(time(13), time(13), "UTC"), "13:00", False),
        (QuietHours(time(22), time(7), "Asia/Tokyo"), "14:00", True),
        (QuietHours(time(22), time(7), "Asia/Tokyo"), "22:00", False),
    ],
)
def test_quiet_hours_are_those_of_their_time_zone(hours: QuietHours, moment: str, quiet: bool) -> None:
    at = time.fromisoformat(moment)
    assert hours.cover(datetime(2026, 11, 21, at.hour, at.minute, tzinfo=UTC)) is quiet


def test_quiet_hours_follow_summer_time() -> None:
    hours = QuietHours(time(22), time(7), "Europe/London")
    assert hours.cover(datetime(2026, 7, 1, 21, 30, tzinfo=UTC))
    assert not hours.cover(datetime(2026, 12, 1, 21, 30, tzinfo=UTC))


async def test_only_own_posts_can_be_muted() -> None:
    inbox = MemoryInbox()
    inbox.post.author_id = inbox.account_id + 1
    with pytest.raises(NoPostOfYours):
        await inbox.preferences.mute_post(inbox.account_id, 501)
    inbox.post.author_id, inbox.post.hidden = inbox.account_id, {501}
    with pytest.raises(NoPostOfYours):
        await inbox.preferences.mute_post(inbox.account_id, 501)
    await inbox.preferences.unmute_post(inbox.account_id, 501)


async def test_muted_posts_have_a_limit_and_may_be_repeated() -> None:
    inbox = MemoryInbox()
    for post_id in range(1, MAX_MUTED_POSTS + 1):
        await inbox.preferences.mute_post(inbox.account_id, post_id)
    await inbox.preferences.mute_post(inbox.account_id, 1)
    with pytest.raises(TooManyMutedPosts):
        await inbox.preferences.mute_post(inbox.account_id, MAX_MUTED_POSTS + 1)
    await inbox.preferences.unmute_post(inbox.account_id, 1)
    await inbox.preferences.mute_post(inbox.account_id, MAX_MUTED_POSTS + 1)
