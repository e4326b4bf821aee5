"""Pages: spliced JSON is valid, and conforms to the document."""

from __future__ import annotations

import json

from photomesh_feed.domain.pages import Row
from photomesh_feed.domain.snapshots import Snapshot
from photomesh_feed.domain.suggestions import SuggestionReason
from photomesh_feed.http.schemas import FeedPost
from photomesh_feed.http.serialization import page_json
from photomesh_shared.events import PostPublished

FACT = PostPublished.example().model_copy(update={"caption": 'quotes " and \\ and ünï \u2028'})
SNAPSHOT = Snapshot.of_publication(FACT, 7, "http://cdn/variants")


def row(static: str, *, username: bytes = b"ada", liked: bytes = b"1") -> Row:
    return Row(b"5", b"3", static.encode(), username, b'Ada "L"', b"", b"16", b"2", liked, b"0")


def test_page_conforms_to_the_schema() -> None:
    body = json.loads(page_json([row(SNAPSHOT.static), row(SNAPSHOT.static, liked=b"0")], "next"))
    assert body["next_cursor"] == "next"
    first, second = body["items"]
    FeedPost.model_validate(first)
    assert first.keys() == FeedPost.model_fields.keys()
    assert first["author"] == {"id": "u_3", "username": "ada", "display_name": 'Ada "L"', "avatar_url": None}
    assert (first["like_count"], first["comment_count"]) == (16, 2)
    assert first["viewer"] == {"liked": True, "saved": False}
    assert second["viewer"] == {"liked": False, "saved": False}
    assert first["caption"] == FACT.caption
    assert first["photos"][0]["variants"]["150"] == "http://cdn/variants/p_SH3ywmy5ZI/Zk3vQ0m1fR7eT2yU/150.jpg"


def test_a_suggested_post_has_its_reason() -> None:
    reason = SuggestionReason("hashtag_you_like", 'You liked posts with #"sea".', "sea")
    other = row(SNAPSHOT.static)._replace(post_id=b"6")
    suggested, plain = json.loads(page_json([row(SNAPSHOT.static), other], None, {b"5": reason}))["items"]
    FeedPost.model_validate(suggested)
    assert suggested["suggestion"] == reason._asdict()
    assert plain["suggestion"] is None


def test_empty_page() -> None:
    assert json.loads(page_json([], None)) == {"items": [], "next_cursor": None}


def test_author_without_names() -> None:
    author = json.loads(page_json([row(SNAPSHOT.static, username=b"")], None))["items"][0]["author"]
    assert author == {"id": "u_3", "username": None, "display_name": None, "avatar_url": None}


def test_a_snapshot_from_before_entities_were_kept() -> None:
    """Also if its caption looks as if it had them."""
    old = {name: value for name, value in json.loads(SNAPSHOT.static).items() if name != "entities"}
    for caption in ("", '"entities":', '\\"entities":{}'):
        static = json.dumps(old | {"caption": caption}, ensure_ascii=False, separators=(",", ":"))
        [post] = json.loads(page_json([row(static)], None))["items"]
        FeedPost.model_validate(post)
        assert post["entities"] == {"mentions": [], "hashtags": []}
        assert post["caption"] == caption
