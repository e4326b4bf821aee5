"""What open streams are sent: everything once, or a reset."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Collection
from itertools import pairwise
from typing import Any

import pytest
from fastapi import FastAPI

from photomesh_notification.errors import NotificationsUnavailable, StreamsFull, TooManyStreams
from photomesh_notification.streams.domain import Entry, Opened, newest_of_each, position_of
from photomesh_notification.streams.hub import MAX_PENDING, Hub
from photomesh_shared.http.event_stream import End, EventStream, StreamingApp
from tests.support.clock import LoopClock, run_virtually
from tests.support.stream_connections import Connection

ADA = 7


class Redis:
    """The accounts' logs, and a subscription that can break. Messages come a moment after they are published."""

    def __init__(self) -> None:
        self.entries: list[Entry] = [Entry("1-0", "", removed=False)]  # a beginning
        self.leases: dict[str, int] = {}
        self.subscribed: set[int] = set()
        self.away = False
        self.max_streams = 5
        self.confirms = True
        self.pause: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
        self.hub: Hub

    def publish(self, group: str, *, removed: bool = False) -> str:
        entry = Entry(f"{int(self.entries[-1].id.partition('-')[0]) + 1}-0", group, removed)
        self.entries.append(entry)
        if ADA in self.subscribed:
            asyncio.get_running_loop().call_later(0.01, self._tell, entry)
        return entry.id

    def _tell(self, entry: Entry) -> None:
        if ADA in self.subscribed:
            self.hub.changed(ADA, entry)

    def trim(self, count: int) -> None:
        del self.entries[:count]

    async def subscribe(self, account_id: int) -> None:
        await self._work()
        if self.confirms:
            self.subscribed.add(account_id)
            asyncio.get_running_loop().call_later(0.01, self.hub.confirmed, account_id)

    async def unsubscribe(self, account_id: int) -> None:
        await self._work()
        self.subscribed.discard(account_id)

    def lose_subscription(self) -> None:
        self.subscribed.clear()

    def subscribe_again(self) -> None:
        for account_id in self.hub.account_ids:
            self.subscribed.add(account_id)
            self.hub.confirmed(account_id)

    async def open(self, account_id: int, lease: str, last_id: str | None) -> Opened | None:
        await self._work()
        if len(self.leases) >= self.max_streams:
            return None
        self.leases[lease] = account_id
        return await self.resume(account_id, last_id or "")

    async def resume(self, account_id: int, last_id: str) -> Opened:
        await self._work()
        known = any(entry.id == last_id for entry in self.entries)
        after = position_of(last_id) if known else None
        found = tuple(entry for entry in self.entries if after is not None and entry.position > after)
        answer = Opened(known, self.entries[-1].id, found)
        await self.pause()
        return answer

    async def renew(self, leases: Collection[tuple[int, str]]) -> set[int]:
        await self._work()
        return set() if self.entries else {ADA}

    async def close(self, account_id: int, lease: str) -> None:
        await self._work()
        del self.leases[lease]

    async def _work(self) -> None:
        await self.pause()
        if self.away:
            raise NotificationsUnavailable


class Client(Connection):
    """Reads one stream."""

    def __init__(self, stream: EventStream, streams: StreamingApp) -> None:
        super().__init__()
        self.stream = stream
        self.carry(stream, streams)

    async def closes(self) -> None:
        self.leave()
        await self.ended()

    @property
    def text(self) -> str:
        return self.events.decode()

    @property
    def heard(self) -> list[tuple[str, str, Any]]:
        """Event, id and data of each."""
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields:
                found.append((fields["event"], fields["id"], json.loads(fields["data"])))
        return found

    @property
    def last_id(self) -> str:
        return self.heard[-1][1]

    def of(self, kind: str) -> list[tuple[str, str]]:
        return [(event_id, data["id"]) for event, event_id, data in self.heard if event == kind]


class World:
    def __init__(self, **options: Any) -> None:
        self.redis = Redis()
        self.hub = self.redis.hub = Hub(self.redis, self.redis, LoopClock(), **options)
        self.streams = StreamingApp(FastAPI())
        self.clients: list[Client] = []

    async def connect(self, last_id: str | None = None) -> Client:
        client = Client(await self.hub.open(ADA, last_id, 900), self.streams)
        self.clients.append(client)
        return client


