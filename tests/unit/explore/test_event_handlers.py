"""What the consumer takes from events, and what it passes over; and that a rebuild knows erasures first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from photomesh_explore.candidates.event_handlers import CandidateEventHandlers
from photomesh_shared.events import (
    AccountUpdated,
    Envelope,
    Event,
    PostEdited,
    PostLiked,
    PostPublished,
    PostSaved,
)
from tests.support.clock import FakeClock
from tests.support.explore.memory import id_at

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Recorder:
    """Records what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        async def record(*arguments: Any, **named: Any) -> None:
            self.calls.append((name, *arguments, *named.values()))

        return record


@pytest.fixture
def index() -> Recorder:
    return Recorder()


@pytest.fixture
def handlers(index: Recorder) -> CandidateEventHandlers:
    return CandidateEventHandlers(index, FakeClock(NOW))


def envelope(event: Event) -> Envelope[Any]:
    return Envelope.of(event, entityversion=7, time=NOW)


async def test_posts_are_kept_with_their_hashtags_and_cell(index: Recorder, handlers: CandidateEventHandlers) -> None:
    post = PostPublished.example().model_copy(update={"post_id": id_at(NOW - timedelta(hours=1))})
    await handlers.post_changed(envelope(post))
    [(_, info, version)] = index.calls
    assert (info.author_id, info.tags, info.cell, info.place, version) == (
        post.author_id,
        ("sunset",),
        "u0nt",
        "Lake Como",
        7,
    )


async def test_old_and_unpublished_posts_are_passed_over(index: Recorder, handlers: CandidateEventHandlers) -> None:
    old = id_at(NOW - timedelta(days=15))
    await handlers.post_changed(envelope(PostPublished.example().model_copy(update={"post_id": old})))
    await handlers.post_engaged(envelope(PostLiked.example().model_copy(update={"post_id": old})))
    failed = PostEdited.example().model_copy(update={"post_id": id_at(NOW), "published_at": None})
    await handlers.post_changed(envelope(failed))
    assert index.calls == []


async def test_likes_of_ones_own_posts_count_nothing(index: Recorder, handlers: CandidateEventHandlers) -> None:
    like = PostLiked.example().model_copy(update={"post_id": id_at(NOW)})
    await handlers.post_engaged(envelope(like.model_copy(update={"account_id": like.post_author_id})))
    assert index.calls == []
    await handlers.post_engaged(envelope(like))
    await handlers.post_saved(envelope(PostSaved.example().model_copy(update={"post_id": id_at(NOW)})))
    assert [(name, saved) for name, *_, saved, _ in index.calls] == [("engaged", False), ("engaged", True)]


@pytest.mark.parametrize(
    ("changes", "public"),
    [
        ({}, True),
        ({"searchable": False}, False),
        ({"private": True}, False),
        ({"status": "deactivated"}, False),
        ({"status": "unheard-of"}, False),
    ],
)
async def test_only_active_public_accounts_are_shown(
    index: Recorder, handlers: CandidateEventHandlers, changes: dict[str, object], public: bool
) -> None:
    account = AccountUpdated.example().model_copy(update={"private": False, **changes})
    await handlers.account_changed(envelope(account))
    assert index.calls == [("account", account.user_id, 7, public)]
