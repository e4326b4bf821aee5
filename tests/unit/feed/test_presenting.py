"""Snapshots and pages: JSON that is spliced is JSON, and what the document says."""

from __future__ import annotations

import json

from photomesh_feed.domain.pages import Row
from photomesh_feed.domain.snapshots import edited, from_post, published
from photomesh_feed.http import serialization as presenting
from photomesh_feed.http.schemas import Post
from photomesh_shared.events import PostEdited, PostPublished
from photomesh_shared.ids import encode

FACT = PostPublished.example().model_copy(update={"caption": 'quotes " and \\ and ünï \u2028'})
SNAPSHOT = published(FACT, 7, "http://cdn/variants")


def row(static: str, *, username: bytes = b"ada", liked: bytes = b"1") -> Row:
    return Row(b"5", b"3", static.encode(), username, b'Ada "L"', b"", b"16", b"2", liked, b"0")


def test_a_page_is_what_the_document_says() -> None:
    body = json.loads(presenting.page([row(SNAPSHOT.static), row(SNAPSHOT.static, liked=b"0")], "next"))
    assert body["next_cursor"] == "next"
    first, second = body["items"]
    Post.model_validate(first)
    assert first.keys() == Post.model_fields.keys()
    assert first["author"] == {"id": "u_3", "username": "ada", "display_name": 'Ada "L"', "avatar_url": None}
    assert (first["like_count"], first["comment_count"]) == (16, 2)
    assert first["viewer"] == {"liked": True, "saved": False}
    assert second["viewer"] == {"liked": False, "saved": False}
    assert first["caption"] == FACT.caption
    assert first["photos"][0]["variants"]["150"] == "http://cdn/variants/Zk3vQ0m1fR7eT2yU/150.jpg"


def test_an_empty_page() -> None:
    assert json.loads(presenting.page([], None)) == {"items": [], "next_cursor": None}


def test_an_account_without_names() -> None:
    author = json.loads(presenting.page([row(SNAPSHOT.static, username=b"")], None))["items"][0]["author"]
    assert author == {"id": "u_3", "username": None, "display_name": None, "avatar_url": None}


def test_tags_of_the_same_page_are_the_same() -> None:
    page, other = presenting.page([row(SNAPSHOT.static)], None), presenting.page([], None)
    assert presenting.etag(page) == presenting.etag(bytes(page)) != presenting.etag(other)


def test_an_edit_changes_words_and_nothing_else() -> None:
    event = PostEdited.example().model_copy(update={"alt_texts": ("Dusk.",)})
    after = edited(SNAPSHOT.static, event, 9)
    assert (after.version, after.hashtags) == (9, ("sunset", "como"))
    before, now = json.loads(SNAPSHOT.static), json.loads(after.static)
    assert now.keys() == before.keys()
    assert now["caption"] == event.caption
    assert now["edited_at"] == "2026-11-21T11:00:00Z"
    assert now["photos"][0] == before["photos"][0] | {"alt_text": "Dusk."}
    assert now["published_at"] == before["published_at"]


def test_what_post_says_makes_the_same_snapshot_as_the_event() -> None:
    data = FACT.model_dump(mode="json") | {"version": 7, "like_count": 1, "comment_count": 0, "edited_at": None}
    assert from_post(data, "http://cdn/variants") == SNAPSHOT
    later = from_post(data | {"edited_at": "2026-11-21T11:00:00Z"}, "http://cdn/variants")
    assert json.loads(later.static)["edited_at"] == "2026-11-21T11:00:00Z"
    assert json.loads(later.static)["id"] == encode("o", FACT.post_id)