def virtually(test: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        world = World(**options)
        await test(world)
        for client in world.clients:
            await client.closes()
        assert world.redis.leases == {}
        assert world.redis.subscribed == set()
        assert len(world.hub.account_ids) == 0

    run_virtually(run())


def test_of_each_group_the_newest_entry_counts() -> None:
    entries = [Entry("9-0", "a", removed=False), Entry("10-0", "a", removed=True), Entry("9-1", "b", removed=False)]
    assert newest_of_each(entries) == {"a": entries[1], "b": entries[2]}
    assert newest_of_each(reversed(entries)) == {"a": entries[1], "b": entries[2]}


@pytest.mark.parametrize("wrong", ["", "1", "1-", "-1", "1-1-1", "a-1", "１-1", "1-" + "9" * 20, "1-1\n"])
def test_what_is_no_position(wrong: str) -> None:
    assert position_of(wrong) is None


def test_a_change_is_sent_at_once() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        await asyncio.sleep(5)
        event_id = world.redis.publish("like.o_1.0")
        await asyncio.sleep(0.1)
        assert client.heard == [
            ("ready", "1-0", {"resumed": False}),
            ("notification", event_id, {"id": "like.o_1.0"}),
        ]
        event_id = world.redis.publish("like.o_1.0", removed=True)
        await asyncio.sleep(2)
        assert client.heard[2:] == [("removed", event_id, {"id": "like.o_1.0"})]

    virtually(test)


def test_a_storm_is_one_delivery_a_second_with_the_newest_of_each_group() -> None:
    async def test(world: World) -> None:
        first, second = await world.connect(), await world.connect()
        for number in range(500):
            world.redis.publish(f"like.o_{number % 3}.0")
            await asyncio.sleep(0.01)
        await asyncio.sleep(3)
        times = sorted(set(first.at))[1:]  # without `ready`
        assert len(times) <= 8
        assert all(later - earlier > 0.99 for earlier, later in pairwise(times))
        sent = first.of("notification")
        assert sent == second.of("notification")
        assert len(sent) <= 24
        assert [event_id for event_id, _ in sent] == sorted(
            (one for one, _ in sent), key=lambda one: position_of(one) or (0, 0)
        )
        assert {group for _, group in sent[-3:]} == {"like.o_0.0", "like.o_1.0", "like.o_2.0"}
        assert {event_id for event_id, _ in sent[-3:]} == {entry.id for entry in world.redis.entries[-3:]}

    virtually(test)


def test_a_client_that_comes_back_gets_what_it_missed() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        seen = world.redis.publish("a")
        await asyncio.sleep(3)
        await client.closes()
        world.clients.clear()
        missed = [world.redis.publish(group) for group in ("a", "b", "a")]
        again = await world.connect(client.last_id)
        await asyncio.sleep(3)
        assert again.heard == [
            ("ready", seen, {"resumed": True}),
            ("notification", missed[1], {"id": "b"}),
            ("notification", missed[2], {"id": "a"}),
        ]

    virtually(test)


@pytest.mark.parametrize("position", ["1-0", "999-0", "nonsense"])
def test_an_unknown_position_is_answered_by_a_reset(position: str) -> None:
    async def test(world: World) -> None:
        world.redis.publish("a")
        world.redis.trim(1)
        client = await world.connect(position)
        event_id = world.redis.publish("b")
        await asyncio.sleep(3)
        assert client.heard == [
            ("reset", "2-0", {"reason": "unknown_position"}),
            ("notification", event_id, {"id": "b"}),
        ]

    virtually(test)


def test_what_comes_while_the_subscription_is_broken_is_sent_afterwards() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        world.redis.lose_subscription()
        missed = [world.redis.publish(group) for group in ("a", "b")]
        await asyncio.sleep(60)
        assert client.of("notification") == []
        world.redis.away = True  # for reads still
        world.redis.subscribe_again()
        await asyncio.sleep(5)
        world.redis.away = False
        await asyncio.sleep(30)
        assert [event_id for event_id, _ in client.of("notification")] == missed

    virtually(test)


def test_a_redis_that_lost_everything_resets_the_streams() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        world.redis.lose_subscription()
        world.redis.entries = [Entry("50-0", "", removed=False)]
        world.redis.subscribe_again()
        await asyncio.sleep(1)
        world.redis.entries.append(entry := Entry("51-0", "a", removed=False))
        world.hub.changed(ADA, entry)
        await asyncio.sleep(3)
        assert client.heard[1:] == [("reset", "50-0", {"reason": "lost"}), ("notification", "51-0", {"id": "a"})]

    virtually(test)


@pytest.mark.parametrize("count", [100, MAX_PENDING])
def test_much_at_once_is_sent_to_a_client_that_reads(count: int) -> None:
    """Also what it missed: more than a queue holds is no reason to end the stream."""

    async def test(world: World) -> None:
        client = await world.connect()
        groups = [f"comment.c_{number}" for number in range(count)]
        for group in groups:
            world.redis.publish(group)
        await asyncio.sleep(3)
        assert [group for _, group in client.of("notification")] == groups
        assert client.stream.ended is None
        later = await world.connect("1-0")
        assert later.of("notification") == client.of("notification")
        await asyncio.sleep(60)
        assert later.stream.ended is None

    virtually(test)


def test_too_much_at_once_is_a_reset() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        for number in range(MAX_PENDING + 2):  # the first is sent at once
            world.redis.publish(f"comment.c_{number}")
        await asyncio.sleep(40)
        assert client.heard[2:] == [("reset", f"{MAX_PENDING + 3}-0", {"reason": "too-many"})]
        assert len(client.of("notification")) == 1

    virtually(test)


def test_an_account_has_a_few_streams_and_a_process_a_number() -> None:
    async def test(world: World) -> None:
        world.redis.max_streams = 2
        await world.connect()
        await world.connect()
        with pytest.raises(TooManyStreams) as refused:
            await world.connect()
        assert refused.value.headers["Retry-After"] == "30"
        await world.clients.pop().closes()
        await world.connect()
        world.redis.max_streams = 10
        await world.connect()
        with pytest.raises(StreamsFull):
            await world.connect()

    virtually(test, max_streams=3)


def test_without_redis_no_stream_begins_and_open_ones_stay() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        world.redis.away = True
        with pytest.raises(NotificationsUnavailable):
            await world.connect()
        await asyncio.sleep(60)
        assert client.stream.ended is None
        world.redis.away = False
        world.redis.publish("a")
        await asyncio.sleep(1)
        assert client.of("notification")

    virtually(test)


def test_a_subscription_that_is_not_confirmed() -> None:
    async def test(world: World) -> None:
        world.redis.confirms = False
        with pytest.raises(NotificationsUnavailable):
            await world.connect()

    virtually(test)


@pytest.mark.parametrize("seed", range(20))
def test_every_change_is_seen_once_or_followed_by_a_reset(seed: int) -> None:
    """Clients come and go, the subscription breaks, and calls take their time, while groups change once each."""

    async def test(world: World) -> None:
        chance = random.Random(seed)
        world.redis.pause = lambda: asyncio.sleep(chance.choice([0, 0.005, 0.03]))
        reading, all_seen, groups = True, list[list[tuple[str, str]]](), list[str]()

        async def person() -> None:
            seen, last_id = list[tuple[str, str]](), None
            all_seen.append(seen)
            while True:
                client = Client(await world.hub.open(ADA, last_id, 900), world.streams)
                await asyncio.sleep(chance.uniform(0, 4) if reading else 20)
                await client.closes()
                seen += client.of("notification")
                assert not [event for event in client.heard if event[0] == "reset"]
                last_id = client.last_id
                if not reading:
                    return
                await asyncio.sleep(chance.uniform(0, 0.2))

        people = [asyncio.create_task(person()) for _ in range(3)]
        await asyncio.sleep(1)
        for number in range(150):
            groups.append(f"comment.c_{number}")
            world.redis.publish(groups[-1])
            await asyncio.sleep(chance.uniform(0, 0.3))
            if chance.random() < 0.05:
                world.redis.lose_subscription()
                asyncio.get_running_loop().call_later(chance.uniform(0, 2), world.redis.subscribe_again)
        await asyncio.sleep(3)
        world.redis.subscribe_again()
        reading = False
        await asyncio.gather(*people)
        for seen in all_seen:
            assert [group for _, group in seen] == groups

    virtually(test)


def test_a_stream_that_is_drained_gives_its_lease_back() -> None:
    async def test(world: World) -> None:
        client = await world.connect()
        client.stream.end(End.DRAINED)
        await asyncio.sleep(1)
        assert world.redis.leases == {}

    virtually(test)
