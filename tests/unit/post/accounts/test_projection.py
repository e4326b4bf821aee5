"""The rows of accounts and relations are the same in whatever order and however often events are applied."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_post.accounts.domain import Standing
from photomesh_post.accounts.projection import AccountEvent, author_of, rows_of, standing_of
from photomesh_shared.events import Envelope
from tests.support.post.memory_tables import MemoryTables, applied, shuffled
from tests.support.post.sample_events import ADA, GRACE, account, blocked, followed, unblocked, unfollowed


def tables_after(events: list[Envelope[AccountEvent]]) -> MemoryTables:
    return applied(rows_of(envelope) for envelope in events)


@settings(max_examples=50, deadline=None)
@given(st.integers())
def test_accounts_in_any_order(seed: int) -> None:
    first, private, public = account(ADA), account(ADA, private=True, version=2), account(ADA, version=3)
    events: list[Envelope[AccountEvent]] = [first, private, public]
    tables = tables_after(shuffled(events, seed))
    assert tables == tables_after(events)
    assert not author_of(ADA, tables.row("accounts", user_id=ADA)).private


@settings(max_examples=50, deadline=None)
@given(st.integers())
def test_relations_in_any_order(seed: int) -> None:
    events: list[Envelope[AccountEvent]] = [
        followed(GRACE, ADA, 1),
        unfollowed(GRACE, ADA, 2),
        blocked(GRACE, ADA, 3),
        unblocked(GRACE, ADA, 4),
        followed(GRACE, ADA, 5),
        blocked(ADA, GRACE, 1),
    ]
    tables = tables_after(shuffled(events, seed))
    assert tables == tables_after(events)
    assert standing_of(tables.row("relations", account_id=GRACE, other_id=ADA)) == Standing(
        follows=True, blocked=True, blocked_by=True
    )
    assert standing_of(tables.row("relations", account_id=ADA, other_id=GRACE)) == Standing(blocked=True)


def test_an_unknown_account_is_private() -> None:
    assert author_of(ADA, None).private
