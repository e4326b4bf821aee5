"""A page of the feed has the posts of post's own API, so that clients need one model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.openapi import FILES, service_documents

SHARED = ("Post", "Author", "Entities", "Hashtag", "Mention", "Place", "PostPhoto", "PostViewer", "Reason")


@pytest.mark.parametrize("name", SHARED)
def test_feed_and_post_declare_the_same_model(name: str) -> None:
    documents = service_documents()
    assert documents["feed"]["components"]["schemas"][name] == documents["post"]["components"]["schemas"][name]


def test_the_merged_document_has_one_page_of_posts() -> None:
    document: dict[str, Any] = json.loads(FILES[0].read_text())
    content = document["paths"]["/v1/feed"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/PostPage"}
    assert "FeedPost" not in document["components"]["schemas"]
