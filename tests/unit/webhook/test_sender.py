"""The sender on a virtual clock: order, retries, circuit, catching up, and what outages leave."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from photomesh_shared.events import CommentDeleted, PhotoReady, PostLiked
from photomesh_webhook.endpoints.domain import Audience, DisabledReason, Ordering
from photomesh_webhook.sending.domain import MAX_ATTEMPTS
from photomesh_webhook.sending.rows import Fate, Row
from tests.support.clock import run_virtually
from tests.support.webhook.memory_sending import SendingWorld

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def test_events_of_a_subject_are_sent_in_order_and_subjects_beside_each_other() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        ids = [world.add(endpoint, f"o_{number % 5}") for number in range(50)]
        await world.run(MINUTE)
        assert world.all_delivered(endpoint)
        assert len(world.receivers.requests[endpoint]) == 50
        for subject, sent in world.receivers.subjects(endpoint).items():
            assert sent == [row_id for number, row_id in enumerate(ids) if f"o_{number % 5}" == subject]
        assert world.receivers.most[endpoint] == 5

    run_virtually(scene())


def test_one_endpoint_has_eight_requests_at_a_time() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        for number in range(200):
            world.add(endpoint, f"o_{number}")
        await world.run(MINUTE)
        assert world.all_delivered(endpoint)
        assert world.receivers.most[endpoint] == 8

    run_virtually(scene())


def test_without_order_events_of_a_subject_are_sent_beside_each_other() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint(ordering=Ordering.NONE)
        for _ in range(50):
            world.add(endpoint, "o_1")
        await world.run(MINUTE)
        assert world.all_delivered(endpoint)
        assert world.receivers.most[endpoint] == 8

    run_virtually(scene())


def test_a_subject_that_fails_delays_only_itself() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        bad = [world.add(endpoint, "p_bad") for _ in range(3)]
        good = [world.add(endpoint, f"p_{number}") for number in range(300)]
        world.receivers.answers[endpoint] = lambda row: 500 if row.subject == "p_bad" else 200
        await world.run(2 * SECOND)
        assert {world.fates(endpoint)[row_id] for row_id in good} == {Fate.DELIVERED}
        assert [row.id for row in world.receivers.requests[endpoint] if row.subject == "p_bad"] == bad[:1]

    run_virtually(scene())


def test_a_row_is_tried_eleven_times_over_three_days_and_then_the_next_of_its_lane() -> None:
    async def scene() -> None:
        world = SendingWorld(poll_seconds=60)
        endpoint = world.endpoint()
        bad, after = world.add(endpoint, "p_bad"), world.add(endpoint, "p_bad")
        world.receivers.answers[endpoint] = lambda row: 500 if row.id == bad else 200

        async def others() -> None:
            """Something else is delivered every ten minutes, so the endpoint is well."""
            while True:
                world.add(endpoint, "p_other")
                await asyncio.sleep(600)

        beside = asyncio.create_task(others())
        await world.run(4 * DAY)
        beside.cancel()
        times = [
            at
            for row, at in zip(world.receivers.requests[endpoint], world.receivers.times[endpoint], strict=True)
            if row.id == bad
        ]
        assert len(times) == MAX_ATTEMPTS
        assert 57 * HOUR < times[-1] - times[0] < 87 * HOUR
        assert world.fates(endpoint)[bad] is Fate.FAILED
        assert world.fates(endpoint)[after] is Fate.DELIVERED

    run_virtually(scene())


def test_one_that_hangs_does_not_delay_others() -> None:
    async def scene() -> None:
        world = SendingWorld()
        tarpit, *others = (world.endpoint() for _ in range(20))
        world.receivers.answers[tarpit] = lambda row: "hang"
        for number in range(50):
            for endpoint in (tarpit, *others):
                world.add(endpoint, f"o_{number}")
        await world.run(5 * SECOND)
        assert all(world.all_delivered(endpoint) for endpoint in others)
        assert world.receivers.most[tarpit] == 8

    run_virtually(scene())


def test_an_outage_of_half_an_hour_is_made_up_in_order_within_two_minutes() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        down = True
        world.receivers.answers[endpoint] = lambda row: "reset" if down else 200
        started = world.clock.now()

        async def events() -> None:
            for number in range(1_800):
                world.happens(endpoint, f"o_{number % 40}")
                await asyncio.sleep(1)

        happening = asyncio.create_task(events())
        running = asyncio.create_task(world.run(35 * MINUTE))
        await asyncio.sleep(1_801)
        assert happening.done()
        down = False
        probes = len(world.receivers.requests[endpoint])
        assert 15 < probes < 200
        rows_before = len(world.store.rows[endpoint])
        assert rows_before < 100
        await asyncio.sleep(120)
        assert world.all_delivered(endpoint)
        assert len(world.store.rows[endpoint]) == 1_800
        assert not world.store.targets[endpoint].behind
        for sent in world.receivers.subjects(endpoint).values():
            assert sent == sorted(sent)
        assert world.clock.now() - started < 33 * MINUTE
        await running

    run_virtually(scene())


def test_after_three_days_of_failures_an_endpoint_is_disabled_and_its_owner_was_warned() -> None:
    async def scene() -> None:
        world = SendingWorld(poll_seconds=60)
        endpoint = world.endpoint()
        world.receivers.answers[endpoint] = lambda row: 500
        rows = [world.add(endpoint, f"o_{number}") for number in range(12)]
        await world.run(4 * DAY)
        changes = world.store.changes[endpoint]
        assert [one.warn for one in changes if one.warn] == [1, 24, 48]
        assert [one.disable for one in changes if one.disable] == [DisabledReason.FAILING]
        assert changes[-1].disable
        assert not world.store.targets[endpoint].enabled
        assert {world.fates(endpoint)[row_id] for row_id in rows} == {Fate.PENDING}
        assert 100 < len(world.receivers.requests[endpoint]) < 1_000

    run_virtually(scene())


def test_gone_disables_at_once_and_nothing_more_is_sent() -> None:
    async def scene() -> None:
        world = SendingWorld(poll_seconds=60)
        endpoint = world.endpoint()
        world.receivers.answers[endpoint] = lambda row: 410
        for _ in range(5):
            world.add(endpoint, "o_1")
        await world.run(DAY)
        assert len(world.receivers.requests[endpoint]) == 1
        assert [one.disable for one in world.store.changes[endpoint]] == [DisabledReason.GONE]
        # Enabled again, it gets what it has not got.
        world.receivers.answers[endpoint] = lambda row: 204
        world.store.targets[endpoint] = replace(world.store.targets[endpoint], enabled=True)
        world.store.due_at[endpoint] = world.clock.now()
        await world.run(HOUR)
        assert world.all_delivered(endpoint)

    run_virtually(scene())


def test_a_test_is_sent_to_a_disabled_endpoint_once_and_says_nothing_of_it() -> None:
    async def scene() -> None:
        world = SendingWorld(poll_seconds=60)
        endpoint = world.endpoint()
        world.store.targets[endpoint] = replace(world.store.targets[endpoint], enabled=False)
        world.add(endpoint, "o_1")
        good, bad = (world.add(endpoint, f"wh_{number}", is_test=True) for number in range(2))
        world.receivers.answers[endpoint] = lambda row: 500 if row.id == bad else 200
        await world.run(DAY)
        assert [row.id for row in world.receivers.requests[endpoint]] == [good, bad]
        assert world.fates(endpoint)[good] is Fate.DELIVERED
        assert world.fates(endpoint)[bad] is Fate.FAILED
        assert world.store.targets[endpoint].health.is_well

    run_virtually(scene())


def test_a_wait_that_the_receiver_asks_for_is_kept() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        world.receivers.retry_after = "600"
        first = True

        def answer(row: Row) -> int:
            nonlocal first
            was, first = first, False
            return 429 if was else 200

        world.receivers.answers[endpoint] = answer
        for _ in range(3):
            world.add(endpoint, "o_1")
        await world.run(HOUR)
        times = world.receivers.times[endpoint]
        assert len(times) == 4
        assert 600 <= (times[1] - times[0]).total_seconds() < 620
        assert world.all_delivered(endpoint)

    run_virtually(scene())


ADA = PostLiked.example().post_author_id


def add_like(world: SendingWorld, endpoint: int) -> int:
    like = PostLiked.example()
    return world.add(endpoint, like.subject(), type_=like.type_, value=like.model_dump_json().encode())


def test_what_the_owner_may_not_see_any_more_is_withheld() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint(audience=Audience.OWN, account_id=ADA)
        like, comment = PostLiked.example(), CommentDeleted.example()
        world.viewer.hidden = {like.account_id}
        hidden = add_like(world, endpoint)
        ended = world.add(endpoint, "c_1", type_=comment.type_, value=comment.model_dump_json().encode())
        photo = world.add(
            endpoint, "p_1", type_=PhotoReady.type_, value=PhotoReady.example().model_dump_json().encode()
        )
        await world.run(MINUTE)
        assert world.fates(endpoint) == {hidden: Fate.WITHHELD, ended: Fate.DELIVERED, photo: Fate.DELIVERED}
        world.viewer.hidden = set()
        seen = add_like(world, endpoint)
        await world.run(MINUTE)
        assert world.fates(endpoint)[seen] is Fate.DELIVERED

    run_virtually(scene())


def test_without_post_what_others_did_waits_and_own_things_go_on() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint(audience=Audience.OWN, account_id=ADA)
        world.viewer.down = True
        like = add_like(world, endpoint)
        photo = world.add(
            endpoint, "p_1", type_=PhotoReady.type_, value=PhotoReady.example().model_dump_json().encode()
        )
        await world.run(MINUTE)
        assert world.fates(endpoint) == {like: Fate.PENDING, photo: Fate.DELIVERED}
        world.viewer.down = False
        await world.run(MINUTE)
        assert world.all_delivered(endpoint)
        assert len(world.receivers.requests[endpoint]) == 2

    run_virtually(scene())


@pytest.mark.parametrize("seconds", [3, 90])
def test_without_the_database_nothing_more_is_sent_and_nothing_is_lost(seconds: int) -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        for number in range(400):
            world.add(endpoint, f"o_{number % 20}")
        running = asyncio.create_task(world.run(10 * MINUTE))
        await asyncio.sleep(0.1)
        sent = len(world.receivers.requests[endpoint])
        assert 0 < sent < 400
        world.store.down = True
        await asyncio.sleep(seconds)
        assert len(world.receivers.requests[endpoint]) <= sent + 32
        world.store.down = False
        await running
        assert world.all_delivered(endpoint)
        for ids in world.receivers.subjects(endpoint).values():
            assert ids == sorted(ids)

    run_virtually(scene())


def test_of_two_senders_one_sends_to_an_endpoint_and_both_share_endpoints() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoints = [world.endpoint() for _ in range(10)]
        for number in range(100):
            for endpoint in endpoints:
                world.add(endpoint, f"o_{number % 7}")
        await world.run(MINUTE, senders=2)
        for endpoint in endpoints:
            assert world.all_delivered(endpoint)
            assert len(world.receivers.requests[endpoint]) == 100
            assert world.receivers.most[endpoint] <= 8

    run_virtually(scene())


def test_a_sender_that_stops_lets_requests_in_flight_end() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        world.receivers.seconds = 10
        for number in range(20):
            world.add(endpoint, f"o_{number}")
        await world.run(SECOND)
        fates = list(world.fates(endpoint).values())
        assert fates.count(Fate.DELIVERED) == len(world.receivers.requests[endpoint]) == 8
        assert endpoint not in world.store.leases

    run_virtually(scene())


def test_kafka_is_away_while_an_endpoint_is_behind() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        world.store.targets[endpoint] = replace(world.store.targets[endpoint], behind=True)
        world.happens(endpoint, "o_1")
        world.store.due_at[endpoint] = world.clock.now()
        world.catch_up.down = True
        await world.run(MINUTE)
        assert not world.receivers.requests[endpoint]
        world.catch_up.down = False
        await world.run(MINUTE)
        assert world.all_delivered(endpoint)

    run_virtually(scene())


def test_everybodys_events_end_with_the_role_of_the_owner() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint(account_id=7)
        other, own = world.endpoint(account_id=8), world.endpoint(account_id=7, audience=Audience.OWN)
        first = world.add(endpoint)
        await world.run(10 * SECOND)
        world.operators.dismissed.add(7)
        later = [world.add(endpoint, f"o_{number}") for number in range(40)]
        test = world.add(endpoint, is_test=True)
        for one in (other, own):
            world.add(one)
        await world.run(10 * SECOND)
        assert [row.id for row in world.receivers.requests[endpoint]] == [first, test]
        assert not world.store.targets[endpoint].enabled
        assert {world.fates(endpoint)[row_id] for row_id in later} == {Fate.WITHHELD}
        assert world.all_delivered(other)
        assert world.all_delivered(own), "what is one's own needs no role"

    run_virtually(scene())


def test_without_an_answer_about_roles_everybodys_events_wait() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint()
        world.operators.down = True
        world.add(endpoint)
        await world.run(MINUTE)
        assert world.receivers.requests[endpoint] == []
        assert world.store.targets[endpoint].enabled
        world.operators.down = False
        await world.run(MINUTE)
        assert world.all_delivered(endpoint)

    run_virtually(scene())


def test_a_role_that_ends_amid_requests_ends_what_comes_after_them() -> None:
    async def scene() -> None:
        world = SendingWorld()
        endpoint = world.endpoint(account_id=7)
        world.receivers.seconds = 2
        rows = [world.add(endpoint, f"o_{number}") for number in range(100)]

        async def dismiss() -> None:
            await asyncio.sleep(3)
            world.operators.dismissed.add(7)

        dismissing = asyncio.create_task(dismiss())
        await world.run(2 * MINUTE)
        await dismissing
        fates = world.fates(endpoint)
        sent = {row.id for row in world.receivers.requests[endpoint]}
        assert {row_id for row_id in rows if fates[row_id] is Fate.DELIVERED} == sent
        assert {fates[row_id] for row_id in rows if row_id not in sent} == {Fate.WITHHELD}
        assert len(sent) < 60

    run_virtually(scene())
