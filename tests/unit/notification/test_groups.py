"""Which group a change belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from photomesh_notification.groups.domain import Kind, Subject, bucket_of, day_of
from photomesh_shared.ids import last_id_at

POSTED = datetime(2026, 11, 21, 10, tzinfo=UTC)
POST = last_id_at(POSTED)


@pytest.mark.parametrize(
    ("hours", "bucket"), [(-1, 0), (0, 0), (0.99, 0), (1, 1), (2.9, 1), (3, 2), (7, 3), (24, 4), (14 * 24, 8)]
)
def test_each_bucket_is_twice_as_long_as_the_one_before(hours: float, bucket: int) -> None:
    assert bucket_of(POST, POSTED + timedelta(hours=hours, milliseconds=1)) == bucket


def test_a_post_has_nine_groups_of_likes_in_its_first_two_weeks() -> None:
    subject = Subject(Kind.LIKE, post_id=POST)
    groups = {subject.group_id(1, POSTED + timedelta(hours=hours)) for hours in range(14 * 24)}
    assert len(groups) == 9


def test_follows_are_grouped_by_day_in_utc() -> None:
    follows = Subject(Kind.FOLLOW)
    evening = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    assert follows.group_id(1, evening) == follows.group_id(2, evening - timedelta(hours=23)) == "follow.20778"
    assert follows.group_id(1, evening + timedelta(minutes=1)) == "follow.20779"
    assert day_of(evening) == 20778


def test_what_is_not_grouped_has_a_group_each() -> None:
    comments = [Subject(Kind.COMMENT, post_id=POST, comment_id=comment, thread_id=comment) for comment in (1, 2)]
    assert [subject.group_id(7, POSTED) for subject in comments] == ["comment.c_1", "comment.c_2"]
    assert Subject(Kind.FOLLOW_REQUEST).group_id(7, POSTED) == "follow_request.u_7"
    assert Subject(Kind.MENTION, post_id=3).group_id(7, POSTED) == "mention.o_3"
    assert Subject(Kind.PHOTO_REJECTED, photo_id=3).group_id(7, POSTED) == "photo_rejected.p_3"
    assert Subject(Kind.WEBHOOK_FAILING, webhook_id=3).group_id(7, POSTED) == "webhook_failing.wh_3"
