"""What feed gives to the export of an account: what ranking goes by, and what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from photomesh_feed.store import keys
from photomesh_shared.ids import encode
from photomesh_shared.internal_api import export
from tests.integration.feed.read_side import ReadSide
from tests.support.exports import pages_of
from tests.support.internal_calls import RightfulCaller
from tests.support.waiting import eventually


@pytest.mark.parametrize("limit", [1, 500])
async def test_what_ranking_goes_by(read_side: ReadSide, limit: int) -> None:
    reader, ada, grace = (read_side.new_account() for _ in range(3))
    posts = read_side.publish(ada, range(3))
    read_side.sources.follow(reader, [ada, grace])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    await read_side.redis.zadd(keys.affinity(reader), {str(ada): 1e300, str(grace): 1e299})
    await read_side.page(reader, mode="ranked")
    auth = RightfulCaller(read_side.environment, export)
    items = await pages_of(read_side.client, encode("u", reader), "ranking", limit=limit, auth=auth)
    assert [item["author_id"] for item in items if item["kind"] == "affinity"] == [encode("u", ada), encode("u", grace)]
    [order] = [item for item in items if item["kind"] == "latest_order"]
    assert sorted(order["post_ids"]) == sorted(encode("o", post) for post in posts)
    assert await pages_of(read_side.client, encode("u", grace), "ranking", auth=auth) == []


async def test_impressions_of_the_account_alone(read_side: ReadSide) -> None:
    reader, other = read_side.new_account(), read_side.new_account()
    for account, count in ((reader, 2), (other, 1), (reader, 1)):
        items = [
            {"post_id": encode("o", read_side.post_id(number)), "position": number, "mode": "ranked"}
            for number in range(count)
        ]
        response = await read_side.client.post(
            "/v1/feed/impressions", json={"items": items}, headers=read_side.issuer.headers(account)
        )
        assert response.status_code == 202
    auth = RightfulCaller(read_side.environment, export)
    seen = await pages_of(read_side.client, encode("u", reader), "impressions", auth=auth)
    assert [item["position"] for item in seen] == [0, 1, 0]
    assert all(item["seen_at"] for item in seen)


async def test_what_was_served(read_side: ReadSide) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    posts = read_side.publish(ada, range(3))
    read_side.sources.follow(reader, [ada])
    await read_side.page(reader)
    await read_side.list_filled(reader)
    answer = await read_side.get(reader, mode="ranked")
    auth = RightfulCaller(read_side.environment, export)

    async def records() -> list[dict[str, Any]]:
        return await pages_of(read_side.client, encode("u", reader), "served", auth=auth)

    [served] = await eventually(records, until=bool)
    assert served["request_id"] == answer.headers["Feed-Request-Id"]
    assert sorted(served["post_ids"]) == sorted(encode("o", post) for post in posts)
    assert [0 <= row["recency"] <= 1 for row in served["features"]] == [True] * 3
