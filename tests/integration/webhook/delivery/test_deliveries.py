"""Events reach the endpoints that want them: signed, in order, byte for byte, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import operator
import os
import random
from collections.abc import AsyncIterator, Mapping
from functools import partial

import pytest

from photomesh_shared import ids
from photomesh_shared.events import BlockCreated, CommentCreated, FollowCreated, MuteCreated, PostPublished, encode
from photomesh_webhook.catching_up.domain import Chunk, Cursor
from photomesh_webhook.catching_up.store import PostgresCatchingUp
from photomesh_webhook.endpoints.domain import Audience
from photomesh_webhook.endpoints.event_types import PATTERNS
from photomesh_webhook.sender import GROUP, create_app
from photomesh_webhook.settings import SenderSettings
from tests.integration.webhook.delivery.conftest import Platform, in_hours
from tests.support.https_receiver import Authority
from tests.support.kafka import Topics
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually
from tests.support.webhook.mortal_receiver import MortalReceiver
from tests.support.webhook.receiver import WebhookReceiver

KILLS = int(os.environ.get("WEBHOOK_KILLS", "4"))


@pytest.fixture(scope="module", autouse=True)
async def sender(sender_environment: Mapping[str, str], authority: Authority) -> AsyncIterator[None]:
    """The sender in this process, once it has joined its group. It trusts the receiver's authority."""
    settings = settings_from(SenderSettings, sender_environment)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(authority.ca_file))
        async with client_of(create_app(settings)) as ops:

            async def is_ready() -> bool:
                return (await ops.get("/readyz")).status_code == 200

            await eventually(is_ready, within=60)
            yield


