"""Read models made from zero: folding events gives the rows that the consumers write, and differences are found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from photomesh_post.rebuilding.comparison import compare
from photomesh_post.rebuilding.memory import MemoryTables, canonical
from photomesh_post.rebuilding.replay import Replay
from photomesh_post.tables.rows import FINAL, RowWrite
from photomesh_shared.events import Envelope, PostDeleted, encode, ended_with, event_types, tombstone
from photomesh_shared.ids import timestamp_of
from tests.support.clock import FakeClock

EXAMPLES = {name: kind.example() for name, kind in event_types().items()}


class Stored:
    """A store with the rows of a replay, as the driver returns them."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {
            table: [{**dict(key), **cells} for key, cells in tables.rows(table)] for table in tables.tables()
        }

    async def rows(self, table: str) -> AsyncIterator[Mapping[str, Any]]:
        for row in self.tables.get(table, ()):
            yield row


async def replayed(*names: str) -> MemoryTables:
    replay = Replay(FakeClock())
    for version, name in enumerate(names or EXAMPLES, start=1):
        await replay.apply(Envelope.of(EXAMPLES[name], entityversion=version))
    return replay.tables


async def test_what_is_rebuilt_equals_what_was_stored() -> None:
    names = [name for name in EXAMPLES if not name.endswith((".deleted.v1", ".unliked.v1", ".unsaved.v1"))]
    tables = await replayed(*names)
    compared, differences = await compare(tables, Stored(tables))
    assert differences == []
    assert compared > 10


async def test_order_and_repetition_change_nothing() -> None:
    replay = Replay(FakeClock())
    envelopes = [Envelope.of(event, entityversion=version) for version, event in enumerate(EXAMPLES.values(), start=1)]
    for envelope in [*reversed(envelopes), *envelopes]:
        await replay.apply(envelope)
    compared, differences = await compare(replay.tables, Stored(await replayed()))
    assert differences == []
    assert compared


async def test_records_that_consumers_put_aside_or_do_not_know_are_skipped() -> None:
    record = encode(Envelope.of(EXAMPLES["photomesh.post.created.v1"], entityversion=1))
    unknown = tuple((name, b"photomesh.post.invented.v1" if name == "ce_type" else at) for name, at in record.headers)
    replay = Replay(FakeClock())
    for one in (replace(record, value=b"not JSON"), replace(record, headers=unknown), record):
        await replay.take(one)
    compared, differences = await compare(replay.tables, Stored(await replayed("photomesh.post.created.v1")))
    assert differences == []
    assert compared


async def test_a_changed_a_missing_and_a_superfluous_row_are_found() -> None:
    tables = await replayed("photomesh.post.created.v1", "photomesh.account.registered.v1")
    stored = Stored(tables)
    stored.tables["posts"][0]["caption"] = "other"
    stored.tables["accounts"].append({**stored.tables["accounts"][0], "user_id": 7})
    _, differences = await compare(tables, stored)
    assert [str(found) for found in differences] == [
        "accounts (user_id=7): only in the store",
        f"posts (post_id={EXAMPLES['photomesh.post.created.v1'].model_dump()['post_id']}): caption differ",
    ]
    stored.tables["posts"].clear()
    _, differences = await compare(tables, stored)
    assert str(differences[1]).endswith("missing in the store")


async def test_of_older_things_only_some_events_were_replayed() -> None:
    ada, grace = 382_764_105_932_316_672, 382_764_211_093_504_000
    began = timestamp_of(grace)
    replay = Replay(FakeClock())
    for account_id in (ada, grace):
        event = EXAMPLES["photomesh.account.updated.v1"].model_copy(update={"user_id": account_id})
        await replay.apply(Envelope.of(event, entityversion=1))
    stored = Stored(replay.tables)
    for row in stored.tables["accounts"]:
        row["username"] = "from an earlier event"
    _, differences = await compare(replay.tables, stored, since=began)
    assert [str(found) for found in differences] == [f"accounts (user_id={grace}): username differ"]
    assert len((await compare(replay.tables, stored))[1]) == 2


async def test_what_ended_may_have_been_compacted_away() -> None:
    ended = (
        "photomesh.post.created.v1",
        "photomesh.post.deleted.v1",
        "photomesh.post.liked.v1",
        "photomesh.post.unliked.v1",
        "photomesh.post.saved.v1",
        "photomesh.post.unsaved.v1",
        "photomesh.follow.created.v1",
        "photomesh.follow.deleted.v1",
    )
    compared, differences = await compare(MemoryTables(), Stored(await replayed(*ended)))
    assert (compared, differences) == (0, [])


async def test_unsaving_removes_a_post_from_collections() -> None:
    tables = await replayed(
        "photomesh.collection.created.v1",
        "photomesh.post.saved.v1",
        "photomesh.collection.post-added.v1",
        "photomesh.post.unsaved.v1",
    )
    assert [cells["kept"] for _, cells in tables.rows("saves")] == [False, False]


async def test_what_ended_with_something_else_has_only_a_tombstone() -> None:
    replay = Replay(FakeClock())
    begun = ("post.liked", "comment.created", "comment.liked", "post.saved", "collection.post-added")
    for version, name in enumerate(begun, start=1):
        await replay.apply(Envelope.of(EXAMPLES[f"photomesh.{name}.v1"], entityversion=version))
    _, differences = await compare(replay.tables, Stored(MemoryTables()))
    assert len(differences) > len(begun)
    for name in begun:
        envelope = Envelope.of(EXAMPLES[f"photomesh.{name}.v1"], entityversion=9)
        await replay.end(tombstone(encode(envelope)))  # that of an event changes nothing by itself
    _, unchanged = await compare(replay.tables, Stored(MemoryTables()))
    assert unchanged == differences
    for name in begun:
        envelope = Envelope.of(EXAMPLES[f"photomesh.{name}.v1"], entityversion=9)
        await replay.end(ended_with(envelope, PostDeleted))
    _, differences = await compare(replay.tables, Stored(MemoryTables()))
    history = {"saves_by_time", "months_by_list", "months_by_thread"}  # which stay
    assert {found.table for found in differences} <= history


async def test_an_erased_account_has_left_nothing() -> None:
    erased = EXAMPLES["photomesh.account.erasure-requested.v1"].model_dump()["user_id"]
    replay = Replay(FakeClock())
    for version, event in enumerate(EXAMPLES.values(), start=1):
        await replay.apply(Envelope.of(event, entityversion=version))
    replay.finish()
    for table in replay.tables.tables():
        for key, cells in replay.tables.rows(table):
            assert erased not in {*dict(key).values(), cells.get("owner_id"), cells.get("author_id")}, table


def test_the_newest_cell_wins() -> None:
    tables = MemoryTables()
    for timestamp, name in ((2, "second"), (1, "first"), (FINAL, ""), (3, "third")):
        tables.write([RowWrite("collections", {"collection_id": 1}, timestamp, {"name": name})])
    assert list(tables.rows("collections")) == [((("collection_id", 1),), {"name": None})]


def test_values_compare_in_the_precision_of_the_store() -> None:
    time = FakeClock().now()
    assert canonical(time.replace(microsecond=1234)) == canonical(time.replace(microsecond=1000, tzinfo=None))
    assert canonical([]) is canonical({}) is canonical("") is canonical(None) is None
