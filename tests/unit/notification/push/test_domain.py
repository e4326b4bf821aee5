"""What answers of push services mean, and how pushes are named and worded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from photomesh_notification.push.domain import (
    Outcome,
    classify,
    retry_at,
    stack_of,
    subscription_id,
    topic_of,
)
from photomesh_notification.push.encryption import MAX_PLAINTEXT
from photomesh_notification.push.payload import Shown, payload_of

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204), Outcome.ACCEPTED),
        ((404, 410), Outcome.GONE),
        ((413,), Outcome.TOO_LARGE),
        ((408, 425, 429, 500, 502, 503, 504), Outcome.LATER),
        ((301, 302, 307, 308, 400, 401, 403, 405, 406, 415), Outcome.REFUSED),
    ],
)
def test_answers(statuses: tuple[int, ...], outcome: Outcome) -> None:
    for status in statuses:
        assert classify(status).outcome is outcome


@pytest.mark.parametrize(("status", "heeded"), [(429, True), (408, True), (503, True), (413, False), (403, False)])
def test_which_waits_are_heeded(status: int, heeded: bool) -> None:
    wait = timedelta(minutes=2)
    assert classify(status, wait).retry_after == (wait if heeded else None)


def test_retries_become_rarer_and_heed_the_push_service() -> None:
    assert retry_at(NOW, NOW, None) == NOW + timedelta(seconds=30)
    later = NOW + timedelta(minutes=4)
    assert retry_at(NOW, later, None) == later + timedelta(minutes=4)
    assert retry_at(NOW, later, timedelta(hours=1)) == later + timedelta(hours=1)
    assert retry_at(NOW, NOW + timedelta(hours=9), timedelta(0)) == NOW + timedelta(hours=9, minutes=30)


@pytest.mark.parametrize(
    ("kind", "group_id", "post_id", "stack"),
    [
        ("like", "like.o_1.0", 1, "like.o_1"),
        ("like", "like.o_1.7", 1, "like.o_1"),
        ("comment", "comment.c_9", 1, "comment.o_1"),
        ("mention", "mention.c_9", 1, "mention.o_1"),
        ("comment_like", "comment_like.c_9.3", 1, "comment_like.c_9"),
        ("follow", "follow.20780", None, "follow.20780"),
        ("follow_request", "follow_request.u_5", None, "follow_request"),
        ("photo_rejected", "photo_rejected.p_5", None, "photo_rejected.p_5"),
        ("something_new", "something_new.x", None, "something_new.x"),
    ],
)
def test_what_is_pushed_together(kind: str, group_id: str, post_id: int | None, stack: str) -> None:
    assert stack_of(kind, group_id, post_id) == stack


def test_topics_are_letters_and_digits_that_tell_nothing() -> None:
    topic = topic_of(b"key", 1, "like.o_1")

    assert len(topic) == 24
    assert topic.isascii()
    assert topic.isalnum()
    assert topic == topic_of(b"key", 1, "like.o_1")
    assert len({topic, topic_of(b"key", 2, "like.o_1"), topic_of(b"other", 1, "like.o_1")}) == 3


def test_an_endpoint_has_one_id() -> None:
    assert subscription_id("https://a.example/1") == subscription_id("https://a.example/1")
    assert subscription_id("https://a.example/1") != subscription_id("https://a.example/2")
    assert 0 <= subscription_id("https://a.example/1") < 1 << 63


def notification(*groups: Shown, **options: Any) -> dict[str, Any]:
    found = json.loads(payload_of(groups, tag="T0pic", app_url="https://photomesh.example", **options))
    assert found.pop("web_push") == 8030
    return dict(found.pop("notification"))


@pytest.mark.parametrize(
    ("groups", "body"),
    [
        ([Shown("like", ("Ada",), 1)], "Ada liked your post"),
        ([Shown("like", ("Ada", "Grace"), 2)], "Ada and Grace liked your post"),
        ([Shown("like", ("Ada", "Grace"), 16)], "Ada and 15 others liked your post"),
        ([Shown("like", ("Ada",), 16), Shown("like", ("Grace",), 5)], "Ada and 20 others liked your post"),
        ([Shown("like", ("Ada",), 50_000, capped=True)], "Ada and 49,999+ others liked your post"),
        ([Shown("comment", ("Ada",), 1), Shown("comment", ("Ada",), 1)], "Ada commented on your post"),
        (
            [Shown("follow_request", ("Ada",), 1), Shown("follow_request", ("Bo",), 1)],
            "Ada and Bo asked to follow you",
        ),
        ([Shown("post_failed", (), 1)], None),
        ([Shown("webhook_failing", (), 1)], None),
    ],
)
def test_wording(groups: list[Shown], body: str | None) -> None:
    assert notification(*groups).get("body") == body


def test_a_push_leads_to_what_it_is_about_and_replaces_the_one_before() -> None:
    of_post = notification(Shown("like", ("Ada",), 1, post_id=62))
    assert of_post == {
        "title": "New likes",
        "body": "Ada liked your post",
        "navigate": "https://photomesh.example/posts/o_10",
        "tag": "T0pic",
    }
    assert notification(Shown("follow", ("Ada",), 1))["navigate"] == "https://photomesh.example/notifications"


def test_without_names_only_the_kind_is_left() -> None:
    assert "body" not in notification(Shown("like", ("Ada",), 1), bare=True)


def test_the_longest_push_fits() -> None:
    groups = [Shown("comment", ("\U0001f469\u200d\U0001f52c" * 80, "\u202e" * 80), 1) for _ in range(500)]

    assert len(payload_of(groups, tag="x" * 24, app_url="https://photomesh.example")) <= MAX_PLAINTEXT // 2
