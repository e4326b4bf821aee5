from __future__ import annotations

import json

from photomesh_feed.domain.snapshots import CountedSnapshot, Snapshot
from photomesh_shared.events import PostEdited, PostPublished
from photomesh_shared.ids import encode

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
    data = FACT.model_dump(mode="json") | {"version": 7, "like_count": 1, "comment_count": 0, "edited_at": None}
    assert CountedSnapshot.of_post(data, CDN) == (SNAPSHOT, 1, 0)
    later = CountedSnapshot.of_post(data | {"edited_at": "2026-11-21T11:00:00Z"}, CDN).snapshot
    assert json.loads(later.static)["edited_at"] == "2026-11-21T11:00:00Z"
    assert json.loads(later.static)["id"] == encode("o", FACT.post_id)
