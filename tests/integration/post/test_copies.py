"""Copies of accounts and relations in Cassandra are repaired towards their owners' newer states."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from photomesh_post.accounts.domain import Author, Relation
from photomesh_post.accounts.projection import account_rows, relation_rows
from photomesh_post.accounts.reconciliation import AccountCopies, RelationCopies
from photomesh_post.accounts.store import CassandraAccounts
from photomesh_post.erasures.store import CassandraErasures
from photomesh_post.tables.copy_progress import CassandraCopyProgress
from photomesh_shared.internal_api.states import OwnedAccount, OwnedPair
from photomesh_shared.stores.cassandra import CassandraSession

_OLD, _NOW, _NEW = 1_000_000, 2_000_000, 3_000_000
NewId = Callable[[], int]


@pytest.fixture
def store(database: CassandraSession) -> CassandraAccounts:
    return CassandraAccounts(database)


@pytest.fixture
def ended(database: CassandraSession) -> CassandraErasures:
    return CassandraErasures(database)


def owned(account_id: int, version: int = _NOW, *, private: bool = True, status: str = "active") -> OwnedAccount:
    return OwnedAccount(account_id, version, f"name{account_id}", "Name", None, private, status, "everybody")


def author(account_id: int, *, private: bool, status: str = "active") -> Author:
    return Author(account_id, f"name{account_id}", "Name", None, private, status)


async def test_accounts(store: CassandraAccounts, ended: CassandraErasures, new_id: NewId) -> None:
    outdated, newer, equal, unknown, hidden, erased = (new_id() for _ in range(6))
    await store.write(account_rows(author(outdated, private=False), _OLD))
    await store.write(account_rows(author(newer, private=False), _NEW))
    await store.write(account_rows(author(equal, private=True), _OLD))
    await store.write(account_rows(author(hidden, private=False), _OLD))
    await ended.mark_ended(erased)
    states = [owned(id_) for id_ in (outdated, newer, equal, unknown, erased)] + [owned(hidden, status="deactivated")]
    copies = AccountCopies(store, ended)
    assert await copies.repair(states) == 3
    assert (await store.author(outdated)).private
    assert (await store.author(unknown)).username == f"name{unknown}"
    assert (await store.author(hidden)).hidden
    assert not (await store.author(newer)).private, "what is newer than the page is no difference"
    assert await store.authors([erased]) == {}
    assert await copies.repair(states) == 0


@pytest.mark.parametrize(
    ("before", "version", "pair", "repaired"),
    [
        ((False, False), _OLD, (False, True), True),  # the event of a block was lost
        ((True, False), _OLD, (False, False), True),  # … of a removed follower
        ((False, True), _OLD, (True, False), True),  # … of an unblocking and a follow
        ((True, False), _OLD, (True, False), False),  # a mute since then, of which post knows nothing
        ((False, True), _NEW, (False, False), False),  # blocked since the page was read
        ((True, False), _NOW, (False, False), False),
    ],
)
async def test_relations(
    store: CassandraAccounts,
    ended: CassandraErasures,
    new_id: NewId,
    before: tuple[bool, bool],
    version: int,
    pair: tuple[bool, bool],
    repaired: bool,
) -> None:
    ada, grace = new_id(), new_id()
    await store.write(relation_rows(Relation(ada, grace, version, *before)))
    state = OwnedPair(ada, grace, _NOW, pair[0], pair[1], mutes=False)
    copies = RelationCopies(store, ended)
    assert await copies.repair([state]) == repaired
    follows, blocks = pair if repaired else before
    ours, theirs = await store.standing(ada, grace), await store.standing(grace, ada)
    assert (ours.follows, ours.blocked, ours.blocked_by) == (follows, blocks, False)
    assert (theirs.follows, theirs.blocked, theirs.blocked_by) == (False, blocks, blocks)
    assert await copies.repair([state]) == 0


async def test_the_other_side_of_a_block_alone(
    store: CassandraAccounts, ended: CassandraErasures, new_id: NewId
) -> None:
    """Half of what a block writes was lost."""
    ada, grace = new_id(), new_id()
    _, own, _ = relation_rows(Relation(ada, grace, _OLD, follows=False, blocks=True))
    await store.write([own])
    assert not (await store.standing(grace, ada)).blocked
    state = OwnedPair(ada, grace, _NOW, follows=False, blocks=True, mutes=False)
    assert await RelationCopies(store, ended).repair([state]) == 1
    assert (await store.standing(grace, ada)).blocked_by


async def test_pages_longer_than_a_read_and_erased_accounts(
    store: CassandraAccounts, ended: CassandraErasures, new_id: NewId
) -> None:
    ada, erased, *others = (new_id() for _ in range(252))
    await ended.mark_ended(erased)
    states = [OwnedPair(ada, other, _NOW, follows=True, blocks=False, mutes=False) for other in (*others, erased)]
    copies = RelationCopies(store, ended)
    assert await copies.repair(states) == 250
    assert await copies.repair(states) == 0
    assert (await store.standing(ada, others[-1])).follows
    assert not (await store.standing(ada, erased)).follows


async def test_progress(database: CassandraSession, new_id: NewId) -> None:
    progress, name = CassandraCopyProgress(database), f"tests-{new_id()}"
    assert await progress.load(name) is None
    assert not await progress.swap(name, "0", "1")
    assert await progress.swap(name, None, "1")
    assert not await progress.swap(name, None, "2")
    assert await progress.swap(name, "1", "2")
    assert await progress.load(name) == "2"
