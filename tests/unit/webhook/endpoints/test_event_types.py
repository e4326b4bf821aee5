"""Which types of events endpoints may ask for."""

from __future__ import annotations

import pytest

from photomesh_shared.events import TOPICS
from photomesh_webhook.endpoints.domain import Audience
from photomesh_webhook.endpoints.event_types import OFFERED, event_types_of, topics_of, unknown_patterns

PRIVATE = ("block.", "mute.", "saved", "collection.", "impression", "erasure", "retention")


@pytest.mark.parametrize("audience", Audience)
def test_nothing_private_is_offered(audience: Audience) -> None:
    for kind in OFFERED[audience]:
        assert not any(part in kind for part in PRIVATE), kind
        assert kind in TOPICS[OFFERED[audience][kind].topic].types


def test_operators_are_not_offered_who_follows_and_hears_of_whom() -> None:
    assert not any("follow" in kind or "notification" in kind for kind in OFFERED[Audience.EVERYONE])


def test_a_prefix_means_the_types_that_begin_with_it() -> None:
    found = event_types_of(["photomesh.photo.*", "photomesh.post.liked.v1"], Audience.OWN)
    assert found == {
        "photomesh.photo.ready.v1",
        "photomesh.photo.rejected.v1",
        "photomesh.photo.failed.v1",
        "photomesh.post.liked.v1",
    }
    assert topics_of(["photomesh.photo.*"], Audience.OWN) == {"photo_ready", "photo_rejected", "photo_failed"}


@pytest.mark.parametrize(
    "pattern",
    ["photomesh.*", "*", "photomesh.post.liked", "photomesh.po*", "photomesh.block.*", "photomesh.webhook.test.v1", ""],
)
def test_what_is_not_offered_is_unknown(pattern: str) -> None:
    assert unknown_patterns([pattern, "photomesh.post.*"], Audience.OWN) == [pattern]


def test_accounts_are_for_operators_and_follows_for_their_owners() -> None:
    assert unknown_patterns(["photomesh.account.*"], Audience.OWN)
    assert not unknown_patterns(["photomesh.account.*"], Audience.EVERYONE)
    assert unknown_patterns(["photomesh.follow.created.v1"], Audience.EVERYONE)
    assert not unknown_patterns(["photomesh.follow.created.v1"], Audience.OWN)
