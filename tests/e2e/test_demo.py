"""The demo's walk: people find accounts, posts and stories. And how it ends: somebody hears of others in a list, on a
phone, in a program of their own, and live."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from demo import finding, hearing, sheet, social
from demo.client import Account, Platform

pytestmark = pytest.mark.timeout(600)

LIKERS = 16
Environment = Callable[[str], Mapping[str, str]]


async def test_people_search_look_at_stories_and_explore(
    platform: Platform, ada: Account, grace: Account, some_photo: Path, tmp_path: Path
) -> None:
    outsider = await platform.register(f"outsider_{secrets.token_hex(4)}")
    await platform.follow(grace, ada)
    photo_id = await platform.upload(ada, some_photo, lambda _: None)
    await platform.wait_until_ready(ada, photo_id, within=60)
    hashtag = f"t{secrets.token_hex(4)}"
    post = await platform.publish(ada, [photo_id], f"Evening #photomesh #{hashtag}")

    console = Console(record=True, width=200)
    await finding.search(console, platform, grace, ada, post["id"])
    await finding.tell_story(platform, ada, some_photo)
    tray = await finding.look_at_stories(console, platform, grace, [ada])
    explored = await finding.explore(console, platform, outsider, hashtag)
    lines = [line.strip() for line in console.export_text().splitlines()]
    assert lines[0] == f"What @{grace.username} finds"
    assert re.fullmatch(rf"by typing “\w+”: .*@{ada.username}.*", lines[1])
    assert lines[2:] == [
        f"by searching “photomesh from:{ada.username}”: 1 found",
        f"in the tray of stories: @{ada.username}; unseen after a look: 0",
        f"by exploring, as @{outsider.username}: {len(explored)} found, first {explored[0].label}",
    ]
    assert any(one.label.startswith(f"@{ada.username}: ") for one in explored)

    page = tmp_path / "sheet.html"
    sheet.write(page, "Photos", [], sheet.Feed(grace.username, await platform.feed(grace)), tray, explored)
    assert page.read_text().count("data:image/jpeg;base64,") == len(tray) + len(explored)


async def test_somebody_hears_of_sixteen_likes_in_four_ways(
    platform: Platform, ada: Account, service_environment: Environment, some_photo: Path
) -> None:
    environment = service_environment("webhook-sender")
    certificate = Path(environment["PHOTOMESH_OUTBOUND_TEST_AUTHORITY"])
    [address] = json.loads(environment["PHOTOMESH_OUTBOUND_TEST_RECEIVERS"])
    host = address.removesuffix(":8443")
    run = secrets.token_hex(4)
    people = await asyncio.gather(*(platform.register(f"fan{number}_{run}") for number in range(LIKERS)))
    photo_id = await platform.upload(ada, some_photo, lambda _: None)
    await platform.wait_until_ready(ada, photo_id, within=60)
    post_id = (await platform.publish(ada, [photo_id], "Evening"))["id"]

    console = Console(record=True, width=200)
    async with hearing.listening(console, platform, ada, host, certificate) as receiver:
        assert receiver is not None
        await asyncio.gather(*(platform.like(fan, post_id) for fan in people))
        social.tell(console, ada, await social.notifications_of(platform, ada, {post_id: LIKERS}))
        await hearing.hear_by_push(console, receiver)
        await hearing.hear_by_webhook(console, receiver)
        await hearing.hear_live(console, platform, ada, people[0], post_id)
        assert receiver.refused == []
    lines = [line.strip() for line in console.export_text().splitlines()]

    assert lines[0] == f"What @{ada.username} hears of"
    patterns = (
        rf"@fan\d+_{run} and 15 others: like",
        rf"on a locked phone \(Web Push, decrypted\): New likes: fan\d+_{run}.* liked your post",
        rf"by webhook \(signature verified\): photomesh\.post\.liked\.v1 of {post_id}.*",
        rf"live \(stream\): comment\.c_\w+, \d+\.\d\d s after @{people[0].username} commented",
    )
    for pattern in patterns:
        assert [line for line in lines if re.fullmatch(pattern, line)], (pattern, lines)

    # The device and the webhook ended with the walk: nobody listens there any more.
    for path in ("/v1/webhooks", "/v1/notifications/push/subscriptions"):
        assert (await platform.call("GET", path, ada))["items"] == []


async def test_without_a_receiver_the_walk_goes_on(platform: Platform, ada: Account, tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    async with hearing.listening(console, platform, ada, "127.0.0.1", tmp_path / "none.pem") as receiver:
        assert receiver is None
    assert "this platform calls no address of this machine" in console.export_text()
