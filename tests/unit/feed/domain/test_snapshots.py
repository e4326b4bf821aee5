from __future__ import annotations

import json
from datetime import UTC, datetime

from photomesh_feed.domain.snapshots import CountedSnapshot, Snapshot
from photomesh_shared.events import PostEdited, PostPublished
from tests.support.feed.events import post_snapshot

CDN = "http://cdn/variants"
FACT = PostPublished.example().model_copy(update={"caption": 'quotes " and \\ and ünï \u2028'})
SNAPSHOT = Snapshot.of_publication(FACT, 7, CDN)


def test_edit_changes_words_and_nothing_else() -> None:
    event = PostEdited.example().model_copy(update={"alt_texts": ("Dusk.",)})
    after = Snapshot.of_edit(SNAPSHOT.static, event, 9)
    assert (after.version, after.hashtags) == (9, ("sunset", "como"))
    before, now = json.loads(SNAPSHOT.static), json.loads(after.static)
    assert now.keys() == before.keys()
    assert now["caption"] == event.caption
    assert now["edited_at"] == "2026-11-21T11:00:00Z"
    assert now["photos"][0] == before["photos"][0] | {"alt_text": "Dusk."}
    assert now["published_at"] == before["published_at"]


def test_edit_without_an_alt_text_removes_it() -> None:
    event = PostEdited.example().model_copy(update={"alt_texts": (None,)})
    (photo,) = json.loads(Snapshot.of_edit(SNAPSHOT.static, event, 9).static)["photos"]
    assert photo["alt_text"] is None


def test_post_returns_the_snapshot_of_the_event() -> None:
    assert CountedSnapshot.of_post(post_snapshot(FACT, 7, likes=3, comments=2, counts_version=9), CDN) == (
        SNAPSHOT,
        3,
        2,
        9,
    )


def test_post_returns_when_it_was_edited() -> None:
    at = datetime(2026, 11, 21, 11, tzinfo=UTC)
    edited = CountedSnapshot.of_post(post_snapshot(FACT, 8, edited_at=at), CDN).snapshot
    assert json.loads(edited.static) == json.loads(SNAPSHOT.static) | {"edited_at": "2026-11-21T11:00:00Z"}
