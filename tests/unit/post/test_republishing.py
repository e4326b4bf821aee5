"""Of a topic and the tables, the newer state of each thing wins."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from photomesh_post.republishing.reconciliation import Outcome, Reconciliation, Verdict, verdict_on
from photomesh_post.republishing.states import Stored, restated
from photomesh_shared.events import CollectionCreated, Envelope, Event, PostSaved, PostUnsaved, Record, encode
from photomesh_shared.events.envelope import tombstone
from photomesh_shared.events.versions import version_at
from photomesh_shared.kafka.reading.latest import Latest, LatestRecords
from photomesh_shared.kafka.source import Partition, Received
from tests.support.clock import MovableClock

SAVED = PostSaved.example()
KEY = SAVED.record_key().encode()


class Tables:
    """What the tables have of one saved post."""

    def __init__(self, version: int | None = None, *, kept: bool = True) -> None:
        self.version = version
        self.kept = kept
        self.applied: list[int] = []

    async def of_topic(self, topic: str) -> AsyncIterator[Stored]:
        if self.version is not None:
            yield Stored(KEY, self.version, not self.kept)

    async def current(self, key: bytes, *, above: int) -> Envelope[Event] | None:
        assert self.version is not None
        assert key == KEY
        event = SAVED if self.kept else PostUnsaved.example()
        return restated(event, self.version)

    async def apply(self, envelope: Envelope[Event]) -> None:
        self.applied.append(envelope.entityversion)
        self.version, self.kept = envelope.entityversion, not envelope.data.ends


class Topic:
    def __init__(self, *states: tuple[int, bool]) -> None:
        self.envelopes: list[Envelope[Event]] = [
            Envelope.of(SAVED if kept else PostUnsaved.example(), entityversion=version) for version, kept in states
        ]
        self.tombstones: list[Record] = []

    async def read(self, topic: str) -> AsyncIterator[Received]:
        records = [encode(envelope) for envelope in self.envelopes]
        for offset, record in enumerate([*records, *self.tombstones]):
            yield Received(Partition(topic, 0), offset, record, MovableClock().now())

    async def publish_many(self, envelopes: list[Envelope[Event]]) -> None:
        self.envelopes += envelopes

    def latest(self) -> tuple[int, bool]:
        return self.envelopes[-1].entityversion, not self.envelopes[-1].data.ends


async def run(topic: Topic, tables: Tables, *, repair: bool = True) -> Outcome:
    work = Reconciliation(tables, topic, tables.apply, MovableClock(), rate=1_000_000, repair=repair)  # type: ignore[arg-type]
    return await work.run("saves", topic.read)


@pytest.mark.parametrize("kept", [True, False])
async def test_the_topic_gets_what_only_the_tables_have_and_what_they_have_newer(kept: bool) -> None:
    topic, tables = Topic((5, True)), Tables(7, kept=kept)
    assert await run(topic, tables) == Outcome(1, 1, 0)
    assert topic.latest() == (7, kept)
    assert await run(topic, tables) == Outcome(1, 0, 0)
    empty = Topic()
    assert await run(empty, tables) == Outcome(1, int(kept), 0)


async def test_restored_tables_get_what_the_topic_has_newer() -> None:
    topic, tables = Topic((5, True), (9, False), (7, True)), Tables(5)
    outcome = await run(topic, tables)
    assert (outcome.applied, outcome.examples) == (1, [KEY.decode()])
    assert (tables.version, tables.kept, tables.applied) == (9, False, [9])
    assert await run(topic, tables) == Outcome(1, 0, 0)
    assert len(topic.envelopes) == 3


@pytest.mark.parametrize("kept", [True, False])
async def test_tables_that_know_nothing_of_a_thing_do_not_lack_its_end(kept: bool) -> None:
    """Erasures remove rows whose ends the topic still has; applying them would leave nothing either."""
    topic, tables = Topic((5, not kept), (9, kept)), Tables()
    assert await run(topic, tables, repair=False) == Outcome(0, 0, int(kept))
    assert await run(topic, tables) == Outcome(0, 0, int(kept))
    assert tables.applied == ([9] if kept else [])


async def test_a_tombstone_ends_a_thing_without_an_event() -> None:
    """As of likes under a post that is deleted: its tables have no row of them."""
    topic, tables = Topic((5, True)), Tables()
    ended = encode(Envelope.of(PostUnsaved.example(), entityversion=7))
    topic.tombstones.append(tombstone(ended))
    assert await run(topic, tables) == Outcome(0, 0, 0)
    assert tables.applied == []


@pytest.mark.parametrize("stored", [5, 9])
async def test_two_ends_are_the_same_whatever_their_versions(stored: int) -> None:
    """Unsaving a post raises the version of its removal from collections, which has an event of its own."""
    topic, tables = Topic((7, False)), Tables(stored, kept=False)
    assert await run(topic, tables) == Outcome(1, 0, 0)


async def test_a_check_writes_nothing() -> None:
    topic, tables = Topic(), Tables(7)
    assert await run(topic, tables, repair=False) == Outcome(1, 1, 0)
    assert topic.envelopes == []


async def test_what_the_running_service_writes_meanwhile_is_left_to_it() -> None:
    topic, tables = Topic(), Tables(version_at(MovableClock().now()) + 60_000_000)
    assert await run(topic, tables) == Outcome(1, 0, 0)


def test_an_end_of_unknown_version_is_published_once() -> None:
    ended = Stored(b"c_1", None, ended=True)
    assert verdict_on(ended, None) is verdict_on(ended, Latest(9, ended=True)) is Verdict.SAME
    assert verdict_on(ended, Latest(9, ended=False)) is Verdict.TOPIC_LACKS_IT


def test_restated_events_keep_their_ids() -> None:
    created = CollectionCreated.example()
    version = version_at(created.created_at)
    assert restated(created, version).id == f"{created.subject()}.created"
    renamed, again = restated(created, version + 1), restated(created, version + 1)
    assert renamed.id == again.id != f"{created.subject()}.created"


def test_the_latest_of_each_key_is_kept_whatever_the_order() -> None:
    with LatestRecords.open() as latest:
        for version, ended in ((2, False), (3, True), (1, False), (3, False)):
            latest.add(b"key", version, ended=ended)
        assert latest.get(b"key") == Latest(3, ended=True)
        assert latest.get(b"other") is None
        assert not latest.store_lacks(b"key", 3)
        latest.mark_older(b"key")
        assert latest.store_lacks(b"key", 3)
        assert not latest.store_lacks(b"key", 2)
        latest.mark_current(b"key")
        assert not latest.store_lacks(b"key", 3)
        latest.add(b"other", 1, ended=False)
        assert latest.store_lacks(b"other", 1)
