"""Responses conform to the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from photomesh_shared.events import FeedServed, ImpressionsRecorded, decode
from photomesh_shared.ids import encode
from photomesh_shared.packed_ids import unpack
from tests.integration.feed.read_side import ReadSide
from tests.support.kafka import Topics
from tests.support.waiting import eventually
from tools.openapi import FILES

DOCUMENT: dict[str, Any] = json.loads(FILES[0].read_text())


def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("mode", ["chronological", "ranked"])
async def test_pages_conform(read_side: ReadSide, mode: str) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    read_side.publish(ada, range(5), "A caption with #one and #two")
    read_side.sources.follow(reader, [ada])
    for _ in ("cold", "warm"):
        answer = await read_side.get(reader, mode=mode, limit=3)
        assert answer.headers["content-type"] == "application/json"
        assert len(answer.json()["items"]) == 3
        validator("FeedPostPage").validate(answer.json())
        assert f"cursor={answer.json()['next_cursor']}" in answer.headers["Link"]
        await read_side.list_filled(reader)


async def test_problems_conform(read_side: ReadSide) -> None:
    read_side.sources.unavailable = True
    answer = await read_side.get(read_side.new_account())
    validator("ProblemDocument").validate(answer.json())
    codes = DOCUMENT["paths"]["/v1/feed"]["get"]["responses"]["503"]["content"]["application/problem+json"]
    assert answer.json()["code"] in codes["examples"]


async def test_impressions_are_published(read_side: ReadSide, topics: Topics) -> None:
    reader, posts = read_side.new_account(), [read_side.post_id(1), read_side.post_id(2)]
    items = [{"post_id": encode("o", post), "position": number, "mode": "ranked"} for number, post in enumerate(posts)]
    headers = read_side.issuer.headers(reader)
    answer = await read_side.client.post("/v1/feed/impressions", json={"items": items}, headers=headers)
    assert answer.status_code == 202, answer.text
    key = encode("u", reader).encode()
    (record,) = [record for record in await topics.records("impressions") if record.key == key]
    event = decode(record).data
    assert isinstance(event, ImpressionsRecorded)
    seen = [(one.post_id, one.position, one.mode) for one in event.impressions]
    assert seen == [(post, number, "ranked") for number, post in enumerate(posts)]


async def test_what_a_ranked_page_served_is_recorded(read_side: ReadSide, topics: Topics) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    posts = read_side.publish(ada, range(3))
    read_side.sources.follow(reader, [ada])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    answer = await read_side.get(reader, mode="ranked")
    request_id = answer.headers["Feed-Request-Id"]
    key = encode("u", reader).encode()

    async def record() -> FeedServed | None:
        found = [decode(one).data for one in await topics.records("served") if one.key == key]
        assert all(isinstance(one, FeedServed) for one in found)
        return next((one for one in found if isinstance(one, FeedServed)), None)

    event = await eventually(record, until=lambda it: it is not None)
    assert event is not None
    assert (event.account_id, event.request_id, event.model) == (reader, request_id, "weights")
    assert sorted(unpack(event.post_ids)) == sorted(posts)
    assert "Feed-Request-Id" not in (await read_side.get(reader)).headers


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"post_id": "u_1", "position": 0, "mode": "ranked"}]},
        {"items": [{"post_id": "o_1", "position": -1, "mode": "ranked"}]},
        {"items": [{"post_id": "o_1", "position": 0, "mode": "ranked"}] * 101},
        {"items": [{"post_id": "o_1", "position": 0, "mode": "ranked", "dwell_ms": -1}]},
        {"items": [{"post_id": "o_1", "position": 0, "mode": "ranked", "dwell_ms": 600_001}]},
        {"items": [{"post_id": "o_1", "position": 0, "mode": "ranked", "request_id": "a b c d e f"}]},
        {"items": [{"post_id": "o_1", "position": 0, "mode": "ranked", "request_id": "a" * 13}]},
    ],
)
async def test_invalid_impressions_are_rejected(read_side: ReadSide, body: dict[str, Any]) -> None:
    headers = read_side.issuer.headers(read_side.new_account())
    assert (await read_side.client.post("/v1/feed/impressions", json=body, headers=headers)).status_code == 422
