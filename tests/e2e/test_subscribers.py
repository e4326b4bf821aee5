"""The starter kits of `examples/subscriber` agree with the API, survive redelivery, and rebuild to the same state."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path

import pytest

from demo.client import Account, Platform
from tests.support.kafka import Topics, kafka_user
from tests.support.node import node, packages
from tests.support.waiting import eventually

KITS = Path(__file__).parents[2] / "examples" / "subscriber"


async def _published(platform: Platform, account: Account, photo: Path, caption: str) -> str:
    photo_id = await platform.upload(account, photo, lambda count: None)
    post = await platform.publish(account, [photo_id], caption)
    post_id: str = post["id"]
    await eventually(
        lambda: platform.call("GET", f"/v1/posts/{post_id}", account),
        until=lambda seen: seen["status"] == "published",
        within=60,
    )
    return post_id


@pytest.mark.parametrize("kit", ["python", "node"])
async def test_a_subscriber_has_what_the_api_has(
    kit: str, platform: Platform, ada: Account, some_photo: Path, topics: Topics, tmp_path: Path
) -> None:
    if kit == "node":
        await asyncio.to_thread(packages, KITS / "node")
        program = [node(), str(KITS / "node" / "subscriber.mjs")]
    else:
        program = [sys.executable, str(KITS / "python" / "subscriber.py")]
    group, state = f"example-{kit}-{secrets.token_hex(4)}", tmp_path / "state"
    user = kafka_user("example")
    common = ["--bootstrap", user.kafka_bootstrap, "--group", group, "--state", str(state), "--until-end", "--print"]
    environment = {**os.environ, "KAFKA_PASSWORD": user.kafka_password.get_secret_value()}

    async def posts(*options: str) -> dict[str, str]:
        """The captions of Ada's posts, by id, after the program has read what is there."""
        process = await asyncio.create_subprocess_exec(
            *program, *common, *options, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        found = [json.loads(line) for line in output.decode().splitlines()]
        return {post["id"]: post["caption"] for post in found if post["author_id"] == ada.id}

    kept, edited, deleted = [await _published(platform, ada, some_photo, text) for text in ("kept", "first", "gone")]
    await platform.call("PATCH", f"/v1/posts/{edited}", ada, json={"caption": "second"})
    assert await posts() == {kept: "kept", edited: "second", deleted: "gone"}

    await platform.call("DELETE", f"/v1/posts/{deleted}", ada)
    old = [r for r in await topics.records("posts") if r.header("ce_subject") in (edited, deleted) and r.value]
    await topics.send(old[:-1])  # redelivery: everything but the deletion comes again, late
    assert await posts() == {kept: "kept", edited: "second"}
    assert await posts() == {kept: "kept", edited: "second"}
    assert await posts("--rebuild") == {kept: "kept", edited: "second"}