async def test_an_event_arrives_signed_and_byte_for_byte(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    envelope = await platform.photo_ready(ada)
    await platform.photo_ready(platform.new_id())  # somebody else's

    [arrived] = await hook.wait_for(1)
    await platform.settled(endpoint, ["delivered"])

    value = encode(envelope).value
    assert value is not None
    assert value in arrived.body
    assert (arrived.id, arrived.type, arrived.subject) == (envelope.id, envelope.data.type_, envelope.data.subject())
    assert arrived.headers["content-type"] == "application/cloudevents+json"
    assert json.loads(arrived.body)["entityversion"] == str(envelope.entityversion)
    [row] = await platform.rows(endpoint)
    assert row["body"] is None
    assert (row["attempts"], row["last_status"], row["about"]) == (1, 204, [ada])


async def test_events_of_a_photo_come_in_order(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    await platform.endpoint(hook, account_id=ada)
    photos = [platform.new_id() for _ in range(5)]
    sent = [await platform.photo_ready(ada, photos[number % 5]) for number in range(50)]

    await hook.wait_for(50)

    for photo_id in photos:
        subject = ids.encode("p", photo_id)
        expected = [one.id for one in sent if one.data.subject() == subject]
        assert hook.ids_of(subject) == expected


async def test_a_rotated_secret_loses_nothing(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    new = os.urandom(32)
    await platform.photo_ready(ada)
    await hook.wait_for(1)
    assert len(hook.delivered[0].headers["webhook-signature"].split()) == 1

    await platform.pool.execute("UPDATE secrets SET expires_at = $2 WHERE endpoint_id = $1", endpoint, in_hours(24))
    await platform.add_secret(endpoint, new)
    await platform.photo_ready(ada)
    await hook.wait_for(2)
    hook.secrets = [new]
    await platform.photo_ready(ada)
    await hook.wait_for(3)
    assert len(hook.delivered[2].headers["webhook-signature"].split()) == 2

    await platform.pool.execute(
        "UPDATE secrets SET expires_at = $2 WHERE endpoint_id = $1 AND expires_at IS NOT NULL", endpoint, in_hours(-1)
    )
    await platform.photo_ready(ada)
    await hook.wait_for(4)
    assert len(hook.delivered[3].headers["webhook-signature"].split()) == 1


async def test_operators_hear_of_everybody_and_nobody_of_blocks_and_mutes(
    platform: Platform, receiver: WebhookReceiver
) -> None:
    ada, grace = platform.new_id(), platform.new_id()
    own, everyone = receiver.hook(), receiver.hook()
    await platform.endpoint(own, account_id=ada, types=PATTERNS[Audience.OWN])
    of_everyone = await platform.endpoint(everyone, types=PATTERNS[Audience.EVERYONE], audience="everyone")
    block = BlockCreated.example().model_copy(update={"blocker_id": grace, "blocked_id": ada})
    mute = MuteCreated.example().model_copy(update={"muter_id": grace, "muted_id": ada})
    follow = FollowCreated.example().model_copy(update={"follower_id": grace, "followee_id": ada})
    post = PostPublished.example().model_copy(update={"author_id": grace, "post_id": platform.new_id()})
    for event in (block, mute, follow, post):
        await platform.happens(event)
    # The last of each topic: what was to come has come when it is there.
    liked = await platform.liked(ada, by=grace)

    await own.wait_for(2)
    subjects = {post.subject(), liked.data.subject()}

    async def heard() -> set[str]:
        return {one.subject for one in everyone.delivered} & subjects

    await eventually(heard, until=lambda found: found == subjects, within=60)
    await platform.pool.execute("DELETE FROM endpoints WHERE id = $1", of_everyone)
    assert sorted(one.type for one in own.arrived) == ["photomesh.follow.created.v1", "photomesh.post.liked.v1"]
    assert not [
        one for one in everyone.arrived if ".follow." in one.type or ".block." in one.type or ".mute." in one.type
    ]


async def test_an_endpoint_of_everybodys_events_ends_with_its_owners_role(
    platform: Platform, receiver: WebhookReceiver
) -> None:
    hook, operator, photo_id = receiver.hook(), platform.new_id(), platform.new_id()
    platform.dismissed.add(operator)
    endpoint = await platform.endpoint(
        hook, account_id=operator, types=["photomesh.photo.ready.v1"], audience="everyone"
    )
    envelope = await platform.photo_ready(platform.new_id(), photo_id)

    async def state() -> tuple[str, str]:
        found = await platform.found(endpoint)
        return found["state"], found["disabled_reason"]

    await eventually(state, until=lambda found: found == ("disabled", "role"), within=60)
    assert hook.arrived == []
    rows = [row for row in await platform.rows(endpoint) if row["event_id"] == envelope.id]
    assert [(row["state"], row["body"]) for row in rows] == [("withheld", None)]
    payloads = await platform.pool.fetch(
        "SELECT payload FROM outbox WHERE key = $1 ORDER BY id", ids.encode("wh", endpoint).encode()
    )
    [told] = [json.loads(row["payload"]) for row in payloads]
    assert (told["state"], told["disabled_reason"], told["failing_hours"]) == ("disabled", "role", 0)
    await platform.pool.execute("DELETE FROM endpoints WHERE id = $1", endpoint)


async def test_what_answers_mean(platform: Platform, receiver: WebhookReceiver) -> None:
    """Redirects are not followed, 410 ends all, and the rest is tried again."""
    answers: list[int | str] = [200, 301, 404, 410, 429, 500, "hang", "reset"]
    hooks = {answer: receiver.hook(answer) for answer in answers}
    owners = {answer: platform.new_id() for answer in answers}
    endpoints = {answer: await platform.endpoint(hooks[answer], account_id=owners[answer]) for answer in answers}
    for owner in owners.values():
        await platform.photo_ready(owner)

    for answer in answers:
        if answer != 410:
            await hooks[answer].wait_for(1)
            await platform.settled(endpoints[answer], ["delivered"])

    async def state() -> tuple[str, str]:
        found = await platform.found(endpoints[410])
        return found["state"], found["disabled_reason"]

    await eventually(state, until=lambda found: found == ("disabled", "gone"))
    await platform.settled(endpoints[410], ["pending"])
    assert {answer: len(hook.arrived) for answer, hook in hooks.items()} == {
        answer: 1 if answer in (200, 410) else 2 for answer in answers
    }
    [row] = await platform.rows(endpoints[410])
    assert row["last_answer"] == "answer 410"


async def test_an_address_within_the_platform_is_refused(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    hook.url = "https://127.0.0.1:8443/"
    endpoint = await platform.endpoint(hook, account_id=ada)
    await platform.photo_ready(ada)

    async def error() -> str | None:
        rows = await platform.rows(endpoint)
        return rows[0]["last_error"] if rows else None

    await eventually(error, until=lambda found: found == "refused")


async def test_what_the_owner_may_not_see_is_withheld(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada, hidden = receiver.hook(), platform.new_id(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada, types=["photomesh.post.*", "photomesh.comment.*"])
    platform.hidden |= {hidden}
    post_id = platform.new_id()
    await platform.liked(ada, by=hidden, post_id=post_id)
    await platform.settled(endpoint, ["withheld"])
    comment = CommentCreated.example()
    update = {"post_author_id": ada, "post_id": post_id, "comment_id": platform.new_id(), "account_id": hidden}
    await platform.happens(comment.model_copy(update=update))
    seen = await platform.liked(ada, post_id=post_id)

    [arrived] = await hook.wait_for(1)

    await platform.settled(endpoint, ["withheld", "withheld", "delivered"])
    assert arrived.id == seen.id
    assert [row["body"] for row in await platform.rows(endpoint)] == [None, None, None]


async def test_without_post_nothing_is_lost(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada, types=["photomesh.post.liked.v1", "photomesh.photo.*"])
    platform.post_down = True
    try:
        liked = await platform.liked(ada)
        photo = await platform.photo_ready(ada)
        await hook.wait_for(1)
        assert hook.ids == [photo.id]
    finally:
        platform.post_down = False
    await hook.wait_for(2)
    assert hook.ids == [photo.id, liked.id]
    await platform.settled(endpoint, ["delivered", "delivered"])


async def test_an_endpoint_that_was_down_catches_up_in_order(platform: Platform, receiver: WebhookReceiver) -> None:
    """Ten failures open the circuit; what happens then is no row, until the endpoint answers."""
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    hook.usual = 503
    photos = [platform.new_id() for _ in range(12)]
    sent = [await platform.photo_ready(ada, photo_id) for photo_id in photos]
    await platform.behind(endpoint, expected=True)
    sent += [await platform.photo_ready(ada, photos[number % 12]) for number in range(60)]

    async def cursors() -> int:
        found: int = await platform.pool.fetchval("SELECT count(*) FROM cursors WHERE endpoint_id = $1", endpoint)
        return found

    await eventually(cursors)
    assert len(await platform.rows(endpoint)) < 40
    requests = len(hook.arrived)
    hook.usual = 200

    await hook.wait_for(72, within=90)
    await platform.behind(endpoint, expected=False)

    assert requests < 40
    for photo_id in photos:
        subject = ids.encode("p", photo_id)
        expected = [one.id for one in sent if one.data.subject() == subject]
        assert hook.ids_of(subject) == expected
    found = await platform.found(endpoint)
    assert (found["failures"], found["failing_since"], found["gap"]) == (0, None, False)
    live = await platform.photo_ready(ada)
    await hook.wait_for(73)
    assert hook.ids[-1] == live.id


async def test_a_disabled_endpoint_gets_what_it_missed_once_it_is_enabled(
    platform: Platform, receiver: WebhookReceiver
) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    await platform.pool.execute(
        "UPDATE endpoints SET state = 'disabled', disabled_reason = 'owner' WHERE id = $1", endpoint
    )
    sent = [await platform.photo_ready(ada) for _ in range(20)]
    await platform.behind(endpoint, expected=True)
    assert await platform.rows(endpoint) == []

    await platform.pool.execute(
        "UPDATE endpoints SET state = 'enabled', disabled_reason = NULL, due_at = now() WHERE id = $1", endpoint
    )

    await hook.wait_for(20)
    assert sorted(hook.ids) == sorted(one.id for one in sent)
    await platform.behind(endpoint, expected=False)


async def test_a_test_event_is_sent_although_the_endpoint_is_disabled(
    platform: Platform, receiver: WebhookReceiver
) -> None:
    hook = receiver.hook()
    endpoint = await platform.endpoint(hook)
    await platform.pool.execute(
        "UPDATE endpoints SET state = 'disabled', disabled_reason = 'failing' WHERE id = $1", endpoint
    )
    await platform.pool.execute(
        "INSERT INTO deliveries (endpoint_id, round, event_id, type, subject, source, event_time, entityversion, body,"
        " about, state, next_attempt_at, created_at) VALUES ($1, 0, $2, 'photomesh.webhook.test.v1', $2,"
        " '/photomesh/webhook', now(), 1, '{}', '{}', 'pending', now(), now())",
        endpoint,
        f"test-{endpoint}",
    )
    await platform.pool.execute("UPDATE endpoints SET due_at = now() WHERE id = $1", endpoint)
    [arrived] = await hook.wait_for(1)
    assert arrived.type == "photomesh.webhook.test.v1"
    await platform.settled(endpoint, ["delivered"])


async def test_more_than_a_thousand_waiting_rows_stay_in_their_topic(
    platform: Platform, receiver: WebhookReceiver, topics: Topics
) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    photos = [platform.new_id() for _ in range(25)]  # 44 events each: all of them count
    hook.usual = "hang"
    published = await platform.photos_ready(ada, [photos[number % 25] for number in range(1_100)])
    await platform.behind(endpoint, expected=True)
    assert 0 < len(await platform.rows(endpoint)) <= 1_000
    hook.usual = 204

    await hook.wait_for(1_100, within=120)

    for number, photo_id in enumerate(photos):
        subject = ids.encode("p", photo_id)
        assert hook.ids_of(subject) == published[number::25]
    await platform.behind(endpoint, expected=False)
    await topics.caught_up(GROUP)


async def announced(platform: Platform, endpoint_id: int) -> list[tuple[str, str | None, int]]:
    """What the outbox has for the topic `webhooks`: state, reason, hours of failing."""
    rows = await platform.pool.fetch(
        "SELECT payload FROM outbox WHERE key = $1 ORDER BY id", ids.encode("wh", endpoint_id).encode()
    )
    events = [json.loads(row["payload"]) for row in rows]
    return [(event["state"], event["disabled_reason"], event["failing_hours"]) for event in events]


async def failing_for(platform: Platform, endpoint_id: int, hours: float) -> None:
    """As if the endpoint had failed for so long, and its next probe were due."""
    await platform.pool.execute(
        "UPDATE endpoints SET failures = 30, attempts_failed = 30, failing_since = $2, next_probe_at = now(),"
        " due_at = now() WHERE id = $1",
        endpoint_id,
        in_hours(-hours),
    )


async def test_the_owner_hears_of_an_endpoint_that_fails_and_of_its_return(
    platform: Platform, receiver: WebhookReceiver
) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    hook.usual = 500
    await platform.photo_ready(ada)
    await platform.settled(endpoint, ["pending"])

    for hours, told in [(1.5, 1), (25, 24), (49, 48)]:
        await failing_for(platform, endpoint, hours)

        async def last() -> int:
            found = await announced(platform, endpoint)
            return found[-1][2] if found else 0

        await eventually(last, until=partial(operator.eq, told), within=60)
    hook.usual = 200
    await failing_for(platform, endpoint, 50)
    await hook.wait_for(1)
    await platform.settled(endpoint, ["delivered"])
    expected: list[tuple[str, str | None, int]] = [("enabled", None, hours) for hours in (1, 24, 48, 0)]
    assert await announced(platform, endpoint) == expected


async def test_after_three_days_an_endpoint_is_disabled(platform: Platform, receiver: WebhookReceiver) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    before = (await platform.found(endpoint))["version"]
    hook.usual = 500
    await platform.photo_ready(ada)
    await platform.settled(endpoint, ["pending"])
    await failing_for(platform, endpoint, 73)

    async def state() -> tuple[str, str | None]:
        found = await platform.found(endpoint)
        return found["state"], found["disabled_reason"]

    await eventually(state, until=lambda found: found == ("disabled", "failing"), within=60)
    assert (await announced(platform, endpoint))[-1] == ("disabled", "failing", 72)
    found = await platform.found(endpoint)
    assert found["version"] > before
    assert found["behind"]


async def test_a_lane_of_a_thousand_rows_behind_one_that_fails_holds_up_no_other(
    platform: Platform, receiver: WebhookReceiver
) -> None:
    hook, ada, bad, good = receiver.hook(), platform.new_id(), platform.new_id(), platform.new_id()
    failing = ids.encode("p", bad)
    hook.usual = lambda arrived: 500 if arrived.subject == failing else 204
    endpoint = await platform.endpoint(hook, account_id=ada)
    # Its first event was refused, and is tried again in an hour.
    await platform.pool.execute(
        "INSERT INTO deliveries (endpoint_id, round, event_id, type, subject, source, event_time, entityversion, topic,"
        " partition, record_offset, body, about, state, next_attempt_at, created_at)"
        " SELECT $1, 0, $2 || number, 'photomesh.photo.ready.v1', $2, '/tests', now(), 1, 'photo_ready', 0, number,"
        " '{}', '{}', 'pending', now() + interval '1 hour', now() FROM generate_series(1, 1500) AS number",
        endpoint,
        failing,
    )
    sent = [await platform.photo_ready(ada, photo_id) for photo_id in (bad, good, platform.new_id())]

    await hook.wait_for(2)
    assert sorted(hook.ids) == sorted(one.id for one in sent[1:])
    assert not (await platform.found(endpoint))["behind"]
    await platform.pool.execute("DELETE FROM deliveries WHERE endpoint_id = $1", endpoint)
    await platform.pool.execute("DELETE FROM endpoints WHERE id = $1", endpoint)


async def test_a_receiver_is_killed_many_times_in_the_middle_of_requests(
    platform: Platform, mortal_receiver: MortalReceiver
) -> None:
    """At least once, with equal ids, in order. `WEBHOOK_KILLS=200` for the whole exercise."""
    ada, photos, randomness = platform.new_id(), [platform.new_id() for _ in range(2)], random.Random(7)
    endpoint = await platform.endpoint(mortal_receiver.hook, account_id=ada)
    sent: dict[str, list[str]] = {}
    for number in range(KILLS):
        for photo_id in photos:
            envelope = await platform.photo_ready(ada, photo_id)
            sent.setdefault(envelope.data.subject(), []).append(envelope.id)
        arrived = mortal_receiver.count("arrived")
        hangs = bool(number % 2)
        async with mortal_receiver.running(pause=60 if hangs else randomness.uniform(0, 0.05)):
            await send_at_once(platform, endpoint)
            await mortal_receiver.has_more("arrived", arrived)
            await asyncio.sleep(randomness.uniform(0, 0.05))  # wherever it then is

    async with mortal_receiver.running(pause=0):
        await send_at_once(platform, endpoint)
        await platform.settled(endpoint, ["delivered"] * (KILLS * len(photos)), within=120)

    requests, accepted = mortal_receiver.requests("arrived"), mortal_receiver.requests("accepted")
    assert len(requests) - len(accepted) >= KILLS // 2
    assert {one.id for one in requests} == {event_id for of_photo in sent.values() for event_id in of_photo}
    for subject, expected in sent.items():
        assert list(dict.fromkeys(one.id for one in accepted if one.subject == subject)) == expected


async def send_at_once(platform: Platform, endpoint_id: int) -> None:
    """As if the time had passed for which what failed waits, and nothing had failed yet."""
    await platform.pool.execute(
        "UPDATE deliveries SET attempts = 0, next_attempt_at = now() WHERE endpoint_id = $1 AND state = 'pending'",
        endpoint_id,
    )
    await platform.pool.execute(
        "UPDATE endpoints SET failures = 0, next_probe_at = NULL, due_at = now() WHERE id = $1", endpoint_id
    )


async def test_what_a_topic_no_longer_has_is_a_gap(platform: Platform, receiver: WebhookReceiver) -> None:
    endpoint = await platform.endpoint(receiver.hook())
    store = PostgresCatchingUp(platform.pool)
    await platform.pool.execute("INSERT INTO cursors VALUES ($1, 'no_such_topic', 0, 5)", endpoint)
    await platform.pool.execute("UPDATE endpoints SET behind = true WHERE id = $1", endpoint)
    await platform.pool.execute("INSERT INTO positions VALUES ('no_such_topic', 0, 20)")
    cursor, now = Cursor("no_such_topic", 0, 5), in_hours(0)
    assert await store.cursors(endpoint) == [cursor]
    stored = await store.store(endpoint, cursor, Chunk([], 10, gap=True), now)
    assert (stored.ended, (await platform.found(endpoint))["gap"]) == (False, True)
    # Somebody else has moved the cursor: nothing happens.
    assert not (await store.store(endpoint, cursor, Chunk([], 1 << 40, gap=False), now)).ended
    moved = Cursor("no_such_topic", 0, 10)
    assert (await store.store(endpoint, moved, Chunk([], 1 << 40, gap=False), now)).ended
    assert not (await platform.found(endpoint))["behind"]
