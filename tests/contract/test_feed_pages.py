"""A page of the feed has the posts of post's own API, and why some are suggested."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.openapi import FILES, service_documents

SHARED = ("Author", "Entities", "Hashtag", "Mention", "Place", "PostPhoto", "PostViewer", "Reason")


@pytest.mark.parametrize("name", SHARED)
def test_feed_and_post_declare_the_same_model(name: str) -> None:
    documents = service_documents()
    assert documents["feed"]["components"]["schemas"][name] == documents["post"]["components"]["schemas"][name]


def test_a_post_of_the_feed_is_a_post_with_one_member_more() -> None:
    documents = service_documents()
    of_feed, of_post = (
        dict(documents[service]["components"]["schemas"][name]["properties"])
        for service, name in (("feed", "FeedPost"), ("post", "Post"))
    )
    assert of_feed.pop("suggestion")
    assert of_feed == of_post


def test_feed_and_explore_have_the_same_reasons() -> None:
    documents = service_documents()
    of_feed, of_explore = (documents[name]["components"]["schemas"]["ExploreReason"] for name in ("feed", "explore"))
    assert of_feed == of_explore


def test_the_merged_document_has_one_page_of_posts_and_one_of_the_feed() -> None:
    document: dict[str, Any] = json.loads(FILES[0].read_text())
    content = document["paths"]["/v1/feed"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/FeedPostPage"}
    assert {"Post", "PostPage", "FeedPost"} <= set(document["components"]["schemas"])
