"""Who hears of which events. Every type of the catalogue is in the table, or never offered."""

from __future__ import annotations

import pytest

from photomesh_shared.events import FollowRequestClosed, event_types
from photomesh_webhook.endpoints.audience import owners_of
from photomesh_webhook.endpoints.domain import Audience
from photomesh_webhook.endpoints.event_types import OFFERED

NEVER_OFFERED = {
    # Whom somebody blocked, muted or follows is nobody else's business.
    "photomesh.block.created.v1",
    "photomesh.block.deleted.v1",
    "photomesh.mute.created.v1",
    "photomesh.mute.deleted.v1",
    "photomesh.close-friend.added.v1",
    "photomesh.close-friend.removed.v1",
    # Who may see a story is asked when it is read, and not of webhooks yet.
    "photomesh.story.published.v1",
    "photomesh.story.expired.v1",
    "photomesh.story.deleted.v1",
    "photomesh.story.viewed.v1",
    # What somebody does not want to see in explore is known to that account alone.
    "photomesh.explore-feedback.given.v1",
    "photomesh.explore-feedback.removed.v1",
    # What somebody keeps and has seen is known to that account alone, and it did it itself.
    "photomesh.post.saved.v1",
    "photomesh.post.unsaved.v1",
    "photomesh.collection.created.v1",
    "photomesh.collection.renamed.v1",
    "photomesh.collection.deleted.v1",
    "photomesh.collection.post-added.v1",
    "photomesh.collection.post-removed.v1",
    "photomesh.feed.served.v1",
    "photomesh.impressions.recorded.v1",
    "photomesh.impression.recorded.v1",
    # Work within the platform, and where raw photos lie.
    "photomesh.photo.uploaded.v1",
    "photomesh.photo.retention-elapsed.v1",
    "photomesh.photo.reprocess-requested.v1",
    "photomesh.feed.fanout-requested.v1",
    "photomesh.notification.collected.v1",
    "photomesh.notification.relation-changed.v1",
    "photomesh.notification.subject-ended.v1",
    "photomesh.notification.actor-ended.v1",
    "photomesh.account.erasure-requested.v1",
    "photomesh.erasure.acknowledged.v1",
    # The state of endpoints themselves: one that fails cannot say so.
    "photomesh.webhook.state-changed.v1",
    "photomesh.webhook.deleted.v1",
}


def test_every_type_is_offered_to_somebody_or_never() -> None:
    offered = {name for types in OFFERED.values() for name in types}
    assert not offered & NEVER_OFFERED
    assert set(event_types()) - offered - NEVER_OFFERED == set()


@pytest.mark.parametrize("name", sorted(OFFERED[Audience.OWN]))
def test_an_event_is_one_accounts_and_not_the_actors(name: str) -> None:
    event = event_types()[name].example()
    owners = owners_of(event)
    assert len(owners) == 1
    actor = getattr(event, "follower_id", None) or getattr(event, "account_id", None)
    assert actor not in owners


@pytest.mark.parametrize("name", sorted(set(event_types()) - set(OFFERED[Audience.OWN])))
def test_other_types_are_nobodys(name: str) -> None:
    assert owners_of(event_types()[name].example()) == set()


def test_a_request_that_a_block_closed_is_told_to_nobody() -> None:
    closed = FollowRequestClosed.example()
    assert owners_of(closed.model_copy(update={"outcome": "blocked"})) == set()
    assert owners_of(closed.model_copy(update={"outcome": "withdrawn"})) == {closed.followee_id}
